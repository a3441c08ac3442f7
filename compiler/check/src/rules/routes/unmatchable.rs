//! Finds rules and permissions that no request could match, whatever others there are.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Match, Mesh, ServiceProtocol};
use weft_front::settings::UNDERSCORES;
use weft_snapshot::head::{Fate, is_forwarded};
use weft_snapshot::plan::{Condition, PathPattern, ValueTest};
use weft_space::path::shown;
use weft_space::work;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use crate::rules::facts::Facts;
use crate::rules::regexes::expressions::Texts;

/// What it costs to look for a request (`weft_space::work`).
const LOOK_STEPS: usize = 1_000;

/// Finding: rules and permissions that no request could match, whatever others there are.
pub(super) static CODE: Code = Code {
    name: "unmatchable",
    severity: Severity::Error,
    finds: "A rule or permission whose conditions no canonical request has, such as an expression for a path that canonicalisation never leaves, \
            a method that no proxy forwards (CONNECT, TRACE), a header with a line break in its value, \
            or one with an underscore in its name where the listener drops those.",
    why: "The proxy matches the canonical path: no `//`, no `/./`, `/../` or `?`, `%HH` in upper case. A rule for anything else never matches.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: {regex: "/a//b"}, to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: {regex: "/a/b/?"}, to: orders}
"#
    ),
};

const HELP: &str =
    "match what a request looks like after its path was made canonical, or remove it";

/// Reports every rule and permission that matches nothing by itself.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let silent = analysis.witness.iter().enumerate();
        for (position, _) in silent.filter(|(_, witness)| witness.is_none()) {
            let Some(rule) = analysis.rules.get(position) else {
                continue;
            };
            if names_no_forwarded(&rule.matched.methods) {
                diagnostics.push(of_methods(
                    &format!("rule `{}`", rule.id),
                    &rule.matched.methods,
                ));
            } else if work::spend(LOOK_STEPS)
                && is_valid(facts.mesh, &rule.matched)
                && analysis.left_by(&[], position) == Ok(None)
            {
                let message = format!("no request can match rule `{}`", rule.id);
                let found = Diagnostic::new(&CODE, rule.place(), message);
                diagnostics.push(found.help(help(&rule.matched.path.value)));
            }
        }
    }
    underscores(facts.mesh, diagnostics);
    permissions(facts, diagnostics);
    methods_of_services(facts.mesh, diagnostics);
}

/// What to write for a path that no request has.
fn help(path: &PathPattern) -> String {
    let PathPattern::Regex { regex } = path else {
        return HELP.to_owned();
    };
    let bare = regex.trim_start_matches('^');
    if regex.starts_with("/^") || regex.contains("\\/") {
        let bare = regex.replace("\\/", "/");
        let bare = bare
            .strip_prefix("/^")
            .unwrap_or(&bare)
            .trim_end_matches(['$', '/']);
        return format!("an expression has no slashes around it: write `{bare}`");
    }
    if regex.is_empty() {
        return "leave `path` out for every path".to_owned();
    }
    if bare.starts_with(['/', '(', '.', '[']) {
        if bare.starts_with('[') {
            return format!(
                "it is held against the whole path, which begins with `/`: write `/.*{bare}`"
            );
        }
        return HELP.to_owned();
    }
    format!("it is held against the whole path, which begins with `/`: write `/{bare}`")
}

/// Whether methods are named, and none that a proxy forwards.
fn names_no_forwarded(methods: &[Spanned<Method>]) -> bool {
    let mut named = methods.iter();
    !methods.is_empty() && named.all(|method| !is_forwarded(method.value.as_str()))
}

fn of_methods(what: &str, methods: &[Spanned<Method>]) -> Diagnostic {
    let names = methods.iter().map(|method| method.value.as_str());
    let names: Vec<&str> = names.collect();
    let place = methods.first().map_or(Span::NONE, |method| method.span);
    let message = format!("no request can match {what}");
    Diagnostic::new(&CODE, place, message)
        .saying(format!(
            "proxies answer {} themselves, with 405",
            names.join(" and ")
        ))
        .help("name a method that is forwarded, or remove it")
}

