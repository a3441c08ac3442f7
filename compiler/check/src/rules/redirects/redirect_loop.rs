//! Finds redirects that lead a client round and round.
//!
//! Exact within bounds: of the requests of a rule, those whose next URL a redirect takes are followed, set by set ([`region`]), for
//! every host that the mesh tells apart; and a loop is reported with a request that was sent round in it, decision by
//! decision, as proxies would ([`follow`]).
//!
//! [`region`]: super::region
//! [`follow`]: super::follow

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_space::languages::Languages;
use weft_space::work;

use super::follow::{End, leads_to};
use super::places::{Place, Places, Redirecting};
use super::redirect_to_nowhere;
use super::region::{BUDGET, BUDGET_OF_NOWHERE, Search};
use crate::rules::facts::{AnalysedHost, Facts};

/// A redirect that leads back to itself.
pub(super) static CODE: Code = Code {
    name: "redirect-loop",
    severity: Severity::Error,
    finds: "Redirects that lead a client back to where it was, or on and on, for at least 20 hops. A client goes on with GET after 301, 302 \
            and 303, but for HEAD. A host that only `*` serves is taken to be elsewhere where a redirect names it.",
    why: "No client ever gets an answer; browsers say that the page redirected too many times.",
    bad: spec!(
        r#"routes:
  old: {listener: public/web, host: shop.example, rules: [{redirect: {host: www.shop.example}}]}
  new: {listener: public/web, host: www.shop.example, rules: [{redirect: {host: shop.example}}]}
"#
    ),
    good: spec!(
        r#"routes:
  old: {listener: public/web, host: shop.example, rules: [{redirect: {host: www.shop.example}}]}
  new: {listener: public/web, host: www.shop.example, rules: [{to: orders}]}
"#
    ),
};

/// Reports every loop, and every redirect to where no rule is.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    // What is missing because it is wrong would look like something that nobody wrote.
    if diagnostics.has_errors() {
        return;
    }
    let places = Places::new(facts);
    let mut languages = Languages::sharing(&facts.mesh.automata);
    let (mut reported, mut budget) = (BTreeSet::new(), BUDGET);
    let mut budget_of_nowhere = BUDGET_OF_NOWHERE;
    for host in in_order(facts) {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let place = Place {
            gateway: host.host.gateway,
            listener: host.host.listener,
            host,
        };
        for (position, (rule, witness)) in analysis.rules.iter().zip(&analysis.witness).enumerate()
        {
            if work::is_spent() {
                return;
            }
            let (Some(_), Some(witness)) = (leads_to(rule), witness) else {
                continue;
            };
            let hosts = places.hosts_at(place);
            let mut search = Search {
                places: &places,
                languages: &mut languages,
                budget: &mut budget_of_nowhere,
            };
            let from = Redirecting {
                place,
                position,
                taken: witness,
            };
            diagnostics.extend(redirect_to_nowhere::of_rule(&mut search, from, &hosts));
            let mut search = Search {
                budget: &mut budget,
                ..search
            };
            let mut loops = hosts.into_iter().filter_map(|host| search.from(from, host));
            let Some(End::Loop(rules, way)) = loops.next() else {
                continue;
            };
            if comes_to_an_end(&way) {
                continue;
            }
            let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
            if reported.insert(ids) {
                diagnostics.push(report(rule, &rules, &way));
            }
        }
    }
}

/// The hosts in the order in which their rules are blamed: one for a single host before one for many, and then as they are
/// written, so that nothing depends on what gateways and listeners are called.
fn in_order<'run, 'mesh>(facts: &'run Facts<'mesh>) -> Vec<&'run AnalysedHost<'mesh>> {
    let mut hosts: Vec<&AnalysedHost<'_>> = facts.hosts().iter().collect();
    hosts.sort_by_key(|host| {
        let first = host.host.rules.iter().map(|rule| rule.span).min();
        (host.host.host.starts_with('*'), first)
    });
    hosts
}

/// Whether a way that comes nowhere twice gets shorter: however long the path is with which it began, it is used up.
fn comes_to_an_end(way: &[String]) -> bool {
    let (Some(first), Some(last)) = (way.first(), way.last()) else {
        return true;
    };
    // The method stands before the first.
    let first = first.rsplit(' ').next().unwrap_or(first);
    let places: BTreeSet<&str> = std::iter::once(first)
        .chain(way.iter().skip(1).map(String::as_str))
        .collect();
    places.len() == way.len() && last.len() < first.len()
}

