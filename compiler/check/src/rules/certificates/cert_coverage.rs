//! Finds hosts that are served under a certificate which is not for them.
//!
//! Exact over the hosts that the listener gets, where the names are known: from `names` of the certificate, and from its file if it can be read,
//! both of which have to name a host. A wildcard of a certificate is one label (RFC 9525 section 6.3), one of a route any number of
//! them, so the deeper hosts of a wildcard route are never covered; that is a warning, because few mean them. An address is named as
//! one, and the common name says nothing (the same, sections 6.5 and 6.2).

use std::net::IpAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Certificate, ListenerProtocol, ListenerTls, Route};
use weft_space::{Part, Served};
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A host without a certificate.
pub(super) static CODE: Code = Code {
    name: "cert-coverage",
    severity: Severity::Error,
    finds: "A route on an HTTPS listener for a host that the certificate does not name, by its `names` or by its file if that can be \
            read here. A name `*.a.b` is for hosts with one label more; `*.b`, with one label behind the `*`, is for none; an address \
            has to be among the addresses of the file.",
    why: "Clients refuse such a connection before they send a request.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: wild}}}}}
certificates: {wild: {chain: /etc/weft/wild.pem, key: /etc/weft/wild.key, names: ["*.shop.example"]}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: api.eu.shop.example, rules: [{to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: wild}}}}}
certificates: {wild: {chain: /etc/weft/wild.pem, key: /etc/weft/wild.key, names: ["*.shop.example"]}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: api.shop.example, rules: [{to: orders}]}
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
            let said = said(facts, certificate);
            if !said.is_empty() {
                let table = weft_front::model::served(mesh, id, position);
                let is_here = |route: &&Route| (route.gateway, route.listener) == (id, position);
                let routes: Vec<&Route> = mesh.routes.values().filter(is_here).collect();
                on_listener(&table, &routes, (certificate, &said), diagnostics);
            }
        }
    }
}

/// Reports the routes of one listener, of the hosts that it gets and they own.
fn on_listener(
    served: &Served<'_>,
    routes: &[&Route],
    (certificate, said): (&Certificate, &[Names]),
    diagnostics: &mut Diagnostics,
) {
    let hosts = routes.iter().flat_map(|route| route.host_names());
    let mut hosts: Vec<&str> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut bare: Vec<Option<(Bare, &Names)>> = vec![None; hosts.len()];
    for (part, owner) in served.parts(&hosts, "*") {
        let known = owner.and_then(|owner| bare.get_mut(owner));
        let mut found = said
            .iter()
            .filter_map(|names| Some((uncovered(&part, names)?, names)));
        if let (Some(known), Some(found)) = (known, found.next())
            && known
                .as_ref()
                .is_none_or(|known| found.0.is_worse(&known.0))
        {
            *known = Some(found);
        }
    }
    for host in routes.iter().flat_map(|route| &route.hosts) {
        let at = hosts.binary_search(&host.value.as_str()).ok();
        let found = at.and_then(|at| bare.get(at)).and_then(Option::as_ref);
        diagnostics.extend(found.map(|(bare, names)| finding(host.span, certificate, names, bare)));
    }
}

/// What somebody says that a certificate is for.
#[derive(Clone, Debug)]
struct Names {
    /// Where it is said.
    span: Span,
    /// Who says it.
    who: &'static str,
    /// The names as hosts, in lower case.
    hosts: Vec<String>,
}

impl Names {
    fn covers(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| covers(name, host))
    }
}

