//! A report as text for a terminal and as Markdown for a pull request.

use std::fmt::Write as _;

use super::statement::{Report, Statement};

/// The theorem at the end, or what is not proved.
fn closing(report: &Report) -> String {
    let others = if report.statements.is_empty() {
        "All requests"
    } else {
        "All other requests"
    };
    let others = match report.facet {
        Some(facet) => format!("{others}, looking at {} alone", facet.name()),
        None => others.to_owned(),
    };
    if report.complete {
        return format!(
            "{others}: proven unchanged ({} hosts, {} routes compared).",
            report.hosts, report.routes
        );
    }
    let mut text = format!("{others}: proven unchanged, except that nothing is proved about");
    for unknown in &report.unknown {
        let _ = write!(text, "\n  UNKNOWN  {unknown}");
    }
    text
}

/// The report for a terminal.
pub fn text(report: &Report) -> String {
    let mut text = match report.statements.len() {
        0 if report.facet.is_some() => "no such change\n\n".to_owned(),
        0 if !report.complete => "no behavioural change found\n\n".to_owned(),
        0 => "no behavioural change\n\n".to_owned(),
        1 => "1 behavioural change\n\n".to_owned(),
        count => format!("{count} behavioural changes\n\n"),
    };
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
    for (node, said) in &report.connections {
        let _ = writeln!(text, "{node} {said}");
    }
    if !report.connections.is_empty() {
        text.push('\n');
    }
    text.push_str(&closing(report));
    text.push('\n');
    text
}

/// The report for a pull request.
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "### weft: {} behavioural changes   ·   `{}` -> `{}`\n\n",
        report.statements.len(),
        report.old,
        report.new
    );
    for statement in &report.statements {
        let Statement {
            risk, title, id, ..
        } = statement;
        let _ = writeln!(text, "> **{risk:?} {}** · {title} · `{id}`\n>", risk.name());
        for (name, value) in lines(statement) {
            let _ = writeln!(text, "> - {name}: `{value}`");
        }
        text.push('\n');
    }
    for (node, said) in &report.connections {
        let _ = writeln!(text, "- `{node}` {said}");
    }
    if !report.connections.is_empty() {
        text.push('\n');
    }
    text.push_str(&closing(report));
    text.push('\n');
    text
}

fn lines(statement: &Statement) -> Vec<(&'static str, String)> {
    let Statement {
        id: _,
        risk: _,
        facet: _,
        title: _,
        region,
        regions,
        before,
        before_place,
        after,
        after_place,
        witness,
        contrast,
        routes,
        owners,
    } = statement;
    let mut lines: Vec<(&str, String)> = region.iter().map(|one| ("where", one.clone())).collect();
    let more = regions.saturating_sub(region.len());
    if more != 0 {
        lines.push(("", format!("and {more} more")));
    }
    let placed = |text: &String, place: &Option<String>| match place {
        Some(place) => format!("{text}  ({place})"),
        None => text.clone(),
    };
    lines.push(("before", placed(before, before_place)));
    lines.push(("after", placed(after, after_place)));
    lines.extend(witness.iter().map(|one| ("witness", one.clone())));
    lines.extend(contrast.iter().map(|one| ("still", one.clone())));
    if !routes.is_empty() {
        let shown: Vec<&str> = routes.iter().take(5).map(String::as_str).collect();
        let more = routes.len().saturating_sub(shown.len());
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        lines.push(("blast", format!("{}{more}", shown.join(", "))));
    }
    if !owners.is_empty() {
        lines.push(("owners", owners.join(", ")));
    }
    lines
}
