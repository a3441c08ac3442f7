//! `weft why`: what happens to a request, and which lines of the spec decide it.

use std::path::Path;

use anyhow::bail;
use weft_front::Surroundings;
use weft_front::diagnostic::Format;
use weft_front::question::Question;
use weft_snapshot::limits;
pub(crate) use weft_tell::why::{Snapshot, why};

use super::progress::Shown;
use super::subject::Subject;
use super::{Context, Verdict, build, load, output, paint, stored};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The request, as `METHOD URL`; `GET /path HTTP/1.0` is one without a host.
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
    /// A route: why does it not decide?
    #[arg(long, value_name = "ROUTE")]
    why_not: Option<String>,
    #[command(flatten)]
    subject: Subject,
}

/// Answers; a request that is refused has an answer too, so the verdict is about the spec alone.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    unquoted(arguments)?;
    let mut question = Question::parse(&arguments.request, &arguments.headers)?
        .sent_by(arguments.from.clone())
        .received_by(arguments.node.clone());
    question.why_not.clone_from(&arguments.why_not);
    let answer = if let Some(dist) = &arguments.subject.snapshot {
        why(&snapshot(dist)?, &question)?
    } else {
        let loaded = load::spec(arguments.subject.spec(), &context.values)?;
        let Some(snapshot) = compiled_of(context, &loaded)? else {
            return Ok(Verdict::Rejected);
        };
        why(&snapshot, &question)?
    };
    let is_told = |hop: &weft_tell::why::Hop| hop.why_not.is_some();
    if let Some(wanted) = &arguments.why_not
        && !answer.hops.iter().any(is_told)
    {
        bail!(
            "no proxy on the way of the request has a route or rule `{wanted}`; a route is named as in the spec, and a rule as `ROUTE/RULE`"
        );
    }
    match context.format {
        Format::Json => output::result(&format!("{}\n", serde_json::to_string(&answer)?))?,
        // The other two are formats of findings, and an answer is none.
        Format::Human | Format::Sarif | Format::Github => {
            let text = answer.to_string();
            let text = if context.is_short {
                paint::short_why(&text)
            } else {
                text
            };
            output::painted(&text, paint::why)?;
        }
    }
    Ok(Verdict::Clean)
}

/// Refuses a request whose method and URL came as two arguments, and one in the place of the spec.
fn unquoted(arguments: &Arguments) -> anyhow::Result<()> {
    let request = &arguments.request;
    let spec = arguments.subject.spec().to_string_lossy();
    let is_method = request.len() < 10 && request.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_method && spec.contains("://") {
        bail!("method and URL are one argument: write `'{request} {spec}'`, in quotes");
    }
    if spec.contains("://") {
        bail!("the request comes first: `weft why '{spec}' {request}`");
    }
    Ok(())
}

pub(super) fn snapshot(dist: &Path) -> anyhow::Result<Snapshot> {
    let Some(found) = stored::read(dist)? else {
        return Err(stored::none(dist));
    };
    // Reading a snapshot verifies each blob; once is enough.
    let blob = |digest: &_| stored::unverified(&found.dist, *digest, limits::SLICE_BYTES).ok();
    Ok(Snapshot::read(&found.manifest, blob)?)
}

/// The snapshot of a spec; its findings are printed when it has none.
pub(super) fn compiled(context: &Context, spec: &Path) -> anyhow::Result<Option<Snapshot>> {
    compiled_of(context, &load::spec(spec, &context.values)?)
}

fn compiled_of(context: &Context, loaded: &load::Loaded) -> anyhow::Result<Option<Snapshot>> {
    let load::Loaded {
        sources,
        values,
        found,
    } = loaded;
    let shown = Shown::of(context);
    let surroundings = Surroundings {
        progress: shown.progress(),
        leaves_out_remarks: !context.shows_remarks,
        ..Surroundings::default()
    };
    let compile = || weft_tell::compile_in_memory(sources, values, &surroundings);
    let (compiled, found) = build::unless_wrong(found.clone(), compile);
    drop(shown);
    let Some((_, compiled)) = compiled else {
        output::findings(context, &found, sources)?;
        return Ok(None);
    };
    Ok(Some(Snapshot::of_compiled(compiled)?))
}
