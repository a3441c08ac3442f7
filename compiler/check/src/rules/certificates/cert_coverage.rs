//! Finds hosts that are served under a certificate which is not for them.
//!
//! Exact over the hosts that the listener gets, where the names are known: from `names` of the certificate, or from its file if it can be read. A wildcard
//! of a certificate is one label (RFC 9525 section 6.3), one of a route any number of them, so the deeper hosts of a
//! wildcard route are never covered; that is a warning, because few mean them.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Certificate, ListenerProtocol, ListenerTls, Route};
use weft_space::{Part, Served};
use weft_spec::Span;

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
    for (id, gateway) in mesh.gateways.iter() {
        for (position, listener) in gateway.listeners.iter().enumerate() {
            let (ListenerProtocol::Https, ListenerTls::Certificate(chosen)) =
                (listener.protocol.value, listener.tls)
            else {
                continue;
            };
            let certificate = mesh.certificates.entry(chosen.value);
            let names = names(facts, certificate);
            if !names.is_empty() {
                let table = weft_front::model::served(mesh, id, position);
                let is_here = |route: &&Route| (route.gateway, route.listener) == (id, position);
                let routes: Vec<&Route> = mesh.routes.values().filter(is_here).collect();
                on_listener(&table, &routes, certificate, &names, diagnostics);
            }
        }
    }
}

/// Reports the routes of one listener, of the hosts that it gets and they own.
fn on_listener(
    served: &Served<'_>,
    routes: &[&Route],
    certificate: &Certificate,
    names: &[String],
    diagnostics: &mut Diagnostics,
) {
    let hosts = routes.iter().flat_map(|route| route.host_names());
    let mut hosts: Vec<&str> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut bare: Vec<Option<Bare>> = vec![None; hosts.len()];
    for (part, owner) in served.parts(&hosts, "*") {
        let known = owner.and_then(|owner| bare.get_mut(owner));
        if let (Some(known), Some(found)) = (known, uncovered(&part, names))
            && known.as_ref().is_none_or(|known| found.is_worse(known))
        {
            *known = Some(found);
        }
    }
    for host in routes.iter().flat_map(|route| &route.hosts) {
        let at = hosts.binary_search(&host.value.as_str()).ok();
        let found = at.and_then(|at| bare.get(at)).and_then(Option::as_ref);
        diagnostics.extend(found.map(|found| finding(host.span, certificate, names, found)));
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

/// Hosts without a certificate.
#[derive(Clone, Debug)]
enum Bare {
    /// This one, as all that are one label below a pattern.
    Shallow(String),
    /// This one, as all that are further below.
    Deep(String),
}

impl Bare {
    fn is_worse(&self, than: &Self) -> bool {
        matches!((self, than), (Self::Shallow(_), Self::Deep(_)))
    }
}

/// The hosts of a part for which a certificate is not.
fn uncovered(part: &Part, names: &[String]) -> Option<Bare> {
    let is_covered = |host: &str| names.iter().any(|name| covers(name, host));
    match &part.deeper {
        None => (!is_covered(&part.host)).then(|| Bare::Shallow(part.host.clone())),
        // A name of one host is not one for all hosts beside it.
        Some(_) if !names.contains(&part.pattern) => {
            let host = Some(&part.host).filter(|host| !is_covered(host));
            Some(Bare::Shallow(host.unwrap_or(&part.pattern).clone()))
        }
        Some(deeper) => Some(Bare::Deep(deeper.clone())),
    }
}

fn finding(host_at: Span, certificate: &Certificate, names: &[String], bare: &Bare) -> Diagnostic {
    let (Bare::Shallow(host) | Bare::Deep(host)) = bare;
    let name = &certificate.name.value;
    let message = format!("certificate `{name}` is not for `{host}`");
    let place = certificate
        .names
        .first()
        .map_or(certificate.name.span, |name| name.span);
    let found = Diagnostic::new(&CODE, host_at, message)
        .label(place, format!("it is for `{}`", names.join("`, `")))
        .help("add the name to the certificate, or use another host");
    match bare {
        Bare::Shallow(_) => found,
        Bare::Deep(_) => found.as_warning(),
    }
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
    use crate::testing::check;

    #[test]
    fn only_hosts_that_the_listener_gets_need_a_name() {
        check(
            r#"
            gateways:
              g:
                listeners:
                  t: {port: 443, protocol: https, hosts: [a.example, "*.b.example"], tls: {certificate: c}}
                  u: {port: 443, protocol: https, hosts: ["*.u.example"], tls: {certificate: d}}
                  v: {port: 443, protocol: https, hosts: [x.u.example], tls: {certificate: c}}
            certificates:
              c: {chain: /c.pem, key: /c.key, names: [a.example, "*.b.example", x.u.example]}
              d: {chain: /d.pem, key: /d.key, names: [x.u.example, x1.u.example]}
            routes:
              a: {on: g/t, host: "*", rules: [{to: s}]}  #~ warning[cert-coverage]
              b: {on: g/t, host: x.b.example, rules: [{to: s}]}
              c: {on: g/u, host: "*", rules: [{to: s}]}  #~ error[cert-coverage]
              d: {on: g/v, host: "*", rules: [{to: s}]}
            "#,
        );
    }

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
