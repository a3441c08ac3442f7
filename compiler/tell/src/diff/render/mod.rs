//! A report as text: for a terminal, a pull request, a code scanner, and GitHub's own checks.

mod github;
mod inputs;
mod sarif;

use std::fmt::Write as _;

pub use github::github;
pub use sarif::sarif;

use weft_front::settings::risk::Risk;
use weft_front::text::{code, markdown as prose, terminal};
use weft_front::words::percent;

use super::findings::{Burst, Finding};
use super::promises::Broken;
use super::report::{Foreign, Region, Report, Said, Statement};

/// So many sets of requests are shown to people; JSON has more.
const SHOWN: usize = 3;
/// So many names are shown to people.
const NAMES: usize = 5;

/// The theorem at the end, or what is not proved.
fn closing(report: &Report) -> String {
    let (behaviour, _) = counts(report);
    let others = if behaviour == 0 {
        "All requests"
    } else {
        "All other requests"
    };
    let others = match report.facet {
        Some(facet) => format!("{others}, looking at {} alone", facet.name()),
        None => others.to_owned(),
    };
    let reach = report.unchanged;
    if report.complete {
        return format!(
            "{others}: proven unchanged ({}, {} compared).{}",
            counted(reach.proven_hosts, "host"),
            counted(reach.routes, "route"),
            not_compared(report)
        );
    }
    let mut text = format!(
        "{others}: proven unchanged on {}. Nothing is proved about {}:",
        counted(reach.proven_hosts, "host"),
        counted(reach.unproven_hosts, "host")
    );
    for unknown in &report.unknown {
        let _ = write!(
            text,
            "\n  UNKNOWN  {} {} host {}: {}",
            unknown.node, unknown.listener, unknown.host, unknown.explanation
        );
        if !unknown.culprits.is_empty() {
            let _ = write!(text, " ({})", unknown.culprits.join(", "));
        }
    }
    text
}

/// Which files the proof says nothing about, if there are any.
fn not_compared(report: &Report) -> String {
    let files = &report.not_compared;
    let mut named: Vec<String> = files
        .iter()
        .take(NAMES)
        .map(|file| format!("`{}`", file.escape_debug()))
        .collect();
    if NAMES < files.len() {
        named.push(format!("{} more", files.len() - NAMES));
    }
    if named.is_empty() {
        return String::new();
    }
    format!(
        "\nNot compared, because proxies read them: the endpoints in {}.",
        named.join(", ")
    )
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

/// The first line: how much changes.
fn opening(report: &Report) -> String {
    let (behaviour, governing) = counts(report);
    let governing = match governing {
        0 => String::new(),
        count => format!(", {} of what governs the mesh", counted(count, "change")),
    };
    match behaviour {
        0 if !governing.is_empty() => format!("no behavioural change{governing}"),
        0 if report.facet.is_some() => "no such change".to_owned(),
        0 if !report.complete => "no behavioural change found".to_owned(),
        0 if report.old_digest == report.new_digest => "the same snapshot".to_owned(),
        0 => format!("{:?} {}  no behavioural change", Risk::C0, Risk::C0.name()),
        count => counted(count, "behavioural change") + &governing,
    }
}

/// How many statements are about requests, and how many about what governs the mesh.
fn counts(report: &Report) -> (usize, usize) {
    let statements = report.statements.iter();
    let governing = statements.filter(|one| one.risk == Risk::G1).count();
    (report.statements.len().saturating_sub(governing), governing)
}

/// The report for a terminal.
pub fn text(report: &Report) -> String {
    let mut text = opening(report);
    text.push_str("\n\n");
    for statement in &report.statements {
        let Statement {
            risk, title, id, ..
        } = statement;
        let _ = writeln!(text, "{risk:?} {}  {title}  [{id}]", risk.name());
        for (name, value) in lines(statement) {
            let _ = writeln!(text, "    {name:8} {value}");
        }
        text.push('\n');
    }
    ending(&mut text, report, |node, words| format!("{node} {words}"));
    text.push_str(&closing(report));
    text.push('\n');
    for line in inputs::lines(report) {
        text.push_str(&line);
        text.push('\n');
    }
    terminal(&text)
}

/// The report in a line for each change, and the theorem.
pub fn short(report: &Report) -> String {
    let statements = report.statements.iter().map(|statement| {
        let Statement {
            risk, title, id, ..
        } = statement;
        format!("{risk:?} {}  {title}  [{id}]\n", risk.name())
    });
    let mut text: String = statements.collect();
    if text.is_empty() {
        text = opening(report) + "\n";
    }
    text.push_str(&closing(report));
    text.push('\n');
    terminal(&text)
}

/// The report for a pull request.
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "### weft: {}   ·   {} -> {}\n\n",
        opening(report),
        code(&report.old),
        code(&report.new)
    );
    for statement in &report.statements {
        let Statement {
            risk, title, id, ..
        } = statement;
        let title = prose(title);
        let _ = writeln!(text, "> **{risk:?} {}** · {title} · `{id}`\n>", risk.name());
        for (name, value) in lines(statement) {
            let _ = writeln!(text, "> - {name}: {}", code(&value));
        }
        text.push('\n');
    }
    ending(&mut text, report, |node, words| {
        format!("- {} {}", code(node), prose(words))
    });
    for line in closing(report).lines() {
        text.push_str(&prose(line));
        text.push('\n');
    }
    let lines = inputs::lines(report);
    if !lines.is_empty() {
        text.push('\n');
    }
    for line in lines {
        let _ = writeln!(text, "- {}", code(&line));
    }
    text
}

