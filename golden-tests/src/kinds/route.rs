//! `route`: what happens to requests, decided by the code that proxies run, without a socket.
//!
//! `requests.txt` holds requests as `weft why` takes them, `METHOD URL [-H 'name: value']… [--from NODE]`, each
//! with one indented line per proxy that it passes.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use weft_back::snapshot::Snapshot;
use weft_front::question::Question;
use weft_tell::why::{ActionAnswer, Hop, why};

use crate::expectation;
use crate::folder::Case;

const REQUESTS: &str = "requests.txt";

/// Every request is decided as the lines below it say.
pub(super) fn run(case: &Case) -> anyhow::Result<()> {
    let bundle = case.spec().compile()?.accepted()?;
    let snapshot = Snapshot::of_bundle(&bundle)?;
    let text = case.text(REQUESTS)?;
    let mut seen = String::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            continue;
        }
        writeln!(seen, "{line}")?;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match why(&snapshot, &question(line)?) {
            Ok(answer) => {
                for hop in &answer.hops {
                    writeln!(seen, "    {}", described(hop))?;
                }
            }
            Err(error) => writeln!(seen, "    {error}")?,
        }
    }
    expectation::is_as_in(&case.path.join(REQUESTS), &seen)
}

fn question(line: &str) -> anyhow::Result<Question> {
    let mut parts = line.split(" -");
    let request = parts.next().unwrap_or_default();
    let (mut headers, mut from, mut node) = (Vec::new(), None, None);
    for part in parts {
        match part.split_once(' ') {
            Some(("H", header)) => headers.push(header.trim().trim_matches('\'').to_owned()),
            Some(("-from", name)) => from = Some(name.trim().to_owned()),
            Some(("-node", name)) => node = Some(name.trim().to_owned()),
            Some(_) | None => bail!("no such option: `-{part}`"),
        }
    }
    let question = Question::parse(request, &headers).with_context(|| format!("in `{line}`"))?;
    Ok(question.sent_by(from).received_by(node))
}

fn described(hop: &Hop) -> String {
    let way = format!("{} {}: ", hop.node, hop.listener);
    let permission = match &hop.allowed_by {
        Some(permission) => format!("allowed by {}, ", permission.id),
        None => String::new(),
    };
    let end = match (&hop.route, &hop.refusal) {
        (_, Some(refusal)) => format!("{} {}", refusal.status, refusal.reason),
        (Some(route), None) => format!("{} -> {}", route.id, outcome(&route.action)),
        (None, None) => "nothing decided".to_owned(),
    };
    let headers: Vec<String> = hop
        .headers
        .iter()
        .map(|header| format!("; {header}"))
        .collect();
    let headers = headers.concat();
    format!("{way}{permission}{end}{headers}")
}

fn outcome(action: &ActionAnswer) -> String {
    match action {
        ActionAnswer::Forward {
            backends,
            path,
            host,
        } => {
            let backends: Vec<String> = backends
                .iter()
                .map(|backend| format!("{} {}", backend.cluster, backend.share))
                .collect();
            let host = host
                .as_ref()
                .map(|host| format!(" as {host}"))
                .unwrap_or_default();
            format!("{} {path}{host}", backends.join(", "))
        }
        ActionAnswer::Redirect { status, .. } => format!("redirect {status}"),
        ActionAnswer::Respond { status } => format!("respond {status}"),
    }
}
