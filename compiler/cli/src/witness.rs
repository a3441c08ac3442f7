//! `weft witness`: requests that stand for every route, with the route that takes each.

use std::path::{Path, PathBuf};

use weft_tell::witness::{Witness, by_node};

use super::{Context, Verdict, output, why};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file; `.` by default.
    #[arg(conflicts_with = "snapshot")]
    spec: Option<PathBuf>,
    /// A snapshot instead of a spec.
    #[arg(long, value_name = "DIST")]
    snapshot: Option<PathBuf>,
    /// Print a shell script of `curl` commands instead of JSON lines.
    #[arg(long)]
    curl: bool,
}

/// Prints one line for each request; hosts that could not be analysed are named beside them.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let spec = arguments.spec.as_deref().unwrap_or(Path::new("."));
    let snapshot = match &arguments.snapshot {
        Some(dist) => Some(why::snapshot(dist)?),
        None => why::compiled(context, spec)?,
    };
    let Some(snapshot) = snapshot else {
        return Ok(Verdict::Rejected);
    };
    if arguments.curl {
        output::people("#!/bin/sh\n")?;
    }
    let mut is_complete = true;
    for (found, missing) in by_node(&snapshot) {
        is_complete &= missing.is_empty();
        for one in &missing {
            let (node, host, reason) = (&one.node, &one.host, &one.reason);
            output::aside(&format!("no requests for {node}, host {host}: {reason}\n"))?;
        }
        output::people(&text(&found, arguments.curl)?)?;
    }
    Ok(if is_complete {
        Verdict::Clean
    } else {
        Verdict::Rejected
    })
}

/// The requests of a node, as JSON lines or as lines of a script.
fn text(found: &[Witness], is_script: bool) -> anyhow::Result<String> {
    let mut text = String::new();
    for one in found {
        if is_script {
            let route = &one.end();
            let (node, listener, curl) = (&one.node, &one.listener, &one.curl);
            let lines = ["# ", node, " ", listener, ": ", route, "\n", curl, "\n"];
            text.push_str(&lines.concat());
        } else {
            text.push_str(&serde_json::to_string(one)?);
            text.push('\n');
        }
    }
    Ok(text)
}
