//! Values of plans in words, the same wherever people read them: in answers of `why`, in diffs, in findings.

use std::fmt::Write as _;

use weft_snapshot::plan::{AccessPlan, Condition, RoutePlan, ValueTest};
use weft_space::path::written;
use weft_spec::units::Duration;

/// So many names of a list are shown to somebody who gave a wrong one.
const NAMES: usize = 20;

/// The first names of a list, and how many there are beyond them: `a, b, c`, or `a, b and 500 more`.
pub fn some<'name>(names: impl IntoIterator<Item = &'name str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(NAMES).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A share in parts of a million: `33.3333%`.
pub fn percent(parts: impl Into<u64>) -> String {
    let parts = parts.into();
    let fraction = format!("{:04}", parts % 10_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{}%", parts / 10_000),
        digits => format!("{}.{digits}%", parts / 10_000),
    }
}

/// A limit in milliseconds as a spec writes it: `1s`.
pub fn limit(millis: u32) -> String {
    let duration = Duration::from_millis(u64::from(millis));
    duration.map_or_else(|_| format!("{millis}ms"), |duration| duration.to_string())
}

/// How long idle connections are kept: `idle connections kept 1m`.
pub fn keep_alive(millis: u32) -> String {
    match millis {
        0 => "a connection for each request".to_owned(),
        millis => format!("idle connections kept {}", limit(millis)),
    }
}

/// What a route asks of a request: `POST /checkout/**, header x-beta: 1`.
pub fn matches(route: &RoutePlan) -> String {
    let mut text = operation(&route.methods, &written(&route.path));
    for (kind, conditions) in [("header", &route.headers), ("parameter", &route.query)] {
        for Condition { name, test } in conditions {
            // Writing to a string cannot fail.
            let _ = match test {
                ValueTest::Exact { text: value } => write!(text, ", {kind} {name}: {value}"),
                ValueTest::Present => write!(text, ", {kind} {name} present"),
                ValueTest::Absent => write!(text, ", {kind} {name} absent"),
                ValueTest::Regex { regex } => write!(text, ", {kind} {name} matches {regex}"),
            };
        }
    }
    text
}

/// What an access rule matches: `POST /v1/entries`; from whom is said apart.
pub fn calls(access: &AccessPlan) -> String {
    operation(&access.methods, &written(&access.path))
}

fn operation(methods: &[String], path: &str) -> String {
    if methods.is_empty() {
        format!("any method {path}")
    } else {
        format!("{} {path}", methods.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_is_cut() {
        assert_eq!(some(["a", "b"]), "a, b");
        let names: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        let said = some(names.iter().map(String::as_str));
        assert!(said.starts_with("0, 1, 2, "), "{said}");
        assert!(said.ends_with(", 19 and 980 more"), "{said}");
    }
}
