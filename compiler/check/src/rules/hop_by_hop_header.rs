//! Finds changes to headers that belong to one connection, or to the proxy itself.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

use super::facts::Facts;
use super::header_names::changes;

/// A header that is not a rule's to change.
pub(super) static CODE: Code = Code {
    name: "hop-by-hop-header",
    severity: Severity::Error,
    finds: "A rule that sets, adds or removes `connection`, `transfer-encoding`, `content-length`, `host` or another header \
            that frames a message or belongs to one hop, or one of Weft's own `x-weft-*`.",
    why: "The proxy makes these anew for each hop (RFC 9110 section 7.6.1); changing them by hand is how requests are smuggled.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, requestHeaders: {set: {host: orders.internal}}}]
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, rewrite: {host: orders.internal}}]
"#
    ),
};

const NAMES: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reports every such change.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for change in changes(mesh) {
        let name = change.name.value.to_ascii_lowercase();
        let is_own = name.starts_with("x-weft-");
        if !is_own && !name.starts_with("proxy-") && !NAMES.contains(&name.as_str()) {
            continue;
        }
        let message = format!("a rule cannot change the header `{name}`");
        let (what, help) = match name.as_str() {
            "host" => ("routing and forwarding set it", "use `rewrite: {host: …}`"),
            "upgrade" => ("belongs to one connection", "use `upgrade: [websocket]`"),
            _ if is_own => ("set by the proxy", "use another name"),
            _ => ("belongs to one connection", "leave it to the proxy"),
        };
        diagnostics.push(
            Diagnostic::new(&CODE, change.name.span, message)
                .saying(what)
                .help(help),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn framing_headers_are_the_proxys() {
        check_rules(
            r"
            - path: /a
              to: s
              requestHeaders:
                set:
                  x-team: a
                  Transfer-Encoding: chunked  #~ error[hop-by-hop-header]
                remove:
                  - proxy-authorization  #~ error[hop-by-hop-header]
              responseHeaders: {add: {x-weft-reason: a}}  #~ error[hop-by-hop-header]
            ",
        );
    }
}