/// Reports every permission, denial and operation of methods alone that no proxy forwards.
fn methods_of_services(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for service in mesh.services.values() {
        let name = &service.name.value;
        for allow in &service.allow {
            if names_no_forwarded(&allow.methods) {
                let what = format!("permission {} of `{name}`", allow.position);
                diagnostics.push(of_methods(&what, &allow.methods));
            }
        }
        for deny in &service.deny {
            if names_no_forwarded(&deny.methods) {
                let what = format!("denial {} of `{name}`", deny.position);
                diagnostics.push(of_methods(&what, &deny.methods));
            }
        }
        let operations = service.calls.iter().flat_map(|call| &call.operations);
        for operation in operations.filter(|one| !is_forwarded(one.method.as_str())) {
            let method = Spanned::new(operation.method.clone(), operation.span);
            let what = format!("operation `{}` of `{name}`", operation.text);
            diagnostics.push(of_methods(&what, &[method]));
        }
    }
}

/// Reports every condition on a header that the listener leaves out before rules are asked. gRPC keeps its metadata when
/// nothing is said, so a rule for gRPC services may ask for it.
fn underscores(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for route in mesh.routes.values() {
        let Some(listener) = mesh.listener(route) else {
            continue;
        };
        for rule in &route.rules {
            let mut services = rule.live_backends();
            let is_grpc = services.any(|backend| {
                let service = mesh.services.entry(backend.service);
                service.protocol.value == ServiceProtocol::Grpc
            });
            for condition in &rule.matched.headers {
                values(condition, diagnostics);
                let name = &condition.value.name;
                if listener.heads().fate(name, is_grpc) == Fate::Kept {
                    continue;
                }
                let what = match &condition.value.test {
                    ValueTest::Absent => "always absent here",
                    ValueTest::Exact { .. } | ValueTest::Present | ValueTest::Regex { .. } => {
                        "never there"
                    }
                };
                let message = format!(
                    "the header `{name}` is {what}: listener `{}` does not keep names with an underscore",
                    listener.name.value
                );
                let said = listener.said.get(&UNDERSCORES);
                let place = said.map_or(listener.name.span, |said| said.span);
                diagnostics.push(
                    Diagnostic::new(&CODE, condition.span, message)
                        .label(place, "this listener")
                        .help("write the name with `-`, or `underscores: keep` at the listener"),
                );
            }
        }
    }
}

/// Reports a text that no value of a header is: a field has no line break, no control but the tabulator, and no blank at its
/// ends (RFC 9110, section 5.5).
fn values(condition: &Spanned<Condition>, diagnostics: &mut Diagnostics) {
    let Condition { name, test } = &condition.value;
    let ValueTest::Exact { text } = test else {
        return;
    };
    let is_blank = |symbol: char| matches!(symbol, ' ' | '\t');
    let what = if text
        .bytes()
        .any(|byte| byte != b'\t' && byte.is_ascii_control())
    {
        "a line break or another control"
    } else if text.starts_with(is_blank) || text.ends_with(is_blank) {
        "a blank at an end"
    } else {
        return;
    };
    let message = format!(
        "no header `{}` has the value `{}`: it has {what}",
        shown(name),
        shown(text)
    );
    let help = "write the value as it is sent; a text below `|` ends with a line break, one below `|-` does not";
    diagnostics.push(Diagnostic::new(&CODE, condition.span, message).help(help));
}

/// Reports every permission and denial for a path that no request has.
fn permissions(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for service in facts.mesh.services.values() {
        let paths = Texts::at(facts.mesh, service);
        let allowed = service.allow.iter();
        let allowed = allowed.map(|allow| (format!("permission {}", allow.position), &allow.path));
        let denied = service.deny.iter();
        let denied = denied.map(|deny| (format!("denial {}", deny.position), &deny.path));
        for (what, path) in allowed.chain(denied) {
            let PathPattern::Regex { regex } = &path.value else {
                continue;
            };
            let is_valid = facts.mesh.automata.of(&[regex]).is_ok();
            if is_valid
                && paths
                    .extent(regex)
                    .is_ok_and(|found| found.inside.is_none())
            {
                let name = &service.name.value;
                let message = format!("no request can match {what} of `{name}`");
                diagnostics.push(Diagnostic::new(&CODE, path.span, message).help(HELP));
            }
        }
    }
}

