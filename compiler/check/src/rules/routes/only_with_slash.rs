//! Finds exact paths that end in a slash and stand alone: `/a/` takes neither `/a` nor `/a/b`.
//!
//! In nginx and others such a path is a prefix. Whoever knows that it is none here has another rule beside it, for the path without the
//! slash or for what is below.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_snapshot::plan::{PathPattern, Segment};
use weft_space::path;

use crate::rules::facts::Facts;

/// An exact path that looks like a prefix.
pub(super) static CODE: Code = Code {
    name: "only-with-slash",
    severity: Severity::Warning,
    finds: "A rule for a path such as `/a/`, where no other rule of its route is for `/a` or for something below `/a/`.",
    why: "Elsewhere such a path is a prefix. Here it is the one path, and requests for `/a` and `/a/b` go elsewhere.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /orders/, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /orders/**, to: orders}]}
"#
    ),
};

/// Reports every such rule.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for route in facts.mesh.routes.values() {
        let paths = route.rules.iter().map(|rule| &rule.matched.path.value);
        let written: Vec<String> = paths.map(path::written).collect();
        for (rule, own) in route.rules.iter().zip(&written) {
            let Some(bare) = bare(rule) else { continue };
            let is_beside = |other: &String| {
                other.trim_end_matches("/**") == bare || (other != own && other.starts_with(own))
            };
            if written.iter().any(is_beside) {
                continue;
            }
            let message = format!("`{own}` is one path: neither `{bare}` nor what is below it");
            diagnostics.push(Diagnostic::new(&CODE, rule.place(), message).help(format!(
                "write `{bare}/**` for all of them, or `{bare}` for the path without the slash"
            )));
        }
    }
}

/// The path of a rule without the slash at its end, if it is exact and has one.
fn bare(rule: &Rule) -> Option<String> {
    let PathPattern::Segments {
        segments,
        rest: false,
    } = &rule.matched.path.value
    else {
        return None;
    };
    let is_slash =
        |segment: &Segment| matches!(segment, Segment::Literal { text } if text.is_empty());
    let (last, front) = segments.split_last()?;
    if !is_slash(last) || front.is_empty() {
        return None;
    }
    let segments = front.to_vec();
    Some(path::written(&PathPattern::Segments {
        segments,
        rest: false,
    }))
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn a_path_with_a_slash_that_stands_alone_is_found() {
        check_rules(
            r#"
            - {path: /, to: s}
            - {path: /a/, to: s}  #~ warning[only-with-slash]
            - {path: /b/, redirect: {path: /b}}
            - {path: /b, to: s}
            - {path: /c/, to: s}
            - {path: "/c/{id}", to: s}
            - {path: "/d/{id}/", to: s}  #~ warning[only-with-slash]
            - {path: /e/, redirect: {path: /f}}  #~ warning[only-with-slash]
            - {path: /f/**, to: s}
            "#,
        );
    }
}