/// What becomes of connections, a line for each node, and what is found beside the statements.
fn ending(text: &mut String, report: &Report, line: impl Fn(&str, &str) -> String) {
    for (node, said) in &report.connections {
        text.push_str(&line(node, said.words()));
        text.push('\n');
    }
    if !report.connections.is_empty() {
        text.push('\n');
    }
    let beside = report.new_findings.iter().map(|found| {
        let Finding {
            code,
            message,
            place,
        } = found;
        let place = place.as_ref().map(|place| format!("  ({place})"));
        let place = place.unwrap_or_default();
        line("new warning", &format!("{code}: {message}{place}"))
    });
    let bursts = report.bursts.iter().map(|burst| {
        let Burst { service, old, new } = burst;
        line(
            service,
            &format!("can get {new} requests for one, {old} before"),
        )
    });
    let broken = report.broken.iter().map(|one| line("broken", &broken(one)));
    let foreign = report
        .foreign
        .iter()
        .map(|one| line("foreign", &foreign(one)));
    let beside = beside.chain(bursts).chain(broken).chain(foreign);
    let beside: Vec<String> = beside.collect();
    if !beside.is_empty() {
        text.push_str(&beside.join("\n"));
        text.push_str("\n\n");
    }
}

/// A promise that is broken, in words.
fn broken(broken: &Broken) -> String {
    let Broken {
        name,
        place,
        statements,
        unless_approved_by,
    } = broken;
    let place = place.as_ref().map(|place| format!("  ({place})"));
    let unless = if unless_approved_by.is_empty() {
        String::new()
    } else {
        format!("; {} may approve it", unless_approved_by.join(" or "))
    };
    format!(
        "`{name}` promises no such change as {}{unless}{}",
        statements.join(", "),
        place.unwrap_or_default()
    )
}

/// A statement about the requests of others, in words.
fn foreign(foreign: &Foreign) -> String {
    let Foreign {
        statement,
        teams,
        witness,
    } = foreign;
    let teams = teams.join(", ");
    match witness {
        Some(witness) => format!("{statement} alters requests of {teams}: {}", witness.line()),
        None => format!("{statement} is the matter of {teams}"),
    }
}

/// What is said of a statement, line by line.
fn lines(statement: &Statement) -> Vec<(&'static str, String)> {
    let Statement {
        id: _,
        risk: _,
        facet: _,
        is_whole: _,
        title: _,
        region,
        regions,
        before,
        after,
        why,
        fix,
        witness,
        contrast,
        stakes: _,
        blast,
    } = statement;
    let shown = region.iter().take(SHOWN);
    let mut lines: Vec<(&str, String)> = shown.map(|one| ("where", self::region(one))).collect();
    let more = regions.saturating_sub(lines.len());
    if more != 0 {
        lines.push(("", format!("and {more} more")));
    }
    lines.push(("before", placed(before)));
    lines.push(("after", placed(after)));
    lines.extend(why.iter().map(|one| ("why", one.clone())));
    lines.extend(blast.moved.iter().map(|share| {
        let share = percent(*share);
        ("moved", format!("{share} of these requests"))
    }));
    lines.extend(witness.iter().map(|one| ("witness", one.line())));
    lines.extend(contrast.iter().map(|one| ("still", one.line())));
    let touched = [&blast.routes, &blast.services, &blast.identities];
    let kinds = ["route", "service", "identity"];
    let counts = touched
        .into_iter()
        .zip(kinds)
        .filter(|(all, _)| !all.is_empty());
    let counts: Vec<String> = counts.map(|(all, kind)| named(kind, all)).collect();
    if !counts.is_empty() {
        lines.push(("blast", counts.join("; ")));
    }
    let mut owners = blast.owners.join(", ");
    if blast.is_owner_uncertain {
        if !owners.is_empty() {
            owners.push_str(" and ");
        }
        owners.push_str("perhaps others: a snapshot does not name owners");
    }
    if !owners.is_empty() {
        lines.push(("owners", owners));
    }
    lines.extend(fix.iter().map(|one| ("fix", one.clone())));
    lines
}

fn named(kind: &str, all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(NAMES).map(String::as_str).collect();
    let more = all.len().saturating_sub(shown.len());
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!("{kind} {}{more}", shown.join(", "))
}

fn placed(said: &Said) -> String {
    match &said.place {
        Some(place) => format!("{}  ({place})", said.text),
        None => said.text.clone(),
    }
}

fn region(region: &Region) -> String {
    let Region {
        node,
        listener: _,
        host,
        also,
        rule,
        matches,
        is_whole_rule,
        cubes,
        parts,
    } = region;
    let mut text = node.clone();
    if host != "*" || !also.is_empty() {
        let _ = write!(text, " {host}");
    }
    for host in also.iter().take(NAMES) {
        let _ = write!(text, ", {host}");
    }
    match also.len().saturating_sub(NAMES) {
        0 => {}
        more => {
            let _ = write!(text, " and {more} more hosts");
        }
    }
    let rule = rule.as_deref().unwrap_or_default();
    let matches = matches.as_ref().map(|one| format!(" ({one})"));
    let matches = matches.unwrap_or_default();
    let cube = cubes.first();
    let Some(cube) = cube.filter(|_| !is_whole_rule) else {
        let _ = write!(text, ", all of {rule}{matches}");
        return text;
    };
    let _ = write!(text, " {}", cube.path);
    for condition in &cube.conditions {
        let _ = write!(text, ", {condition}");
    }
    match parts.saturating_sub(1) {
        0 => {}
        1 => text.push_str(" and another part"),
        more => {
            let _ = write!(text, " and {more} other parts");
        }
    }
    if !rule.is_empty() {
        let _ = write!(text, ", of {rule}{matches}");
    }
    text
}