// An expression that is none has its own finding.
fn is_valid(mesh: &Mesh, matched: &Match) -> bool {
    let path = match &matched.path.value {
        PathPattern::Regex { regex } => Some(regex),
        PathPattern::Segments { .. } => None,
    };
    let tests = matched.headers.iter().chain(&matched.query);
    let values = tests.filter_map(|test| match &test.value.test {
        ValueTest::Regex { regex } => Some(regex),
        ValueTest::Exact { .. } | ValueTest::Present | ValueTest::Absent => None,
    });
    path.into_iter()
        .chain(values)
        .all(|regex| mesh.automata.of(&[regex]).is_ok())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn paths_that_are_never_canonical_match_nothing() {
        check_rules(
            r#"
            - {path: {regex: "/a/../b"}, to: s}
            - {path: {regex: '/a/\.\./b'}, to: s}  #~ error[unmatchable]
            - {path: {regex: '/a\?b'}, to: s}  #~ error[unmatchable]
            - {path: {regex: "a"}, to: s}  #~ error[unmatchable]
            - {path: {regex: "/%2f"}, to: s}  #~ error[unmatchable]
            "#,
        );
    }

    #[test]
    fn methods_that_are_never_forwarded_match_nothing() {
        check(
            r#"
            # info[dead-deny] is looked at
            services:
              web: {protocol: http, app: "127.0.0.1:1", calls: {a: {operations: [TRACE /a, GET /a]}}}  #~ error[unmatchable]
              a:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/web], methods: [GET, CONNECT]}
                  - {from: [service/web], methods: [TRACE, CONNECT]}  #~ error[unmatchable]
                deny: [{methods: [TRACE]}]  #~ error[unmatchable]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, methods: [TRACE], respond: {status: 500}}  #~ error[unmatchable]
                  - {path: /a, methods: [GET, TRACE], to: s}
                  # The same requests as before.
                  - {path: /a, methods: [GET], respond: {status: 404}}  #~ error[identical-routes]
                  - {path: /b, methods: [GET, TRACE], to: s}
                  # Narrower, because nothing that it asks for is traced.
                  - {path: /b, methods: [GET, POST], respond: {status: 404}}
            assert:
              - {name: a1, never: {from: service/web, to: a, operation: TRACE /a}}
              - {name: a2, total: {host: "*", path: /a, methods: [GET, TRACE]}}
            "#,
        );
    }

    #[test]
    fn headers_that_a_listener_drops_are_never_there() {
        check(
            r#"
            gateways:
              g:
                listeners:
                  a: {port: 71, protocol: http}
                  b: {port: 2, protocol: http, underscores: keep}
                  c: {port: 3, protocol: http, underscores: refuse}
            services:
              h: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:1"]}
            routes:
              a: {on: g/a, host: "*", rules: [{to: s}, {path: /a, headers: {x_a: "1"}, respond: {status: 204}}, {path: /b.C/D, headers: {x_a: "1"}, to: h}]}  #~ error[unmatchable]
              b: {on: g/b, host: "*", rules: [{to: s}, {path: /a, headers: {x_a: "1"}, respond: {status: 204}}, {path: /b, headers: {x_forwarded_for: "1"}, respond: {status: 204}}]}  #~ error[unmatchable]
              c: {on: g/c, host: "*", rules: [{to: s}, {path: /b.C/D, headers: {x_a: "1"}, to: h}]}  #~ error[unmatchable]
            "#,
        );
    }

    #[test]
    fn no_header_has_a_line_break_or_a_control() {
        check_rules(
            r#"
            - {path: /a, headers: {x: "a\nb"}, to: s}  #~ error[unmatchable]
            - {path: /b, headers: {x: "a\r"}, to: s}  #~ error[unmatchable]
            - {path: /c, headers: {x: "\x1b[2J"}, to: s}  #~ error[unmatchable]
            - {path: /d, headers: {x: " a"}, to: s}  #~ error[unmatchable]
            - {path: /e, headers: {x: "a\tb c"}, to: s}
            - {path: /f, query: {x: "a\nb "}, to: s}
            "#,
        );
    }

    #[test]
    fn permissions_for_such_paths_admit_nothing() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:1
                allow:
                  - {from: [gateway/public], path: {regex: "/a//b"}}  #~ error[unmatchable], warning[over-permissive]
                  - {from: [gateway/public], path: {regex: "/a/(b|c)"}}
                # What is written here would never be refused (as in CVE-2021-31920).
                deny: [{path: {regex: "//admin/.*"}}]  #~ error[unmatchable]
            "#,
        );
    }
}
