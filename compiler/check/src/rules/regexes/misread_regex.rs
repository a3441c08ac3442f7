//! Finds regular expressions that mean something else in other products: `^v1` for all that begins so, `/a/*` as a glob.
//!
//! An expression is held against the whole text here. One with a single anchor was written for a search, which takes more texts. What
//! it takes instead is often one text alone, so that is not said again beside it.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_space::path::shown;

use super::expressions::{self, Texts};
use crate::rules::facts::Facts;

/// An expression that reads like more than it takes.
pub(super) static CODE: Code = Code {
    name: "misread-regex",
    severity: Severity::Warning,
    finds: "A regular expression with one anchor, `^v1` or `beta$`, with slashes around it, `/v1/`, or with the stars of a glob, `/a/*`.",
    why: "Expressions are held against the whole text: `^v1` takes `v1` alone, where a search elsewhere takes `v1.2` too; and `/*` is any \
          number of slashes.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /a, headers: {x-version: {regex: "^v[12]"}}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /a, headers: {x-version: {regex: "v[12].*"}}, to: orders}]}
"#
    ),
};

/// Reports every such expression.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for ((texts, regex), places) in expressions::all(facts.mesh) {
        let Some((why, help)) = misread(texts, regex) else {
            continue;
        };
        let found = places.into_iter().map(|span| {
            let message = format!("`{}` {why}", shown(regex));
            Diagnostic::new(&CODE, span, message).help(&*help)
        });
        diagnostics.extend(found);
    }
}

/// What is said of an expression, and what to write in its place.
pub(super) fn misread(texts: Texts, regex: &str) -> Option<(String, String)> {
    let is_path = matches!(texts, Texts::Paths(_));
    slashes(is_path, regex)
        .or_else(|| anchors(is_path, regex))
        .or_else(|| stars(is_path, regex))
}

/// Whether the last sign of an expression is a `$` that is an anchor.
fn ends_in_anchor(regex: &str) -> bool {
    let Some(inside) = regex.strip_suffix('$') else {
        return false;
    };
    let backslashes = inside
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    backslashes % 2 == 0
}

fn anchors(is_path: bool, regex: &str) -> Option<(String, String)> {
    let (begins, ends) = (regex.starts_with('^'), ends_in_anchor(regex));
    let bare = regex.strip_prefix('^').unwrap_or(regex);
    let bare = if ends {
        bare.strip_suffix('$').unwrap_or(bare)
    } else {
        bare
    };
    let whole = "is held against the whole text";
    match (begins, ends) {
        (true, false) if ![".*", ".+", "*$"].iter().any(|end| bare.ends_with(end)) => Some((
            format!("{whole}, so nothing may stand behind it"),
            format!("write `{bare}.*` for all that begins so, or `{bare}` if that is meant"),
        )),
        // A path begins with a slash, so one in front is the begin of the whole.
        (false, true) if !bare.starts_with(".*") && !bare.starts_with(".+") && !is_path => Some((
            format!("{whole}, so nothing may stand in front of it"),
            format!("write `.*{bare}` for all that ends so, or `{bare}` if that is meant"),
        )),
        _ => None,
    }
}

/// `/v1/` and `/v1/i`, as some languages write an expression.
fn slashes(is_path: bool, regex: &str) -> Option<(String, String)> {
    let inside = regex.strip_prefix('/')?;
    let (inside, flags) = inside.rsplit_once('/')?;
    let are_flags = flags
        .bytes()
        .all(|byte| matches!(byte, b'g' | b'i' | b'm' | b's' | b'u'));
    let is_certain = inside.starts_with('^') || inside.contains("\\/") || ends_in_anchor(inside);
    if !are_flags || inside.is_empty() || (!is_certain && is_path) {
        return None;
    }
    let bare = inside.replace("\\/", "/");
    let bare = bare.trim_start_matches('^').trim_end_matches('$');
    let flag = if flags.contains('i') { "(?i)" } else { "" };
    Some((
        "has slashes around it, which are a part of the expression".to_owned(),
        format!("write it without them: `{flag}{bare}`"),
    ))
}

/// `/a/*` and `/a**`, as globs have them.
fn stars(is_path: bool, regex: &str) -> Option<(String, String)> {
    if !is_path {
        return None;
    }
    let front = regex
        .strip_suffix("/*")
        .or_else(|| regex.strip_suffix("**"))?;
    let is_plain = front
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'));
    is_plain.then(|| {
        let front = front.trim_end_matches('/');
        (
            "repeats its last sign, as a star does in an expression".to_owned(),
            format!("write `path: {front}/**` for all below, or `{{regex: \"{front}/.*\"}}`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::CODE;
    use crate::testing::{check_rules, findings};

    #[test]
    fn what_other_products_read_otherwise_is_found() {
        check_rules(
            r#"
            - {path: /a, headers: {x: {regex: "^v[12]"}}, to: s}  #~ warning[misread-regex]
            - {path: /b, headers: {x: {regex: "v[12]$"}}, to: s}  #~ warning[misread-regex]
            - {path: /c, headers: {x: {regex: "^v[12]$"}}, to: s}
            - {path: /d, headers: {x: {regex: "^v[12].*"}}, to: s}
            - {path: /e, headers: {x: {regex: ".*[ab]$"}}, to: s}
            - {path: /f, headers: {x: {regex: "/v[12]/i"}}, to: s}  #~ warning[misread-regex]
            - {path: /g, query: {x: {regex: "^1"}}, to: s}  #~ warning[misread-regex]
            - {path: {regex: "^/h"}, to: s}  #~ warning[misread-regex]
            - {path: {regex: "/i/*"}, to: s}  #~ warning[misread-regex]
            - {path: {regex: "/j/[0-9]+$"}, to: s}
            - {path: {regex: "/k[0-9]*"}, to: s}
            - {path: /l, headers: {x: {regex: "[0-9]+\\$"}}, to: s}
            "#,
        );
    }

    #[test]
    fn the_help_is_what_was_meant() {
        let found = findings(
            r#"
            routes:
              r: {on: public/web, host: "*", rules: [{path: /a, headers: {x: {regex: "^v[12]"}}, to: s}]}
            "#,
        );
        let own = found.iter().find(|one| one.code.name == CODE.name);
        let help = own.and_then(|one| one.help.clone());
        assert_eq!(
            help.as_deref(),
            Some("write `v[12].*` for all that begins so, or `v[12]` if that is meant")
        );
    }
}
