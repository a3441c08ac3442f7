//! What `weft explain` says: about every kind of finding, every reason of an answer, and every class of a change.
//!
//! A name may be two of these: `bad-rewrite` is found in a spec, and is the reason of an answer where a slice has one nevertheless.
//! Then both are explained.

mod reason;
mod risk;
#[cfg(test)]
mod tests;

use weft_check::rules;
use weft_check::rules::ownership::harm::accepted_by;
use weft_front::diagnostic::{Code, Severity, nearest};
use weft_front::parse;
use weft_front::settings::risk::Risk;
use weft_snapshot::Reason;

/// What can be explained.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// A kind of finding.
    Finding(&'static Code),
    /// Why a proxy answers itself.
    Reason(Reason),
    /// How a change of a diff is judged.
    Class(Risk),
}

/// Every kind of finding, in the order of their names.
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> =
        parse::CODES.iter().copied().chain(rules::codes()).collect();
    codes.sort_by_key(|code| code.name);
    codes
}

/// Every reason, in the order of their names.
fn reasons() -> Vec<Reason> {
    let mut reasons = Reason::ALL.to_vec();
    reasons.sort_by_key(|reason| reason.name());
    reasons
}

/// What has this name.
pub fn find(name: &str) -> Vec<Subject> {
    let finding = all().into_iter().find(|code| code.name == name);
    let finding = finding.map(Subject::Finding);
    let reason = Reason::parse(name).map(Subject::Reason);
    let class = risk::find(name).map(Subject::Class);
    [finding, reason, class].into_iter().flatten().collect()
}

/// The name that was probably meant by an unknown one.
pub fn did_you_mean(name: &str) -> Option<&'static str> {
    let codes = all().into_iter().map(|code| code.name);
    let reasons = Reason::ALL.iter().map(|reason| reason.name());
    let classes = Risk::ALL.into_iter().map(Risk::name);
    nearest(name, codes.chain(reasons).chain(classes))
}

/// The reasons of answers with a status such as `404`.
pub fn with_status(status: &str) -> Vec<&'static str> {
    let all = reasons().into_iter();
    let alike = all.filter(|reason| status.parse() == Ok(reason.status()));
    alike.map(Reason::name).collect()
}

/// One line for each of all.
pub fn list() -> String {
    let codes = all();
    let findings = codes.iter().map(|code| {
        let finds = first_sentence(code.finds).to_owned();
        (code.name.to_owned(), level(code).to_owned(), finds)
    });
    let reasons = reasons().into_iter().map(|reason| {
        let (status, line) = reason::line(reason);
        (reason.name().to_owned(), status, line)
    });
    let classes = Risk::ALL.into_iter().map(|risk| {
        let meaning = first_sentence(risk.meaning()).to_owned();
        (risk.name().to_owned(), format!("{risk:?}"), meaning)
    });
    [
        table("Findings in a spec:", findings),
        table("Reasons of answers (`x-weft-reason`):", reasons),
        table("Classes of changes (`weft diff`):", classes),
    ]
    .join("\n")
}

/// A headline, and lines of name, level and text.
fn table(head: &str, rows: impl Iterator<Item = (String, String, String)>) -> String {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _, _)| name.len()).max();
    let width = width.unwrap_or_default();
    let line = |(name, level, text): &(String, String, String)| {
        format!("  {name:width$}  {level:7}  {text}\n")
    };
    let lines: String = rows.iter().map(line).collect();
    format!("{head}\n\n{lines}")
}

/// All there is to say about one.
pub fn explain(subject: Subject) -> String {
    match subject {
        Subject::Finding(code) => finding(code),
        Subject::Reason(reason) => reason::explain(reason),
        Subject::Class(risk) => risk::explain(risk),
    }
}

fn finding(code: &Code) -> String {
    format!(
        "{}[{}]\n\n{}\n\n{}\n\n{}\n\nWrong:\n\n{}\nRight:\n\n{}",
        level(code),
        code.name,
        code.finds,
        code.why,
        accepted_by(code),
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

/// A text with another first letter.
fn with_first(text: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(change);
    first.into_iter().chain(letters).collect()
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