/// What the spec and the file say that a certificate is for; nothing if neither does.
fn said(facts: &Facts<'_>, certificate: &Certificate) -> Vec<Names> {
    let written = certificate.names.iter();
    let written = certificate.names.first().map(|first| Names {
        span: first.span,
        who: "it",
        hosts: written.map(|name| name.value.as_str().to_owned()).collect(),
    });
    let read = facts.certificate(certificate).map(|read| {
        // An address that is written as a name is none (RFC 9525, section 6.5).
        let names = read.names.into_iter();
        let names = names.filter(|name| name.parse::<IpAddr>().is_err());
        let addresses = read.addresses.iter().map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
        Names {
            span: certificate.chain.span,
            who: "its file",
            hosts: names.chain(addresses).collect(),
        }
    });
    written.into_iter().chain(read).collect()
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
fn uncovered(part: &Part, names: &Names) -> Option<Bare> {
    let is_covered = |host: &str| names.covers(host);
    match &part.deeper {
        None => (!is_covered(&part.host)).then(|| Bare::Shallow(part.host.clone())),
        // A name of one host is not one for all hosts beside it.
        Some(_) if !names.hosts.contains(&part.pattern) || is_too_wide(&part.pattern) => {
            let host = Some(&part.host).filter(|host| !is_covered(host));
            Some(Bare::Shallow(host.unwrap_or(&part.pattern).clone()))
        }
        Some(deeper) => Some(Bare::Deep(deeper.clone())),
    }
}

fn finding(host_at: Span, certificate: &Certificate, names: &Names, bare: &Bare) -> Diagnostic {
    let (Bare::Shallow(host) | Bare::Deep(host)) = bare;
    let name = &certificate.name.value;
    let who = names.who;
    let message = format!("certificate `{name}` is not for `{host}`");
    let label = if names.hosts.is_empty() {
        format!("{who} names no host")
    } else {
        format!("{who} is for `{}`", names.hosts.join("`, `"))
    };
    let found = Diagnostic::new(&CODE, host_at, message)
        .label(names.span, label)
        .help("add the name to the certificate, or use another host");
    let wide = names.hosts.iter().find(|name| is_too_wide(name));
    let found = match wide {
        Some(wide) => found.note(format!(
            "clients refuse `{wide}`: behind the `*` they want two labels, as in `*.shop.example`"
        )),
        None => found,
    };
    match bare {
        Bare::Shallow(_) => found,
        Bare::Deep(_) => found.as_warning(),
    }
}

/// Whether a name of a certificate is for a host.
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(suffix) => {
            let is_below = host.split_once('.').is_some_and(|(_, rest)| rest == suffix);
            is_below && !is_too_wide(name)
        }
        None => name == host,
    }
}

/// Whether a name has a wildcard for all of a top-level domain, which clients take for a mistake.
fn is_too_wide(name: &str) -> bool {
    name.strip_prefix("*.")
        .is_some_and(|suffix| !suffix.contains('.'))
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

    #[test]
    fn names_are_those_that_clients_accept() {
        check(
            r#"
            # certificate: /a.pem ends 2099-01-01 names a.shop.example,10.0.0.1 addresses 10.0.0.2
            # certificate: /b.pem ends 2099-01-01
            # certificate: /c.pem ends 2099-01-01 names *.example,*.shop.example
            # certificate: /d.pem ends 2099-01-01 names a.shop.example addresses 2001:db8::1
            gateways:
              g:
                listeners:
                  a: {port: 443, protocol: https, tls: {certificate: a}}
                  b: {port: 444, protocol: https, tls: {certificate: b}}
                  c: {port: 445, protocol: https, tls: {certificate: c}}
                  d: {port: 446, protocol: https, tls: {certificate: d}}
            certificates:
              a: {chain: /a.pem, key: /a.key}
              b: {chain: /b.pem, key: /b.key}
              c: {chain: /c.pem, key: /c.key}
              d: {chain: /d.pem, key: /d.key, names: [a.shop.example, b.shop.example]}
            routes:
              a1: {on: g/a, host: a.shop.example, rules: [{to: s}]}
              a2: {on: g/a, host: 10.0.0.1, rules: [{to: s}]}  #~ error[cert-coverage]
              a3: {on: g/a, host: 10.0.0.2, rules: [{to: s}]}
              b1: {on: g/b, host: a.shop.example, rules: [{to: s}]}  #~ error[cert-coverage]
              c1: {on: g/c, host: shop.example, rules: [{to: s}]}  #~ error[cert-coverage]
              c2: {on: g/c, host: a.shop.example, rules: [{to: s}]}
              c3: {on: g/c, host: "*.example", rules: [{to: s}]}  #~ error[cert-coverage]
              # What the spec says, the file does not.
              d1: {on: g/d, hosts: [a.shop.example, b.shop.example], rules: [{to: s}]}  #~ error[cert-coverage]
              d2: {on: g/d, host: "[2001:db8::1]", rules: [{to: s}]}  #~ error[cert-coverage]
            "#,
        );
    }
}
