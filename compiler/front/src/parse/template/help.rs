//! What to write in place of an expression that is wrong: other engines have more than ours.

use minijinja::{Error, ErrorKind};

/// The filters that there are.
const FILTERS: &str = "`abs`, `default`, `first`, `int`, `join`, `last`, `length`, `lower`, `max`, `min`, `replace`, `string`, `trim` and `upper`";

/// What to do about an expression that cannot be read or evaluated.
pub(super) fn of(written: &str, error: &Error) -> String {
    let inside = written.trim();
    if inside.is_empty() {
        return "write the name of a value between the braces, as `{{ orders.app }}`".to_owned();
    }
    if let Some(name) = inside
        .strip_prefix(".Values.")
        .or_else(|| inside.strip_prefix('.'))
    {
        return format!("names begin without a dot: write `{{{{ {name} }}}}`");
    }
    let kind = error.kind();
    if kind == ErrorKind::UnknownFilter {
        return format!("use one of the filters {FILTERS}");
    }
    let told = if kind == ErrorKind::UnknownFunction || kind == ErrorKind::UnknownMethod {
        "there are no functions: give the value by its name, from a file of `--values`"
    } else if kind == ErrorKind::UnknownTest {
        "use one of the tests `defined`, `undefined` and `in`"
    } else if kind == ErrorKind::InvalidOperation && inside.contains('+') {
        "join texts by `~`, and write numbers without quotes to add them"
    } else if kind == ErrorKind::OutOfFuel {
        "write the value itself, or a shorter expression"
    } else {
        "write a name of a value, a filter behind `|`, or a choice `a if b else c`"
    };
    told.to_owned()
}

/// What to do about an expression that gives nothing.
pub(super) fn nothing(known: &[&str]) -> String {
    let shown: Vec<String> = known
        .iter()
        .take(8)
        .map(|name| format!("`{name}`"))
        .collect();
    if shown.is_empty() {
        return "give a file of values by `--values`".to_owned();
    }
    format!(
        "name a value that is set, with dots between the levels: {}",
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_engines_are_answered() {
        let error = |kind| Error::new(kind, "");
        for (written, kind, meant) in [
            (" .Values.a ", ErrorKind::SyntaxError, "`{{ a }}`"),
            (" a | quote ", ErrorKind::UnknownFilter, "`default`"),
            (" env('X') ", ErrorKind::UnknownFunction, "no functions"),
            (" a + 1 ", ErrorKind::InvalidOperation, "`~`"),
            ("  ", ErrorKind::SyntaxError, "name of a value"),
        ] {
            let told = of(written, &error(kind));
            assert!(told.contains(meant), "{written} {told}");
        }
    }
}
