//! `weft why`: what happens to a request, and which lines of the spec decide it.

use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_snapshot::limits;

use crate::Surroundings;
use crate::diagnostic::Format;
use crate::why::{Question, Snapshot, why};

use super::{Context, Verdict, build, load, output, store};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The request, as `METHOD URL`.
    #[arg(value_name = "'METHOD URL'")]
    request: String,
    /// A header of the request, as `name: value`; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Who sends it: `service/web` through its own sidecar; a client of a gateway by default.
    #[arg(long, value_name = "NODE")]
    from: Option<String>,
    /// The node that receives it, when several could.
    #[arg(long)]
    node: Option<String>,
    /// The spec: a folder or a file; `.` by default.
    #[arg(long, conflicts_with = "snapshot")]
    spec: Option<PathBuf>,
    /// A snapshot instead of a spec.
    #[arg(long, value_name = "DIST")]
    snapshot: Option<PathBuf>,
}

/// Answers; a request that is refused has an answer too, so the verdict is about the spec alone.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let question = Question::parse(&arguments.request, &arguments.headers)?
        .sent_by(arguments.from.clone())
        .received_by(arguments.node.clone());
    let snapshot = match &arguments.snapshot {
        Some(dist) => Some(stored(dist)?),
        None => compiled(context, arguments.spec.as_deref().unwrap_or(Path::new(".")))?,
    };
    let Some(snapshot) = snapshot else {
        return Ok(Verdict::Rejected);
    };
    let answer = why(&snapshot, &question)?;
    match context.format {
        Format::Json => output::result(&format!("{}\n", serde_json::to_string(&answer)?))?,
        // The other two are formats of findings, and an answer is none.
        Format::Human | Format::Sarif | Format::Github => output::result(&answer.to_string())?,
    }
    Ok(Verdict::Clean)
}

pub(super) fn stored(dist: &Path) -> anyhow::Result<Snapshot> {
    let Some(stored) = store::read(dist)? else {
        bail!("no snapshot at `{}`", dist.display());
    };
    // Reading a snapshot verifies each blob; once is enough.
    let blob = |digest: &_| store::unverified(dist, *digest, limits::SLICE_BYTES).ok();
    Ok(Snapshot::read(&stored.manifest, blob)?)
}

/// The snapshot of a spec; its findings are printed when it has none.
pub(super) fn compiled(context: &Context, spec: &Path) -> anyhow::Result<Option<Snapshot>> {
    let load::Loaded {
        sources,
        values,
        found,
    } = load::spec(spec, &context.values)?;
    let (bundle, found) = build::compile((&sources, &values), &Surroundings::default(), found);
    let Some(bundle) = bundle else {
        output::findings(context, &found, &sources)?;
        return Ok(None);
    };
    Ok(Some(Snapshot::of_bundle(&bundle)?))
}
