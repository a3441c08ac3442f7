//! Finds methods that nobody registered: a slip of the fingers matches no request.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest};
use weft_front::model::test::Asked;
use weft_spec::Span;

use super::facts::Facts;
use super::matched::{self, Methods};

/// A method that is not known.
pub(super) static CODE: Code = Code {
    name: "unknown-method",
    severity: Severity::Warning,
    finds: "A method that is neither registered (RFC 9110 section 16.1) nor in common use.",
    why: "Any token is a method, so a misspelt one is accepted and matches nothing: the rule is dead, or the permission is of no use. \
          An application with methods of its own suppresses the finding.",
    bad: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{methods: [GETT], to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{methods: [GET], to: orders}]}
"#
    ),
};

/// Those that most applications use; what is near to one of them is meant to be it.
const COMMON: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
];

/// The registry of methods (IANA, "Hypertext Transfer Protocol (HTTP) Method Registry"), and those of `UPnP` and of caches.
const KNOWN: [&str; 38] = [
    "ACL",
    "BAN",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "ORDERPATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SUBSCRIBE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "BREW",
];

/// Reports every such method.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    matched::each(mesh, &mut |place| match place.methods {
        Methods::Listed(methods) => {
            for method in methods {
                judge(method.value.as_str(), method.span, diagnostics);
            }
        }
        Methods::One(method) => judge(method.as_str(), place.span, diagnostics),
    });
    for test in &mesh.tests {
        if let Asked::One { request, .. } = &test.asked {
            let method = request.value.split(' ').next().unwrap_or_default();
            judge(method, request.span, diagnostics);
        }
    }
}

fn judge(method: &str, span: Span, diagnostics: &mut Diagnostics) {
    if COMMON.contains(&method) || KNOWN.contains(&method) {
        return;
    }
    diagnostics.push_with((span.file, CODE.severity), || {
        let found = Diagnostic::new(&CODE, span, format!("`{method}` is not a known method"));
        match nearest(method, COMMON.into_iter().chain(KNOWN)) {
            Some(near) => found.help(format!("write `{near}`")),
            None => found.help("write a method such as `GET`, or suppress this where an application has methods of its own"),
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_misspelt_method_is_found_wherever_it_stands() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: "127.0.0.1:1"
                calls: {b: {operations: [PSOT /x]}}  #~ warning[unknown-method]
              b:
                protocol: http
                app: "127.0.0.1:2"
                sidecar: {inbound: "0.0.0.0:15444", outbound: "127.0.0.1:15002"}
                endpoints: ["127.0.0.1:15444"]
                allow: [{from: [service/a]}]
                deny:
                  - {methods: [DELET]}  #~ warning[unknown-method]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {methods: [GET, PROPFIND, QUERY], to: s}
                  - {methods: [GETT], to: s}  #~ warning[unknown-method]
            tests:
              - {name: t, request: GTE http://x.test/, expect: {status: 404}}  #~ warning[unknown-method]
            "#,
        );
    }
}
