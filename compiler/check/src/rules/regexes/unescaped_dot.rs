//! Finds a `.` between letters or digits that was probably meant as a dot.
//!
//! That it was meant so is a guess; that it matches more is shown by a text.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::threads;
use weft_space::path::shown;

use super::expressions::{self, Texts};
use crate::rules::facts::Facts;

/// A dot that stands for any byte.
pub(super) static CODE: Code = Code {
    name: "unescaped-dot",
    severity: Severity::Info,
    finds: "A `.` between letters or digits of a regular expression, which stands for any byte there.",
    why: "`/file.json` also matches `/filexjson`.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/file[0-9]*z.json"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: '/file[0-9]*z\.json'}, to: orders}]}
"#
    ),
};

/// Reports every expression with such a dot, with a text that only the dot lets in.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if !facts.looks_for_remarks {
        return;
    }
    let mut all = expressions::all(facts.mesh);
    all.retain(|((_, regex), _)| with_dots_escaped(regex).is_some());
    let let_in = threads::map(&all, |((texts, regex), _)| let_in(*texts, regex));
    for (((_, regex), places), let_in) in all.into_iter().zip(let_in) {
        let Some(text) = let_in else {
            continue;
        };
        let escaped = with_dots_escaped(regex).unwrap_or_default();
        let found = places.into_iter().map(|span| {
            let message = format!("`{}` also matches `{}`", shown(regex), shown(&text));
            Diagnostic::new(&CODE, span, message)
                .saying("`.` stands for any byte")
                .help(format!("write `{escaped}` if a dot is meant"))
        });
        diagnostics.extend(found);
    }
}

/// A text that matches only because a dot stands for any byte.
fn let_in(texts: Texts, regex: &str) -> Option<String> {
    let escaped = texts.regex(&with_dots_escaped(regex)?);
    texts.text(&texts.parting(regex, escaped).ok()??)
}

/// The expression with a backslash before every `.` that stands between letters or digits; nothing if there is
/// none, or if flags might change what a `.` is.
fn with_dots_escaped(regex: &str) -> Option<String> {
    // Groups alone change nothing.
    if regex.replace("(?:", "").contains("(?") {
        return None;
    }
    let bytes = regex.as_bytes();
    let is_word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let (mut escaped, mut found) = (String::with_capacity(regex.len() + 2), false);
    let (mut depth, mut is_escape) = (0_usize, false);
    for (at, symbol) in regex.char_indices() {
        let is_plain = !is_escape;
        is_escape = is_plain && symbol == '\\';
        match symbol {
            '[' if is_plain => depth += 1,
            ']' if is_plain => depth = depth.saturating_sub(1),
            '.' if is_plain
                && depth == 0
                && is_word(at.checked_sub(1))
                && is_word(at.checked_add(1)) =>
            {
                found = true;
                escaped.push('\\');
            }
            _ => {}
        }
        escaped.push(symbol);
    }
    found.then_some(escaped)
}

#[cfg(test)]
mod tests {
    use super::with_dots_escaped;
    use crate::testing::{check_rules, findings};

    #[test]
    fn dots_between_letters_are_remarked() {
        check_rules(
            r#"
            - {path: {regex: "/file.json"}, to: s}  #~ info[unescaped-dot]
            - {path: {regex: '/file2\.json'}, to: s}  #~ warning[regex-is-simple]
            - {path: {regex: "/a.*"}, to: s}
            - {path: {regex: "/[a.b]+"}, to: s}
            - {path: /x, headers: {host2: {regex: "www.shop"}}, to: s}  #~ info[unescaped-dot]
            "#,
        );
    }

    #[test]
    fn the_text_that_is_let_in_is_shown() {
        let found = findings(super::CODE.bad);
        let found = found
            .iter()
            .filter(|finding| finding.code.name == super::CODE.name);
        let messages: Vec<&str> = found.map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, ["`/file[0-9]*z.json` also matches `/filezxjson`"]);
    }

    #[test]
    fn only_single_dots_between_words_are_touched() {
        assert_eq!(with_dots_escaped("/a.b").as_deref(), Some(r"/a\.b"));
        assert_eq!(
            with_dots_escaped("/(?:a.b)+.").as_deref(),
            Some(r"/(?:a\.b)+.")
        );
        for regex in [r"/a\.b", "/a.*b", "/a.+b", "[a.b]", "(?x)a.b", "/a/.b"] {
            assert_eq!(with_dots_escaped(regex), None, "{regex}");
        }
    }
}
