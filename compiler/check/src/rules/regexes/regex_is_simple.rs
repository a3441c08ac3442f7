//! Finds regular expressions that a path pattern or a plain text says as well.
//!
//! Exact: a candidate is read off a shortest text that matches, and the two sets are compared. Every
//! pattern is found by its own shortest path, because there each literal segment stands alone in its place
//! and each free one does not.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::threads;
use weft_snapshot::plan::{PathPattern, Segment, ValueTest};
use weft_space::languages::Languages;
use weft_space::path::{self, shown};

use super::expressions::{self, Simple, Texts};
use super::{misread_regex, universal_regex};
use crate::rules::facts::Facts;

/// An expression for a set that has a simpler name.
pub(super) static CODE: Code = Code {
    name: "regex-is-simple",
    severity: Severity::Warning,
    finds: "A regular expression that matches exactly what a pattern such as `/a/{id}` or `/a/**`, or one plain text, matches.",
    why: "A pattern is read at a glance, costs nothing in the automaton of its host, and its segments have names for a rewrite.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/users/[^/]+/orders"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: "/users/{user}/orders", to: orders}]}
"#
    ),
};

/// What says the same as an expression, and plainer: nothing at all, or a form that is none.
enum Plainer {
    Universal,
    Simple(Simple),
}

/// Reports every expression that everything matches or that has a simpler form.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let all = expressions::all(facts.mesh);
    let plainer = threads::map(&all, |((texts, regex), _)| plainer(*texts, regex));
    for (((texts, regex), places), plainer) in all.into_iter().zip(plainer) {
        let found = places.into_iter().filter_map(|span| match &plainer {
            None => None,
            Some(Plainer::Universal) => Some(universal_regex::finding(texts, regex, span)),
            Some(Plainer::Simple(simple)) => {
                let message = format!("`{}` needs no expression", shown(regex));
                Some(
                    Diagnostic::new(&CODE, span, message)
                        .help(format!("write `{}`, which matches the same", said(simple))),
                )
            }
        });
        diagnostics.extend(found);
    }
}

fn said(simple: &Simple) -> String {
    match simple {
        Simple::Path(pattern) => path::written(pattern),
        Simple::Value(ValueTest::Exact { text }) => format!("\"{}\"", text.escape_debug()),
        Simple::Value(ValueTest::Present | ValueTest::Absent | ValueTest::Regex { .. }) => {
            String::new()
        }
    }
}

/// Nothing where nothing matches, where no simple form is the same, or where a bound is met.
fn plainer(texts: Texts, regex: &str) -> Option<Plainer> {
    // What was written for a search is told beside this, and its simpler form is not what was meant.
    if misread_regex::misread(texts, regex).is_some() {
        return None;
    }
    let extent = texts.extent(regex).ok()?;
    let inside = texts.text(&extent.inside?)?;
    let is_same = |simple: Simple| matches!(texts.parting(regex, simple), Ok(None));
    let candidate = match texts {
        Texts::Paths { .. } => {
            if extent.outside.is_none() {
                return Some(Plainer::Universal);
            }
            Simple::Path(pattern(regex, &inside)?)
        }
        Texts::Headers | Texts::Parameters => {
            if is_same(Simple::Value(ValueTest::Present)) {
                return Some(Plainer::Universal);
            }
            Simple::Value(ValueTest::Exact { text: inside })
        }
    };
    is_same(candidate.clone()).then_some(Plainer::Simple(candidate))
}

/// The only pattern whose paths an expression might have, by a shortest path of the expression; nothing if the
/// language of patterns cannot say it.
fn pattern(regex: &str, shortest: &str) -> Option<PathPattern> {
    let mut languages = Languages::default();
    let mut matches = |segments: &[&str]| {
        let path = format!("/{}", segments.join("/"));
        languages.matches(regex, path.as_bytes())
    };
    let texts: Vec<&str> = shortest.split('/').skip(1).collect();
    let mut segments = Vec::with_capacity(texts.len());
    for (position, text) in texts.iter().enumerate() {
        let mut other = texts.clone();
        if let Some(place) = other.get_mut(position) {
            *place = if *text == "x" { "y" } else { "x" };
        }
        segments.push(if !text.is_empty() && matches(&other) {
            Segment::Any {
                name: free_name(position),
            }
        } else {
            Segment::Literal {
                text: (*text).to_owned(),
            }
        });
    }
    let mut below = texts;
    below.push("x");
    let rest = matches(&below);
    let pattern = PathPattern::Segments { segments, rest };
    let is_sayable = path::parse(&path::written(&pattern)).as_ref() == Ok(&pattern);
    is_sayable.then_some(pattern)
}

/// A name for the free segment at a position.
fn free_name(position: usize) -> String {
    match position {
        0 => "x".to_owned(),
        1 => "y".to_owned(),
        2 => "z".to_owned(),
        later => format!("s{later}"),
    }
}

#[cfg(test)]
mod tests {
    use weft_space::languages::expression;
    use weft_testing::Random;

    use super::*;
    use crate::testing::{check, findings};

