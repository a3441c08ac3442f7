//! Finds hosts that are served under a certificate which is not for them.
//!
//! Exact, where the names are known: from `names` of the certificate, or from its file if it can be read. A wildcard
//! of a certificate is one label (RFC 9525 section 6.3), one of a route any number of them, so the deeper hosts of a
//! wildcard route are never covered; that is a warning, because few mean them.

use weft_spec::Spanned;
use weft_spec::gateway::ListenerProtocol;
use weft_spec::units::HostPattern;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{Certificate, ListenerTls, Route};
use crate::rules::facts::Facts;

/// A host without a certificate.
pub(super) static CODE: Code = Code {
    name: "cert-coverage",
    severity: Severity::Error,
    finds: "A route on an HTTPS listener for a host that the certificate does not name.",
    why: "Clients refuse such a connection before they send a request.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: wild}}}}}
certificates: {wild: {chain: /etc/weft/wild.pem, key: /etc/weft/wild.key, names: ["*.shop.example"]}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: api.eu.shop.example, rules: [{to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: wild}}}}}
certificates: {wild: {chain: /etc/weft/wild.pem, key: /etc/weft/wild.key, names: ["*.shop.example"]}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: api.shop.example, rules: [{to: orders}]}
"#,
};

/// Reports every such route.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for route in mesh.routes.values() {
        let Some(listener) = mesh.listener(route) else {
            continue;
        };
        let (ListenerProtocol::Https, ListenerTls::Certificate(id)) =
            (listener.protocol.value, listener.tls)
        else {
            continue;
        };
        let certificate = mesh.certificates.entry(id.value);
        let names = names(facts, certificate);
        if !names.is_empty() {
            diagnostics.extend(uncovered(route, certificate, &names));
        }
    }
}

/// The names of a certificate in lower case; nothing if they are not known.
fn names(facts: &Facts<'_>, certificate: &Certificate) -> Vec<String> {
    if certificate.names.is_empty() {
        let read = facts.certificate(certificate);
        return read.map(|read| read.names).unwrap_or_default();
    }
    let names = certificate.names.iter();
    names.map(|name| name.value.as_str().to_owned()).collect()
}

fn uncovered(route: &Route, certificate: &Certificate, names: &[String]) -> Option<Diagnostic> {
    let host: &Spanned<HostPattern> = &route.host;
    let pattern = host.value.as_str();
    let shallow = match pattern.strip_prefix('*') {
        Some("") => "x".to_owned(),
        Some(suffix) => format!("x{suffix}"),
        None => pattern.to_owned(),
    };
    let is_covered = |host: &str| names.iter().any(|name| covers(name, host));
    let name = &certificate.name.value;
    let finding = |host: &str| {
        let message = format!("certificate `{name}` is not for `{host}`");
        let place = certificate
            .names
            .first()
            .map_or(certificate.name.span, |name| name.span);
        Diagnostic::new(&CODE, route.host.span, message)
            .label(place, format!("it is for `{}`", names.join("`, `")))
            .help("add the name to the certificate, or use another host")
    };
    if !is_covered(&shallow) {
        return Some(finding(&shallow));
    }
    let deep = pattern
        .strip_prefix('*')
        .map(|suffix| format!("x.x{suffix}"))?;
    (!is_covered(&deep)).then(|| finding(&deep).as_warning())
}

/// Whether a name of a certificate is for a host.
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(suffix) => host.split_once('.').is_some_and(|(_, rest)| rest == suffix),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_host_is_named_by_its_certificate() {
        check(
            r#"
            gateways:
              g:
                listeners:
                  t: {port: 443, protocol: https, tls: {certificate: c}}
                  u: {port: 444, protocol: https, tls: {certificate: d}}
                  w: {port: 80, protocol: http}
            certificates:
              c: {chain: /c.pem, key: /c.key, names: ["*.shop.example", shop.example]}
              d: {chain: /d.pem, key: /d.key}
            routes:
              a: {on: g/t, host: a.shop.example, rules: [{to: s}]}
              b: {on: g/t, host: shop.example, rules: [{to: s}]}
              c: {on: g/t, host: a.b.shop.example, rules: [{to: s}]}  #~ error[cert-coverage]
              d: {on: g/t, host: other.example, rules: [{to: s}]}  #~ error[cert-coverage]
              e: {on: g/t, host: "*.shop.example", rules: [{to: s}]}  #~ warning[cert-coverage]
              f: {on: g/t, host: "*", rules: [{to: s}]}  #~ error[cert-coverage]
              g: {on: g/u, host: other.example, rules: [{to: s}]}
              h: {on: g/w, host: other.example, rules: [{to: s}]}
            "#,
        );
    }
}
