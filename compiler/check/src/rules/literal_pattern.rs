//! Finds paths in the words of other routers, of which we match every letter: `/orders/:id`, `/a/<id>`, `/files/.*`.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_snapshot::plan::{PathPattern, Segment};
use weft_space::path;
use weft_spec::Span;

use super::facts::Facts;
use super::matched::{self, Methods};

/// A segment that would be free elsewhere.
pub(super) static CODE: Code = Code {
    name: "literal-pattern",
    severity: Severity::Warning,
    finds: "A segment of a path that is a parameter or an expression to other products: `:id`, `<id>`, `[id]`, `$id`, `.*`, `(a|b)`.",
    why: "Here it is matched letter by letter, and requests that have it so are rare: the rule is dead, or the permission is of no use.",
    bad: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: "/orders/:id", to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: "/orders/{id}", to: orders}]}
"#
    ),
};

/// Reports every such segment.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    matched::each(facts.mesh, &mut |place| {
        let PathPattern::Segments { segments, rest } = place.path else {
            return;
        };
        let foreign = segments.iter().find_map(|segment| match segment {
            Segment::Literal { text } => Some((text, foreign(text)?)),
            Segment::Any { .. } => None,
        });
        let Some((text, foreign)) = foreign else {
            return;
        };
        diagnostics.push_with((place.span.file, CODE.severity), || {
            let method = match place.methods {
                Methods::Listed(_) => None,
                Methods::One(method) => Some(method.as_str()),
            };
            let whole = (segments.as_slice(), *rest);
            words(text, &foreign, (whole, method), place.span)
        });
    });
}

/// What a segment is elsewhere.
enum Foreign {
    /// A free segment of this name.
    Parameter(String),
    /// A regular expression.
    Expression,
}

/// What a segment is elsewhere; its text is canonical, so that `<` is `%3C`.
fn foreign(text: &str) -> Option<Foreign> {
    // Nearly all segments have neither.
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return None;
    }
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let name = text
        .strip_prefix(':')
        .or_else(|| text.strip_prefix('$'))
        .map(|name| name.trim_end_matches(['?', '+', '*']))
        .or_else(|| inside("%3C", "%3E").map(|name| name.rsplit(':').next().unwrap_or(name)))
        .or_else(|| inside("[", "]").map(|name| name.trim_start_matches('.')));
    let is_name = |name: &&str| {
        path::is_segment_name(name)
            && name
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic())
    };
    if let Some(name) = name.filter(is_name) {
        return Some(Foreign::Parameter(name.to_owned()));
    }
    let is_expression = [".+", "]+", "(?", "(.", "([", "%5E"]
        .iter()
        .any(|sign| text.contains(sign))
        || (text.starts_with('(') && text.ends_with(')') && text.contains("%7C"))
        || text.ends_with('$');
    is_expression.then_some(Foreign::Expression)
}

fn words(
    text: &str,
    foreign: &Foreign,
    ((segments, rest), method): ((&[Segment], bool), Option<&str>),
    span: Span,
) -> Diagnostic {
    let shown = text
        .replace("%3C", "<")
        .replace("%3E", ">")
        .replace("%5E", "^")
        .replace("%7C", "|");
    let message = format!("the segment `{shown}` of the path is matched letter by letter");
    let found = Diagnostic::new(&CODE, span, message);
    match foreign {
        Foreign::Parameter(_) => {
            let segments = segments.iter().map(|segment| match segment {
                Segment::Literal { text } => match self::foreign(text) {
                    Some(Foreign::Parameter(name)) => Segment::Any { name },
                    Some(Foreign::Expression) | None => segment.clone(),
                },
                Segment::Any { .. } => segment.clone(),
            });
            let segments = segments.collect();
            let path = path::written(&PathPattern::Segments { segments, rest });
            let written = match method {
                Some(method) => format!("{method} {path}"),
                None => path,
            };
            found
                .help(format!("write `{written}` for a segment that may be anything"))
                .propose(span, format!("\"{written}\""))
        }
        Foreign::Expression => found.help(
            "write `{name}` for a segment that may be anything, `/**` for all below, or `path: {regex: …}` for an expression of the whole path",
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    #[test]
    fn segments_of_other_routers_are_found() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: "127.0.0.1:1"
                calls: {s: {operations: ["GET /v1/:id"]}}  #~ warning[literal-pattern]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: "/a/:id", to: s}  #~ warning[literal-pattern]
                  - {path: "/b/<int:id>/x", to: s}  #~ warning[literal-pattern]
                  - {path: "/c/[id]", to: s}  #~ warning[literal-pattern]
                  - {path: /d/$id, to: s}  #~ warning[literal-pattern]
                  - {path: /e/.+, to: s}  #~ warning[literal-pattern]
                  - {path: "/f/[0-9]+", to: s}  #~ warning[literal-pattern]
                  - {path: "/g/(a|b)", to: s}  #~ warning[literal-pattern]
                  - {path: "/h/x$", to: s}  #~ warning[literal-pattern]
                  - {path: "/v1/messages:send", to: s}
                  - {path: /robots.txt, to: s}
                  - {path: "/i/{id}/**", to: s}
                  - {path: /j/a+b, to: s}
                  - {path: "/k/@user", to: s}
                  - {path: "/odata/Items(1)", to: s}
            "#,
        );
    }

    #[test]
    fn the_edit_frees_all_of_them() {
        let found = findings(
            r#"
            routes:
              r: {on: public/web, host: "*", rules: [{path: "/a/:id/<name>/**", to: s}]}
            "#,
        );
        let edits: Vec<&str> = found
            .iter()
            .flat_map(|found| &found.edits)
            .map(|edit| edit.replacement.as_str())
            .collect();
        assert_eq!(edits, ["\"/a/{id}/{name}/**\""]);
    }
}