    fn help(regex: &str) -> Vec<String> {
        let text = format!(
            "weft: v1\nmesh: {{name: shop, trustDomain: shop.example}}\n\
             gateways: {{public: {{listeners: {{web: {{port: 8080, protocol: http}}}}}}}}\n\
             routes: {{r: {{on: public/web, host: \"*\", rules: [{{path: {{regex: '{regex}'}}, respond: {{status: 404}}}}]}}}}\n"
        );
        let found = findings(&text).into_iter();
        found
            .filter(|finding| finding.code.name == CODE.name)
            .filter_map(|finding| finding.help)
            .collect()
    }

    #[test]
    fn a_pattern_with_the_same_paths_is_named() {
        for (regex, pattern) in [
            ("/users/[^/]+/orders", "/users/{y}/orders"),
            ("/users", "/users"),
            (r"/file\.json", "/file.json"),
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a(/.*)?", "/a/**"),
            ("/a|/a/.*", "/a/**"),
            ("/[^/]+/[^/]+/b/", "/{x}/{y}/b/"),
            ("/a/(b|b)", "/a/b"),
            ("/x/[^/]+", "/x/{y}"),
            ("(/a//b|/a/b)", "/a/b"),
            ("/.+", "/{x}/**"),
            // No canonical path has an empty segment in its middle.
            ("/a/.+", "/a/{y}/**"),
        ] {
            let expected = format!("write `{pattern}`, which matches the same");
            assert_eq!(help(regex), [expected], "{regex}");
        }
    }

    #[test]
    fn what_no_single_pattern_says_stays_an_expression() {
        for regex in [
            "/a/?",
            "/a/.*",
            "/a/[0-9]+",
            "/a/[^/]*",
            "/(a|b)",
            "/a.b",
            "/a/[^/x]+",
            "/a//b",
            r"/a/\*",
            "/a%2Fb",
        ] {
            assert_eq!(help(regex), [""; 0], "{regex}");
        }
    }

    #[test]
    fn values_and_permissions_are_looked_at_too() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:1
                allow:
                  - {from: [gateway/public], path: {regex: "/a/[^/]+"}}  #~ warning[regex-is-simple], warning[over-permissive]
                  - {from: [gateway/public], path: {regex: "/b/[0-9]"}}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /c, headers: {x: {regex: "v1"}}, to: s}  #~ warning[regex-is-simple]
                  - {path: /d, headers: {x: {regex: "v[12]"}}, to: s}
                  - {path: /e, query: {x: {regex: "(v1)"}}, to: s}  #~ warning[regex-is-simple]
                  - {path: /f, query: {x: {regex: "v1?"}}, to: s}
            "#,
        );
    }

    fn drawn_path(random: &mut Random) -> String {
        let mut path = String::new();
        for _ in 0..=random.below(4) {
            path.push('/');
            path.push_str(random.pick(&["a", "b", "x", "y", "ab", "a.b", "%20"]));
        }
        if random.below(4) == 0 {
            path.push('/');
        }
        if random.below(20) == 0 {
            path = "/".to_owned();
        }
        path
    }

    fn paths() -> Texts {
        Texts::Paths(weft_snapshot::settings::PathRules::default())
    }

    #[test]
    fn every_pattern_is_found_behind_its_expression() {
        let mut random = Random::new(7_u64);
        for _ in 0..300 {
            let mut segments = Vec::new();
            for position in 0..random.below(4) {
                segments.push(match random.pick(&["a", "b", "x", "a.b", "{}", "{}"]) {
                    "{}" => Segment::Any {
                        name: free_name(position),
                    },
                    text => Segment::Literal {
                        text: text.to_owned(),
                    },
                });
            }
            let rest = random.below(2) == 0;
            if segments.is_empty() || !rest && random.below(4) == 0 {
                segments.push(Segment::Literal {
                    text: String::new(),
                });
            }
            let rest = rest
                && !matches!(segments.last(), Some(Segment::Literal { text }) if text.is_empty());
            let pattern = PathPattern::Segments { segments, rest };
            let regex = expression(&pattern);
            match plainer(paths(), &regex) {
                Some(Plainer::Simple(found)) => assert_eq!(found, Simple::Path(pattern), "{regex}"),
                Some(Plainer::Universal) | None => panic!("{regex} is not found"),
            }
        }
    }

    #[test]
    fn what_is_said_has_the_paths_of_the_expression() {
        let mut random = Random::new(11_u64);
        let mut found = 0;
        for _ in 0..400 {
            let pieces = [
                "/a",
                "/b",
                "/[^/]+",
                "/[^/]*",
                "(/.*)?",
                "/.+",
                "/(a|b)",
                "/(a|[^/]+)",
                "/x?",
                "/",
                "(/a)?",
                "/[ab]+",
            ];
            let count = 1 + random.below(3);
            let regex: String = (0..count).map(|_| random.pick(&pieces)).collect();
            let set = match plainer(paths(), &regex) {
                None => continue,
                Some(Plainer::Universal) => PathPattern::Segments {
                    segments: Vec::new(),
                    rest: true,
                },
                Some(Plainer::Simple(Simple::Path(pattern))) => pattern,
                Some(Plainer::Simple(Simple::Value(_))) => panic!("a path is no value"),
            };
            found += 1;
            let mut languages = Languages::default();
            let said = expression(&set);
            for _ in 0..200 {
                let path = drawn_path(&mut random);
                let [left, right] =
                    [&regex, &said].map(|one| languages.matches(one, path.as_bytes()));
                assert_eq!(left, right, "{path} in {regex} and {}", path::written(&set));
            }
        }
        assert!(50 < found, "{found}");
    }
}
