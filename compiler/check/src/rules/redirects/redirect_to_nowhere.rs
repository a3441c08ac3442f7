//! Redirects to hosts of the mesh where no rule takes the client: asked for each redirect by `redirect_loop`.
//!
//! Exact within its bounds: of the requests of a rule those are found whose next URL no rule takes ([`Search::nowhere`]), for
//! every host that the mesh tells apart, and one is followed for real. Where the path stays the same and other requests of the
//! rule arrive, as with a redirect of everything to HTTPS, the client asked for what is nowhere, so that is a remark; and so it is
//! where a path arrives with other methods. HEAD counts where the rule names it: rules for GET alone are many.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_front::model::Rule;

use super::places::Redirecting;
use super::region::{Nowhere, Search};

/// A redirect to a 404.
pub(super) static CODE: Code = Code {
    name: "redirect-to-nowhere",
    severity: Severity::Warning,
    finds: "A redirect to a host of this mesh that has no rule for a request that clients send then; a remark where others arrive \
            and the path stays the same, or the method alone is missing.",
    why: "Clients are led to a 404 by a spec that could know.",
    bad: spec!(
        r#"routes:
  shop: {listener: public/web, host: shop.example, rules: [{path: /old, redirect: {path: /new}}]}
"#
    ),
    good: spec!(
        r#"routes:
  shop: {listener: public/web, host: shop.example, rules: [{path: /old, redirect: {path: /new}}, {path: /new, to: orders}]}
"#
    ),
};

/// The finding of a rule at a place, if some request that it takes is led to nowhere; `hosts` stand for all that it is asked for.
pub(super) fn of_rule<'run, 'mesh>(
    search: &mut Search<'_, 'run, 'mesh>,
    from: Redirecting<'run, 'mesh>,
    hosts: &[&str],
) -> Option<Diagnostic> {
    let rule = from
        .place
        .host
        .analysis
        .as_ref()
        .ok()?
        .rules
        .get(from.position)
        .copied()?;
    let mut remark = None;
    for host in hosts {
        match search.nowhere(from, host) {
            Some(found) if found.is_all => return Some(report(rule, &found)),
            found => remark = remark.or(found),
        }
    }
    remark.map(|found| report(rule, &found))
}

fn report(rule: &Rule, found: &Nowhere) -> Diagnostic {
    let some = if found.is_all { "" } else { "some requests " };
    let message = format!("the redirect of rule `{}` leads {some}to a 404", rule.id);
    let mut finding = Diagnostic::new(&CODE, rule.place(), message)
        .note(format!("no rule takes {}", found.url))
        .help("add a rule for it, or redirect to where one is");
    if !found.is_all {
        finding.severity = Severity::Info;
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn every_request_of_a_redirect_arrives() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: g/w
                host: a.example
                rules:
                  # One that arrives says nothing of the others.
                  - {path: /old/**, redirect: {path: /new/**}}  #~ warning[redirect-to-nowhere]
                  - {path: /new, to: s}
                  - {path: /new/x/**, to: s}
                  - {path: "/u/{id}", redirect: {path: "/v/{id}"}}  #~ warning[redirect-to-nowhere]
                  - {path: "/v/{id}", headers: {x: {present: true}}, to: s}
                  - {path: "/m/{id}", redirect: {path: "/n/{id}", code: 308}}
                  - {path: "/n/{id}", methods: [GET, HEAD], to: s}
                  # A client that follows with GET arrives.
                  - {path: "/p/{id}", redirect: {path: "/n/{id}"}}
                  - {path: "/q/{id}", redirect: {path: "/q/{id}/x"}}
                  - {path: "/q/{id}/{y}", methods: [GET], to: s}
                  - {path: "/r/{id}", methods: [GET, HEAD], redirect: {path: "/q/{id}/x"}}
                  - {path: "/s/{id}", methods: [POST], redirect: {path: "/n/{id}", code: 307}}  #~ warning[redirect-to-nowhere]
                  - {path: /h/**, redirect: {host: b.example}}  #~ warning[redirect-to-nowhere]
              w: {on: g/w, host: "*.w.example", rules: [{path: /a/**, redirect: {path: /b/**}}, {path: /b/**, to: s}]}
              v: {on: g/w, host: "*.v.example", rules: [{redirect: {host: c.v.example, path: /b}}]}  #~ warning[redirect-to-nowhere]
              x: {on: g/w, host: c.v.example, rules: [{path: /b, headers: {x: "1"}, to: s}]}  #~ warning[host-hides-wildcard]
              b: {on: g/w, host: b.example, rules: [{path: /other, to: s}]}
            "#,
        );
    }

    #[test]
    fn what_arrives_with_other_methods_or_was_nowhere_before_is_a_remark() {
        check(
            r#"
            # info[redirect-to-nowhere] is looked at
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}, t: {port: 443, protocol: https, tls: {certificate: c}}}}}
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              a: {on: g/w, host: "*", rules: [{redirect: {scheme: https}}]}  #~ info[redirect-to-nowhere]
              b: {on: g/t, host: a.example, rules: [{path: /api/**, to: s}]}
              c: {on: g/w, host: c.example, rules: [{path: /api/x, redirect: {scheme: https}}, {path: /shop, redirect: {scheme: https}}]}  #~ warning[redirect-to-nowhere], warning[host-hides-wildcard]
              d: {on: g/t, host: c.example, rules: [{path: /api/**, to: s}]}
              g: {on: g/w, host: g.example, rules: [{path: /a, redirect: {path: /b, code: 308}}, {path: /b, methods: [GET], to: s}]}  #~ info[redirect-to-nowhere], warning[host-hides-wildcard]
              # HEAD does not arrive, and nobody said HEAD.
              h: {on: g/w, host: h.example, rules: [{path: /a, redirect: {path: /b}}, {path: /b, methods: [GET], to: s}]}  #~ warning[host-hides-wildcard]
              i: {on: g/w, host: i.example, rules: [{path: /a, methods: [GET, HEAD], redirect: {path: /b}}, {path: /b, methods: [GET], to: s}]}  #~ info[redirect-to-nowhere], warning[host-hides-wildcard]
              e: {on: g/w, host: e.example, rules: [{redirect: {scheme: https}}]}
              f: {on: g/t, host: e.example, rules: [{to: s}]}
            "#,
        );
    }
}
