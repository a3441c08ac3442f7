//! The table of all settings, for the manual.

use std::fmt::Write as _;

use super::{ALL, Hops, Said, Setting};

/// All settings as a table in Markdown: where each may be written, its values, what is built in and why.
pub fn page() -> String {
    let mut text = String::from(
        "| setting | where | values | built in | what it does, and why the built-in value |\n|---|---|---|---|---|\n",
    );
    for setting in ALL.iter() {
        let built_in = setting.in_words(&(setting.built_in)(&Said::default()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {built_in} | {} {} |",
            setting.name,
            places(setting).join(", "),
            values(setting),
            setting.about,
            setting.why
        );
    }
    let _ = writeln!(text, "\n{}", at_the_callee());
    text
}

/// Which of them act twice on the way to a service with a sidecar.
fn at_the_callee() -> String {
    let twice = ALL.iter().filter(|one| one.hops == Hops::All);
    let names: Vec<String> = twice.map(|one| format!("`{}`", one.name)).collect();
    format!(
        "What a service says of {} holds at its own sidecar too, between it and its app; what else is said of routes and calls holds\n\
         where the request is sent from: at the gateway, and at the sidecar of the caller.",
        names.join(", ")
    )
}

/// The places where a setting may be written, the most specific one first.
fn places(setting: &Setting) -> Vec<&'static str> {
    let read = &setting.read;
    let places = [
        (read.rule.is_some() || read.resolved.is_some(), "rule"),
        (read.call.is_some(), "call"),
        (read.service.is_some(), "service"),
        (read.listener.is_some(), "listener"),
        (read.defaults.is_some(), "`mesh.defaults`"),
    ];
    let said = places.into_iter().filter(|(is_there, _)| *is_there);
    said.map(|(_, name)| name).collect()
}

fn values(setting: &Setting) -> String {
    let unit = match setting.unit.listed() {
        Some(word) => format!("a list such as `[{word}]`"),
        None => setting.unit.to_string(),
    };
    match &setting.range {
        Some(range) => {
            let written = |number: u64| setting.unit.written(&super::Value::Number(number));
            let (least, most) = (range.numbers.start(), range.numbers.end());
            format!("{unit}, from {} to {}", written(*least), written(*most))
        }
        None => unit,
    }
}
