//! Refuses routes that hold for so many hosts, by so many rules, that a short text would be a large mesh.

use weft_front::diagnostic::{Diagnostic, Diagnostics, TOO_LARGE};
use weft_front::model::{Mesh, Rule};
use weft_snapshot::plan::{PathPattern, ValueTest};

/// The most rules of all routes that name several hosts, each counted for each of its hosts: tables have them once for each.
const MAX_HELD: usize = 100_000;
/// What a rule counts for each of its conditions, and for each that is a regular expression: that is what looking at a host takes.
const CONDITION: usize = 1;
const EXPRESSION: usize = 4;

/// Reports the route with which the bound is exceeded, and whether one is.
pub(super) fn is_too_much(mesh: &Mesh, diagnostics: &mut Diagnostics) -> bool {
    let mut held = 0_usize;
    for route in mesh.routes.values() {
        let (hosts, rules) = (route.hosts.len(), route.rules.len());
        if hosts < 2 {
            continue;
        }
        let weight: usize = route.rules.iter().map(weight).sum();
        held = held.saturating_add(hosts.saturating_mul(weight));
        if MAX_HELD < held {
            let message = format!(
                "with route `{}`, rules and their conditions are {held}, each counted for each of its hosts",
                route.name.value
            );
            diagnostics.push(
                Diagnostic::new(&TOO_LARGE, route.name.span, message)
                    .saying(format!("it has {hosts} hosts and {rules} rules"))
                    .note(format!(
                        "at most {MAX_HELD} are allowed, of all routes that name several hosts"
                    ))
                    .help("use a host with a `*`"),
            );
            return true;
        }
    }
    false
}

/// What a rule counts for.
fn weight(rule: &Rule) -> usize {
    let matched = &rule.matched;
    let conditions = matched.headers.iter().chain(&matched.query);
    let of_conditions = conditions.map(|one| match &one.value.test {
        ValueTest::Regex { .. } => EXPRESSION,
        ValueTest::Exact { .. } | ValueTest::Present | ValueTest::Absent => CONDITION,
    });
    let of_path = match &matched.path.value {
        PathPattern::Regex { .. } => EXPRESSION,
        PathPattern::Segments { .. } => 0,
    };
    1 + of_path + of_conditions.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use weft_front::diagnostic::TOO_LARGE;

    use crate::testing::findings;

    #[test]
    fn a_short_text_is_no_large_mesh() {
        let said = |hosts: usize, rules: usize| {
            let hosts: Vec<String> = (0..hosts).map(|at| format!("h{at}.test")).collect();
            let rules = (0..rules).map(|at| format!("{{path: /a{at}, respond: {{status: 200}}}}"));
            let rules: Vec<String> = rules.collect();
            let spec = format!(
                "weft: v1
mesh: {{name: shop, trustDomain: shop.example, defaults: {{timeout: {{request: 15s}}}}}}
gateways: {{public: {{listeners: {{web: {{port: 8080, protocol: http}}}}}}}}
routes: {{r: {{on: public/web, hosts: [{}], rules: [{}]}}}}
",
                hosts.join(", "),
                rules.join(", ")
            );
            let found = findings(&spec).into_iter();
            let found = found.filter(|found| found.code == &TOO_LARGE);
            found.map(|found| found.message).collect::<Vec<_>>()
        };
        let message = "with route `r`, rules and their conditions are 100100, each counted for each of its hosts";
        assert_eq!(said(1_001, 100), [message]);
        assert_eq!(said(10, 10), Vec::<String>::new());
    }
}
