//! Finds names that cannot stand in identities, hosts and metrics.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::owners::PLATFORM;
use weft_spec::Spanned;

use super::facts::Facts;

/// A name with the wrong letters.
pub(super) static CODE: Code = Code {
    name: "bad-name",
    severity: Severity::Error,
    finds: "A name of a mesh, service, version, gateway, listener, certificate, route or rule that is not made of lower-case \
            letters, digits and `-`, a trust domain that SPIFFE does not accept, or a name that has a meaning of its own: a \
            team `platform`.",
    why: "Names become parts of SPIFFE identities, of hosts that apps call, of file names and of metrics; one form fits all of them.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
services: {Order_Service: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
services: {order-service: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
};

/// Reports every such name.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    label("mesh", &mesh.name, diagnostics);
    trust_domain(&mesh.trust_domain, diagnostics);
    for gateway in mesh.gateways.values() {
        label("gateway", &gateway.name, diagnostics);
        for listener in &gateway.listeners {
            label("listener", &listener.name, diagnostics);
        }
    }
    for certificate in mesh.certificates.values() {
        label("certificate", &certificate.name, diagnostics);
    }
    for service in mesh.services.values() {
        label("service", &service.name, diagnostics);
        for version in &service.versions {
            label("version", &version.name, diagnostics);
        }
    }
    for team in mesh.teams.values() {
        if team.name.value == PLATFORM {
            let message = format!("`{PLATFORM}` is what owns everything that no team does");
            diagnostics.push(
                Diagnostic::new(&CODE, team.name.span, message).help(
                    "choose another name, or write `mesh.platform` for what the platform keeps",
                ),
            );
        }
    }
    for route in mesh.routes.values() {
        label("route", &route.name, diagnostics);
        for rule in &route.rules {
            if let Some(name) = &rule.name {
                label("rule", name, diagnostics);
            }
        }
    }
}

fn label(kind: &str, name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    if is_label(&name.value) {
        return;
    }
    let shown: String = name
        .value
        .chars()
        .take(80)
        .collect::<String>()
        .escape_debug()
        .to_string();
    let diagnostic = Diagnostic::new(
        &CODE,
        name.span,
        format!("`{shown}` cannot be the name of a {kind}"),
    );
    let near: String = name
        .value
        .to_ascii_lowercase()
        .replace(['_', '.', ' '], "-")
        .trim_matches('-')
        .to_owned();
    diagnostics.push(if is_label(&near) {
        diagnostic.help(format!("write `{near}`"))
    } else {
        diagnostic.help("use at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends")
    });
}

fn is_label(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

// SPIFFE ID, section 2.1: lower-case letters, digits, `.`, `-` and `_`, at most 255 bytes.
fn trust_domain(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let is_good = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    if (1..=255).contains(&name.value.len()) && name.value.bytes().all(is_good) {
        return;
    }
    let shown: String = name
        .value
        .chars()
        .take(80)
        .collect::<String>()
        .escape_debug()
        .to_string();
    diagnostics.push(
        Diagnostic::new(
            &CODE,
            name.span,
            format!("`{shown}` cannot be a trust domain"),
        )
        .help(near_domain(&name.value)),
    );
}

/// The domain in a URL or an identity, in lower case.
fn near_domain(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let bare = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest);
    let bare = bare.split(['/', ':']).next().unwrap_or_default();
    let is_good =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if !bare.is_empty() && bare != text && bare.bytes().all(is_good) {
        format!("write `{bare}`")
    } else {
        "use lower-case letters, digits, `.`, `-` and `_`, as in `shop.example`".to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_domain_with_more_in_it_is_told_apart() {
        assert_eq!(super::near_domain("spiffe://a.b/c"), "write `a.b`");
        assert_eq!(super::near_domain("A.b"), "write `a.b`");
        assert!(super::near_domain("a b").contains("lower-case"));
    }

    use crate::testing::check;

    #[test]
    fn names_are_labels() {
        check(
            r#"
            mesh: {name: shop, trustDomain: Shop.example}  #~ error[bad-name]
            gateways: {g: {listeners: {w-1: {port: 1, protocol: http}}}}
            services:
              app: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              -a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}  #~ error[bad-name]
              b:
                protocol: http
                mtls: disabled
                endpoints: ["127.0.0.1:1"]
                versions: {"v 2": {endpoints: ["127.0.0.1:1"]}}  #~ error[bad-name]
            "#,
        );
    }
}
