//! The table of all kinds of findings, and what `weft explain` says about each.

#[cfg(test)]
mod tests;

use crate::diagnostic::{Code, Severity, nearest};
use crate::{parse, rules};

/// Every kind of finding, in the order of their names.
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> =
        parse::CODES.iter().copied().chain(rules::codes()).collect();
    codes.sort_by_key(|code| code.name);
    codes
}

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Code> {
    all().into_iter().find(|code| code.name == name)
}

/// The name that was probably meant by an unknown one.
pub fn did_you_mean(name: &str) -> Option<&'static str> {
    nearest(name, all().into_iter().map(|code| code.name))
}

/// One line for each kind.
pub fn list() -> String {
    let width = all()
        .iter()
        .map(|code| code.name.len())
        .max()
        .unwrap_or_default();
    let line = |code: &&Code| {
        let finds = first_sentence(code.finds);
        format!("{:width$}  {:7}  {finds}\n", code.name, level(code))
    };
    all().iter().map(line).collect::<Vec<String>>().concat()
}

/// All there is to say about one kind.
pub fn explain(code: &Code) -> String {
    format!(
        "{}[{}]\n\n{}\n\n{}\n\nWrong:\n\n{}\nRight:\n\n{}",
        level(code),
        code.name,
        code.finds,
        code.why,
        indented(code.bad),
        indented(code.good),
    )
}

fn level(code: &Code) -> &'static str {
    match code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

fn first_sentence(text: &str) -> &str {
    match text.split_once(". ") {
        Some((first, _)) => first,
        None => text.trim_end_matches('.'),
    }
}

fn indented(text: &str) -> String {
    let indent = |line: &str| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("    {line}\n")
        }
    };
    text.lines().map(indent).collect()
}
