//! Follows redirects like a client, from one request of each rule that redirects.
//!
//! Sound: a loop is found by sending a request round in it, decision by decision, as the proxy would; exact for redirects
//! to fixed places. A client gives up after 20 hops (curl: 50, browsers: 20), and so does this.

use std::collections::BTreeSet;

use weft_spec::gateway::ListenerProtocol;
use weft_spec::route::{Redirect, Scheme};

use super::redirect_to_nowhere;
use crate::claims::owner::{first_taker, owner};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::lower::outcome::{DEFAULT_REDIRECT, rewrite};
use crate::model::languages::Languages;
use crate::model::{Action, Rule};
use crate::rules::facts::Facts;
use crate::space::WitnessRequest;
use crate::why::Question;

/// A redirect that leads back to itself.
pub(super) static CODE: Code = Code {
    name: "redirect-loop",
    severity: Severity::Error,
    finds: "Redirects that lead a client back to where it was, or on and on, for at least 20 hops.",
    why: "No client ever gets an answer; browsers say that the page redirected too many times.",
    bad: spec!(
        r#"routes:
  old: {on: public/web, host: shop.example, rules: [{redirect: {host: www.shop.example}}]}
  new: {on: public/web, host: www.shop.example, rules: [{redirect: {host: shop.example}}]}
"#
    ),
    good: spec!(
        r#"routes:
  old: {on: public/web, host: shop.example, rules: [{redirect: {host: www.shop.example}}]}
  new: {on: public/web, host: www.shop.example, rules: [{to: orders}]}
"#
    ),
};

const HOPS: usize = 20;

/// Reports every loop, and every redirect to where no rule is.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    // What is missing because it is wrong would look like something that nobody wrote.
    if diagnostics.has_errors() {
        return;
    }
    let mut languages = Languages::sharing(&facts.mesh.automata);
    let mut reported = BTreeSet::new();
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let gateway = facts.mesh.gateways.entry(host.host.gateway);
        let Some(listener) = gateway.listeners.get(host.host.listener) else {
            continue;
        };
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            let (Action::Redirect(redirect), Some(witness)) = (&rule.action, witness) else {
                continue;
            };
            let is_https = listener.protocol.value == ListenerProtocol::Https;
            let first = Stop::of(witness, is_https);
            match follow(facts, (rule, &redirect.value), &first, &mut languages) {
                End::Elsewhere => {}
                End::Nowhere(last) => diagnostics.push(redirect_to_nowhere::report(rule, &last)),
                End::Loop(rules, way) => {
                    let mut ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
                    ids.sort_unstable();
                    ids.dedup();
                    if reported.insert(ids.join(" ")) {
                        diagnostics.push(report(rule, &rules, &way));
                    }
                }
            }
        }
    }
}

/// A request on its way round.
#[derive(Clone)]
struct Stop {
    is_https: bool,
    port: Option<u16>,
    request: WitnessRequest,
}

impl Stop {
    fn of(request: &WitnessRequest, is_https: bool) -> Self {
        Self {
            is_https,
            port: None,
            request: request.clone(),
        }
    }

    fn url(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!(
            "{scheme}://{}{port}{}",
            self.request.host,
            self.request.target()
        )
    }

    /// Where a client goes from here, as `runtime/src/serve/local.rs` answers and RFC 9110 section 15.4 has it followed.
    fn next(&self, rule: &Rule, redirect: &Redirect) -> Self {
        let Redirect {
            scheme,
            host,
            port,
            path,
            code,
        } = redirect;
        let mut next = self.clone();
        if let Some(scheme) = scheme {
            next.is_https = scheme.value == Scheme::Https;
            next.port = None;
        }
        if let Some(port) = port {
            next.port = Some(port.value);
        }
        if let Some(host) = host {
            next.request.host.clone_from(&host.value);
        }
        let new = path
            .as_ref()
            .map(|path| rewrite(&path.value, &rule.matched.path.value));
        if let Some(Ok(new)) = new {
            next.request.path = new.apply(&self.request.path);
        }
        let keeps = matches!(code.map_or(DEFAULT_REDIRECT, |code| code.value), 307 | 308);
        if !keeps && next.request.method != "HEAD" {
            "GET".clone_into(&mut next.request.method);
        }
        next
    }

    fn question(&self) -> Question {
        let headers = self.request.headers.iter();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Question {
            method: self.request.method.clone(),
            is_https: Some(self.is_https),
            authority: self.request.host.clone(),
            port: self.port,
            target: self.request.target(),
            headers: headers
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            from: None,
            node: None,
            why_not: None,
        }
    }
}

enum End<'mesh> {
    /// An answer, or a host that is not of this mesh, or one about which nothing is known.
    Elsewhere,
    /// A host of this mesh that has no rule for the request.
    Nowhere(String),
    /// The rules that lead round, and the way.
    Loop(Vec<&'mesh Rule>, Vec<String>),
}

fn follow<'mesh>(
    facts: &Facts<'mesh>,
    (rule, redirect): (&'mesh Rule, &'mesh Redirect),
    first: &Stop,
    languages: &mut Languages,
) -> End<'mesh> {
    let mut stop = first.clone();
    let (mut at, mut leads) = (rule, redirect);
    let (mut rules, mut way) = (vec![rule], vec![first.url()]);
    for hop in 0..HOPS {
        stop = stop.next(at, leads);
        way.push(stop.url());
        let Some((host, request)) = owner(facts, &stop.question()) else {
            return End::Elsewhere;
        };
        let Ok(analysis) = &host.analysis else {
            return End::Elsewhere;
        };
        match first_taker(&analysis.rules, &request, languages) {
            // A rule behind another redirect speaks for itself.
            None if hop == 0 => return End::Nowhere(stop.url()),
            None => return End::Elsewhere,
            Some(next) => match &next.action {
                Action::Redirect(redirect) => (at, leads) = (next, &redirect.value),
                Action::Forward(_) | Action::Respond(_) => return End::Elsewhere,
            },
        }
        rules.push(at);
        if way.iter().rev().skip(1).any(|before| *before == stop.url()) {
            return End::Loop(rules, way);
        }
    }
    End::Loop(rules, way)
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
    use crate::rules::testing::check;

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
}
