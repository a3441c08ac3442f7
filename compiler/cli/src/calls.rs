//! `weft callers` and `weft calls`: who can call a service, and whom it can call.

use std::path::PathBuf;

use anyhow::bail;
use serde_json::json;
use weft_check::callers::{Pair, Said, pairs};
use weft_front::Surroundings;
use weft_front::diagnostic::Format;
use weft_front::source::Sources;
use weft_spec::Span;
use weft_tell::check_spec;

use super::progress::Shown;
use super::{Context, Verdict, check, load, output};

#[derive(Debug, clap::Args)]
pub(super) struct Callers {
    /// The service, as `orders` or `service/orders`.
    service: String,
    /// The spec: a folder or a file; `.` by default.
    #[arg(long, default_value = ".")]
    spec: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Calls {
    /// The caller, as `orders`, `service/orders` or `gateway/public`; all of them by default.
    node: Option<String>,
    /// The spec: a folder or a file; `.` by default.
    #[arg(long, default_value = ".")]
    spec: PathBuf,
}

/// Who can call a service.
pub(super) fn callers(context: &Context, arguments: &Callers) -> anyhow::Result<Verdict> {
    let node = node(&arguments.service);
    show(context, &arguments.spec, Some(&node), |one| one.to == node)
}

/// Whom a node can call.
pub(super) fn calls(context: &Context, arguments: &Calls) -> anyhow::Result<Verdict> {
    let node = arguments.node.as_deref().map(node);
    let is_it = |one: &Pair| node.as_ref().is_none_or(|node| one.from == *node);
    show(context, &arguments.spec, node.as_deref(), is_it)
}

fn node(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("service/{name}")
    }
}

fn show(
    context: &Context,
    spec: &std::path::Path,
    node: Option<&str>,
    is_asked: impl Fn(&Pair) -> bool,
) -> anyhow::Result<Verdict> {
    let loaded = load::spec(spec, &context.values)?;
    let (sources, mut found) = (&loaded.sources, loaded.found);
    let mut checked = None;
    if !check::has_errors(&found) {
        let shown = Shown::of(context);
        let surroundings = Surroundings {
            progress: shown.progress(),
            ..Surroundings::default()
        };
        let (mesh, more) = check_spec(sources, &loaded.values, &surroundings);
        found.extend(more);
        checked = mesh;
    }
    let Some(checked) = checked else {
        output::findings(context, &found, sources)?;
        return Ok(Verdict::Rejected);
    };
    let mesh = checked.mesh();
    if let Some(node) = node {
        let gateways = mesh.gateways.values();
        let gateways = gateways.map(|gateway| format!("gateway/{}", gateway.name.value));
        let services = mesh.services.values();
        let services = services.map(|service| format!("service/{}", service.name.value));
        let known: Vec<String> = gateways.chain(services).collect();
        if !known.iter().any(|known| known == node) {
            let some = weft_front::words::some(known.iter().map(String::as_str));
            bail!("there is no `{node}`; there are {some}");
        }
    }
    let place = |span: Span| place(span, sources);
    let mut pairs = pairs(mesh, &place);
    pairs.retain(is_asked);
    match context.format {
        Format::Json => {
            let all = json!({"format": "weft.calls/1", "calls": pairs});
            output::result(&format!("{all}\n"))?;
        }
        // The other two are formats of findings, and a relation is none.
        Format::Human | Format::Sarif | Format::Github => output::people(&text(&pairs))?,
    }
    Ok(Verdict::Clean)
}

fn text(pairs: &[Pair]) -> String {
    if pairs.is_empty() {
        return "nobody\n".to_owned();
    }
    let mut lines = Vec::new();
    for one in pairs {
        let how = match (one.is_possible, one.declared.is_empty()) {
            (Some(true), _) => "",
            (Some(false), true) => "  allowed, never declared",
            (Some(false), false) => "  declared, never allowed",
            (None, _) => "  nobody knows",
        };
        lines.push(format!("{} -> {}{how}\n", one.from, one.to));
        let open = Said {
            requests: "everything: the service does not ask who calls".to_owned(),
            span: Span::NONE,
            place: String::new(),
        };
        let allowed = one.allowed.iter().chain((!one.is_guarded).then_some(&open));
        lines.extend(allowed.map(|said| line("allows", said)));
        lines.extend(one.denied.iter().map(|said| line("denies", said)));
        lines.extend(one.declared.iter().map(|said| line("declares", said)));
    }
    lines.concat()
}

fn line(what: &str, said: &Said) -> String {
    let place = if said.place.is_empty() {
        String::new()
    } else {
        format!("  ({})", said.place)
    };
    format!("  {what:8}  {}{place}\n", said.requests)
}

/// File and line of a place, as a person finds it.
pub(super) fn place(span: Span, sources: &Sources) -> String {
    let line = sources.line(span);
    line.map_or(String::new(), |line| {
        format!("{}:{line}", sources.shown_path(span.file))
    })
}
