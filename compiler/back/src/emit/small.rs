//! Plans that are so small that every bound of slices is far away.

use weft_snapshot::plan::{Condition, NodePlan, PathPattern, RoutePlan, ValueTest};

/// So many routes, permissions, conditions, clusters and listeners a small plan has at most. The least of the bounds that count them together
/// (`weft_snapshot::limits`) is four times that.
const FEW: usize = 64;

/// Whether no bound of slices can be met, so that whoever only asks whether a plan fits need not write it. Sidecars are as small as that as a
/// rule, and a mesh may have ten thousand of them.
pub(super) fn is_small(plan: &NodePlan) -> bool {
    let NodePlan {
        settings,
        tables,
        access,
    } = plan;
    let hosts = || tables.iter().flat_map(|table| &table.hosts);
    let routes = || hosts().flat_map(|host| &host.routes);
    let tests: usize = routes().map(tests).sum();
    let methods = routes().map(|route| route.methods.len());
    let methods: usize = methods
        .chain(access.iter().map(|rule| rule.methods.len()))
        .sum();
    let callers: usize = access.iter().map(|rule| rule.from.len()).sum();
    let counts = [
        settings.listeners.len(),
        settings.clusters.len(),
        hosts().count(),
        routes().count(),
        access.len(),
        callers,
        tests,
        methods,
    ];
    let is_plain = |path: &PathPattern| matches!(path, PathPattern::Segments { .. });
    counts.iter().all(|count| *count <= FEW)
        && routes().next().is_some()
        && routes().all(|route| is_plain(&route.path) && conditions(route).all(is_text))
        && access.iter().all(|rule| is_plain(&rule.path))
}

fn tests(route: &RoutePlan) -> usize {
    route.headers.len() + route.query.len()
}

fn conditions(route: &RoutePlan) -> impl Iterator<Item = &Condition> {
    route.headers.iter().chain(&route.query)
}

fn is_text(condition: &Condition) -> bool {
    match condition.test {
        ValueTest::Present | ValueTest::Absent | ValueTest::Exact { .. } => true,
        ValueTest::Regex { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use weft_front::testing::unchecked;

    use super::is_small;
    use crate::lower::lower;

    fn small(rules: &str) -> bool {
        let text = format!(
            r#"
            # file: a.yaml
            routes: {{r: {{listener: public/web, host: "*", rules: [{rules}]}}}}
            "#
        );
        let (checked, sources) = unchecked(&text);
        let lowered = lower(&checked, &sources);
        let plan = lowered
            .plans
            .iter()
            .find(|plan| plan.settings.node == "gateway/public");
        let plan = plan.unwrap();
        // What is small can be written.
        assert!(!is_small(plan) || plan.encode().is_ok());
        is_small(plan)
    }

    #[test]
    fn expressions_and_many_rules_are_not_small() {
        assert!(small("{path: /a, headers: {x-a: b}, to: s}"));
        assert!(!small(r#"{path: {regex: "/a+"}, to: s}"#));
        assert!(!small(
            r#"{path: /a, headers: {x-a: {regex: "b+"}}, to: s}"#
        ));
        let many = |count: usize| {
            let rules: Vec<String> = (0..count)
                .map(|at| format!("{{path: /a{at}, to: s}}"))
                .collect();
            rules.join(", ")
        };
        assert!(small(&many(64)));
        assert!(!small(&many(65)));
    }
}
