//! `weft callers` and `weft calls`: who can call a service, and whom it can call.

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::json;
use weft_check::callers::{Pair, Said, pairs};
use weft_front::Surroundings;
use weft_front::diagnostic::Format;
use weft_front::source::Sources;
use weft_spec::Span;
use weft_tell::check_spec;
use weft_tell::entrances::{self, Entrance};

use super::progress::Shown;
use super::subject::Subject;
use super::{Context, Verdict, check, load, output, why};

#[derive(Debug, clap::Args)]
pub(super) struct Callers {
    /// The service, as `orders` or `service/orders`; or a gateway, as `gateway/public`.
    service: String,
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, clap::Args)]
pub(super) struct Calls {
    /// The caller, as `orders`, `service/orders` or `gateway/public`; `*`, all of them, by default.
    node: Option<String>,
    #[command(flatten)]
    subject: Subject,
}

/// Who can call a service.
pub(super) fn callers(context: &Context, arguments: &Callers) -> anyhow::Result<Verdict> {
    let node = node(&arguments.service);
    if node.starts_with("gateway/") {
        return clients(context, &arguments.subject, &node);
    }
    show(context, &arguments.subject, Some(&node), |one| {
        one.to == node
    })
}

/// Whom a node can call, as itself or as one of a kind.
pub(super) fn calls(context: &Context, arguments: &Calls) -> anyhow::Result<Verdict> {
    let node = arguments.node.as_deref().filter(|node| *node != "*");
    let node = node.map(node_of_caller);
    let is_it = |one: &Pair| {
        let kind = one.from.strip_suffix('*');
        node.as_ref().is_none_or(|node| {
            let is_of_kind = one.from == "mesh" || kind.is_some_and(|kind| node.starts_with(kind));
            one.from == *node || is_of_kind
        })
    };
    show(context, &arguments.subject, node.as_deref(), is_it)
}

fn node(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("service/{name}")
    }
}

/// The same, or all of a kind.
fn node_of_caller(name: &str) -> String {
    match name {
        "mesh" => name.to_owned(),
        name => node(name),
    }
}

/// Who calls a gateway: clients outside, whom no spec knows, where it listens.
fn clients(context: &Context, subject: &Subject, node: &str) -> anyhow::Result<Verdict> {
    let Some(known) = known(context, subject)? else {
        return Ok(Verdict::Rejected);
    };
    is_there(node, &known.names)?;
    let entrances = known.entrances.get(node).cloned().unwrap_or_default();
    match context.format {
        Format::Json => {
            let all = json!({"format": "weft.calls/1", "calls": [], "clients": entrances});
            output::result(&format!("{all}\n"))?;
        }
        Format::Human | Format::Sarif | Format::Github => {
            output::people(&outside(node, &entrances))?;
        }
    }
    Ok(Verdict::Clean)
}

fn outside(node: &str, entrances: &[Entrance]) -> String {
    let lines = entrances.iter().map(|one| {
        let hosts = match one.hosts.as_slice() {
            [all] if all == "*" => "any host".to_owned(),
            hosts => hosts.join(", "),
        };
        let Entrance {
            listener,
            protocol,
            address,
            ..
        } = one;
        format!("  at {listener}: {protocol} on {address}, for {hosts}\n")
    });
    let lines: String = lines.collect();
    format!(
        "clients outside of the mesh -> {node}\n{lines}no service calls a gateway; `weft calls {node}` says whom it calls\n"
    )
}

fn is_there(node: &str, known: &[String]) -> anyhow::Result<()> {
    if !known.iter().any(|known| known == node) {
        let some = weft_front::words::some(known.iter().map(String::as_str));
        bail!("there is no `{node}`; there are {some}");
    }
    Ok(())
}

/// What a spec or a snapshot says of its nodes.
struct Nodes {
    names: Vec<String>,
    pairs: Vec<Pair>,
    /// Those of gateways.
    entrances: BTreeMap<String, Vec<Entrance>>,
}

/// The nodes of what was asked about; findings are printed when it has none.
fn known(context: &Context, subject: &Subject) -> anyhow::Result<Option<Nodes>> {
    let Some(dist) = &subject.snapshot else {
        return of_spec(context, subject);
    };
    let snapshot = why::snapshot(dist)?;
    let plans = snapshot.plans();
    let gateways = plans
        .iter()
        .filter(|plan| plan.settings.node.starts_with("gateway/"));
    let entrances = gateways.map(|plan| (plan.settings.node.clone(), entrances::of_plan(plan)));
    Ok(Some(Nodes {
        names: snapshot.nodes().map(str::to_owned).collect(),
        pairs: weft_tell::callers::pairs(&snapshot),
        entrances: entrances.collect(),
    }))
}

fn show(
    context: &Context,
    subject: &Subject,
    node: Option<&str>,
    is_asked: impl Fn(&Pair) -> bool,
) -> anyhow::Result<Verdict> {
    let Some(Nodes {
        names, mut pairs, ..
    }) = known(context, subject)?
    else {
        return Ok(Verdict::Rejected);
    };
    if let Some(node) = node {
        let is_called = pairs.iter().any(|one| one.to == node || one.from == node);
        if !is_called {
            is_there(node, &names)?;
        }
    }
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

/// The nodes of a spec and their relation; its findings are printed when it has none.
fn of_spec(context: &Context, subject: &Subject) -> anyhow::Result<Option<Nodes>> {
    let loaded = load::spec(subject.spec(), &context.values)?;
    let (sources, mut found) = (&loaded.sources, loaded.found);
    let mut checked = None;
    if !check::has_errors(&found) {
        let shown = Shown::of(context);
        let surroundings = Surroundings {
            progress: shown.progress(),
            leaves_out_remarks: !context.shows_remarks,
            ..Surroundings::default()
        };
        let (mesh, more) = check_spec(sources, &loaded.values, &surroundings);
        found.extend(more);
        checked = mesh;
    }
    let Some(checked) = checked else {
        output::findings(context, &found, sources)?;
        return Ok(None);
    };
    let mesh = checked.mesh();
    let gateways = mesh.gateways.values();
    let entrances: BTreeMap<String, Vec<Entrance>> = gateways
        .map(|gateway| {
            let node = format!("gateway/{}", gateway.name.value);
            (node, entrances::of_gateway(gateway))
        })
        .collect();
    let services = mesh.services.values();
    let services = services.map(|service| format!("service/{}", service.name.value));
    let names = entrances.keys().cloned().chain(services).collect();
    let place = |span: Span| place(span, sources);
    Ok(Some(Nodes {
        names,
        pairs: pairs(mesh, &place),
        entrances,
    }))
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
