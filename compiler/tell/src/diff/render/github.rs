//! A report as GitHub workflow commands, shown beside the lines of a change.

use weft_front::diagnostic::command_at;
use weft_front::settings::risk::Risk;

use super::super::report::{Report, Statement};
use super::{inputs, lines};

/// The report as workflow commands: one for each statement and each host about which nothing is proved.
pub fn github(report: &Report) -> String {
    let statements = report.statements.iter().map(command);
    let unknown = report.unknown.iter().map(|host| {
        let message = format!(
            "nothing is proved about {} {} host {}: {}",
            host.node, host.listener, host.host, host.explanation
        );
        let place = host.culprits.first().map(String::as_str);
        command_at("warning", place, "unknown", &message)
    });
    let broken = report.broken.iter().map(|one| {
        let message = super::broken(one);
        command_at("error", one.place.as_deref(), "broken promise", &message)
    });
    let foreign = report.foreign.iter().map(|one| {
        let message = super::foreign(one);
        command_at("error", None, "requests of others", &message)
    });
    let inputs = inputs::lines(report);
    let inputs = (!inputs.is_empty())
        .then(|| command_at("notice", None, "what was compared", &inputs.join("\n")));
    statements
        .chain(unknown)
        .chain(broken)
        .chain(foreign)
        .chain(inputs)
        .collect()
}

fn command(statement: &Statement) -> String {
    let word = match statement.risk {
        Risk::S1 | Risk::S2 | Risk::S3 | Risk::G1 | Risk::A1 => "error",
        Risk::A2 | Risk::R1 | Risk::R2 => "warning",
        Risk::T1 | Risk::C0 => "notice",
    };
    let place = statement.after.place.as_ref();
    let place = place.or(statement.before.place.as_ref());
    let said: Vec<String> = lines(statement)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let message = format!(
        "{} [{}]\n{}",
        statement.title,
        statement.id,
        said.join("\n")
    );
    let title = format!("{:?} {}", statement.risk, statement.risk.name());
    command_at(word, place.map(String::as_str), &title, &message)
}