fn report(rule: &Rule, rules: &[&Rule], way: &[String]) -> Diagnostic {
    let message = format!("the redirect of rule `{}` never ends", rule.id);
    let shown: Vec<&str> = way.iter().take(4).map(String::as_str).collect();
    let more = if shown.len() < way.len() {
        " -> ..."
    } else {
        ""
    };
    let mut finding = Diagnostic::new(&CODE, rule.place(), message)
        .note(format!("{}{more}", shown.join(" -> ")))
        .help("let one of these rules answer or forward");
    let mut said = vec![rule.id.as_str()];
    for other in rules {
        if !said.contains(&other.id.as_str()) {
            said.push(&other.id);
            finding = finding.label(
                other.place(),
                format!("rule `{}` redirects again", other.id),
            );
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    #[test]
    fn a_loop_of_another_method_than_get_says_which() {
        let found = findings(
            r"
            routes:
              r:
                on: public/web
                host: x.test
                rules:
                  - {path: /a/**, redirect: {path: /a/**}}
                  - {path: /a/**, methods: [GET], priority: 2, to: s}
            ",
        );
        let found = found.iter().find(|one| one.code.name == "redirect-loop");
        let note = found.unwrap().notes.join("\n");
        assert!(note.contains("HEAD http://x.test/a"), "{note}");
    }

    #[test]
    fn a_redirect_ends_at_an_answer() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              g:
                listeners:
                  w: {port: 80, protocol: http}
                  t: {port: 443, protocol: https, tls: {certificate: c}}
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              http: {on: g/w, host: "*", rules: [{redirect: {scheme: https}}]}
              a: {on: g/t, host: a.example, rules: [{path: /x/**, redirect: {path: "/x/y/**"}}, {to: s}]}  #~ error[redirect-loop]
              k: {on: g/t, host: k.example, rules: [{path: /x/y/**, redirect: {path: "/**"}}, {to: s}]}
              b: {on: g/t, host: b.example, rules: [{redirect: {host: c.example}}]}  #~ error[redirect-loop]
              c: {on: g/t, host: c.example, rules: [{redirect: {host: b.example}}]}
              d: {on: g/t, host: d.example, rules: [{redirect: {scheme: http}}]}  #~ error[redirect-loop]
              e: {on: g/t, host: e.example, rules: [{path: /old, redirect: {path: /new}}, {path: /older, redirect: {path: /old}}]}  #~ warning[redirect-to-nowhere]
              f: {on: g/t, host: f.example, rules: [{redirect: {host: elsewhere.example}}]}
              h: {on: g/t, host: h.example, rules: [{path: /a, redirect: {path: /b}}, {path: /b, methods: [GET], to: s}]}
              i: {on: g/t, host: i.example, rules: [{path: /a, methods: [POST], redirect: {path: /b, code: 307}}, {path: /b, methods: [GET], to: s}]}  #~ warning[redirect-to-nowhere]
            "#,
        );
    }

    #[test]
    fn every_request_of_a_rule_is_followed() {
        check(
            r#"
            routes:
              # Only what is below `/x/b` goes round.
              a: {on: public/web, host: a.example, rules: [{path: /x/**, redirect: {path: /y/**}}, {path: /y/b/**, redirect: {path: /x/b/**}}, {path: /y/**, to: s}]}  #~ error[redirect-loop]
              # Nothing does: the other takes it.
              b: {on: public/web, host: b.example, rules: [{path: /x/**, redirect: {path: /y/**}}, {path: /y/b/**, redirect: {path: /z/b/**}}, {to: s}]}
              # Only with a header.
              c: {on: public/web, host: c.example, rules: [{path: /a, redirect: {path: /b}}, {path: /b, headers: {x: "1"}, redirect: {path: /a}}, {path: /b, to: s}]}  #~ error[redirect-loop]
              # POST becomes GET, which is answered.
              d: {on: public/web, host: d.example, rules: [{path: /a, methods: [POST], redirect: {path: /a}}, {path: /a, methods: [GET], redirect: {path: /b}}, {path: /b, to: s}]}  #~ warning[method-loss]
              # HEAD stays HEAD.
              e: {on: public/web, host: e.example, rules: [{path: /a, redirect: {path: /b}}, {path: /b, methods: [HEAD], redirect: {path: /a}}, {path: /b, to: s}]}  #~ error[redirect-loop]
              # Swapped twice is the same; swapped once it is forwarded unless both are alike.
              f: {on: public/web, host: f.example, rules: [{path: "/{x}/{y}", redirect: {path: "/{y}/{x}"}}]}  #~ error[redirect-loop]
              g: {on: public/web, host: g.example, rules: [{path: "/a/{y}", redirect: {path: "/{y}/a"}}, {to: s}]}  #~ error[redirect-loop]
              h: {on: public/web, host: h.example, rules: [{path: {regex: "/[ab]"}, redirect: {path: /c}}, {path: {regex: "/[c-e]"}, redirect: {path: /b}}, {to: s}]}  #~ error[redirect-loop]
            "#,
        );
    }

    #[test]
    fn a_wildcard_stands_for_all_of_its_hosts() {
        check(
            r#"
            routes:
              # Only leads into the loop of the next one.
              a: {on: public/web, host: "*.example", rules: [{path: /a, redirect: {host: x.b.example}}, {to: s}]}
              b: {on: public/web, host: "*.b.example", rules: [{path: /a, redirect: {host: y.b.example}}, {to: s}]}  #~ error[redirect-loop]
              d: {on: public/web, host: d.test, rules: [{path: /a, redirect: {host: e.test}}, {to: s}]}
              e: {on: public/web, host: "*.test", rules: [{path: /a, redirect: {host: d.test, path: /b}}, {to: s}]}
              f: {on: public/web, host: "*.w.test", rules: [{path: /a, redirect: {host: g.w.test}}, {to: s}]}
              g: {on: public/web, host: g.w.test, rules: [{path: /a, redirect: {host: k.w.test}}, {to: s}]}  #~ error[redirect-loop]
            "#,
        );
    }

    #[test]
    fn a_name_that_only_a_wildcard_has_may_be_elsewhere() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              g: {listeners: {w: {port: 80, protocol: http}, t: {port: 443, protocol: https, tls: {certificate: c}}}}
              h: {listeners: {w: {port: 8080, protocol: http, hosts: [h.example, "*.b.test"]}}}
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              # Whose that name is, nothing says.
              a: {on: g/w, host: "*", rules: [{path: /a, redirect: {host: www.elsewhere.org}}, {path: /b, redirect: {scheme: https, host: www.elsewhere.org}}, {to: s}]}
              b: {on: g/t, host: "*", rules: [{path: /b, redirect: {scheme: http}}, {to: s}]}
              # A route of any listener names it.
              c: {on: g/w, host: c.test, rules: [{path: /c, redirect: {scheme: https}}, {to: s}]}  #~ error[redirect-loop]
              d: {on: g/t, host: "*.test", rules: [{path: /c, redirect: {scheme: http, host: c.test}}, {to: s}]}
              # So do the hosts of a listener.
              e: {on: h/w, host: "*", rules: [{path: /e, redirect: {host: h.example}}, {path: /f, redirect: {host: f.b.test}}, {to: s}]}  #~ error[redirect-loop], error[redirect-loop]
            "#,
        );
    }

    #[test]
    fn loops_on_second_listeners_are_found_whatever_gateways_are_called() {
        let spec = |first: &str, second: &str| {
            let text = r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              FIRST: {listeners: {v: {port: 80, protocol: http, hosts: [a.example]}, w: {port: 80, protocol: http, hosts: ["*.b.example"]}, x: {port: 9000, protocol: http}}}
              SECOND: {listeners: {v: {port: 80, protocol: http, hosts: [c.example]}, w: {port: 80, protocol: http}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              a: {on: FIRST/w, host: x.b.example, rules: [{redirect: {host: y.b.example}}]}  #~ error[redirect-loop]
              b: {on: FIRST/w, host: y.b.example, rules: [{redirect: {host: x.b.example}}]}
              c: {on: FIRST/x, host: "*", rules: [{path: /a, redirect: {path: /b}}, {path: /b, redirect: {path: /a}}, {to: s}]}  #~ error[redirect-loop]
              d: {on: SECOND/w, host: d.example, rules: [{redirect: {host: e.b.example}}]}  #~ error[redirect-loop]
              e: {on: FIRST/w, host: e.b.example, rules: [{redirect: {host: d.example}}]}
              f: {on: SECOND/w, host: f.example, rules: [{path: /f, redirect: {path: /g}}, {path: /g, redirect: {path: /f}}, {to: s}]}  #~ error[redirect-loop]
            "#;
            text.replace("FIRST", first).replace("SECOND", second)
        };
        check(&spec("g", "h"));
        check(&spec("h", "g"));
    }

    #[test]
    fn a_client_stays_on_its_port_and_at_its_gateway() {
        let spec = |first: &str, second: &str| {
            let text = r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              FIRST: {listeners: {w: {port: 80, protocol: http}, v: {port: 8080, protocol: http}}}
              SECOND: {listeners: {w: {port: 80, protocol: http}, t: {port: 8443, protocol: https, tls: {certificate: c}}}}
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              # The same host is at the same gateway.
              a: {on: FIRST/w, host: a.example, rules: [{path: /a, redirect: {path: /b}}, {to: s}]}
              b: {on: SECOND/w, host: a.example, rules: [{path: /b, redirect: {path: /a}}, {path: /a, redirect: {path: /b}}]}  #~ error[redirect-loop]
              # Another port is another listener.
              c: {on: FIRST/w, host: c.example, rules: [{path: /a, redirect: {path: /b}}, {to: s}]}
              d: {on: FIRST/v, host: c.example, rules: [{path: /b, redirect: {path: /a}}, {to: s}]}
              e: {on: FIRST/w, host: e.example, rules: [{path: /a, redirect: {port: 8080}}, {to: s}]}  #~ error[redirect-loop]
              f: {on: FIRST/v, host: e.example, rules: [{path: /a, redirect: {scheme: http}}, {to: s}]}
              # The only port of a protocol is the one behind 443.
              g: {on: SECOND/w, host: g.example, rules: [{redirect: {scheme: https}}]}  #~ error[redirect-loop]
              h: {on: SECOND/t, host: g.example, rules: [{redirect: {scheme: http}}]}
              # One host of many.
              i: {on: SECOND/w, host: "*.i.example", rules: [{redirect: {scheme: https}}]}
              j: {on: SECOND/t, host: j.i.example, rules: [{redirect: {scheme: http}}]}  #~ error[redirect-loop]
            "#;
            text.replace("FIRST", first).replace("SECOND", second)
        };
        // Whatever the gateways are called.
        check(&spec("g", "h"));
        check(&spec("h", "g"));
    }
}
