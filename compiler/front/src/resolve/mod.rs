//! From files to one mesh: names become references.
//!
//! Everything that is wrong is reported and left out, and the rest is still resolved, so that one run
//! shows all of it. What is left out is chosen so that no later rule reports a mere consequence.

mod actions;
mod assertions;
mod codes;
mod endpoints;
mod gateways;
pub(crate) mod globs;
mod governed;
mod names;
mod ownership;
mod places;
mod routes;
mod services;
mod tests_of_spec;

use weft_snapshot::plan::PathPattern;
use weft_spec::matching::PathMatch;
use weft_spec::mesh::{self, Mtls};
use weft_spec::{File, FileId, Span, Spanned};

pub use codes::{BAD_ENDPOINTS, BAD_REWRITE, CODES};
pub use codes::{
    BAD_OPERATION, BAD_PATH, BAD_TEST, DUPLICATE_DEFINITION, EMPTY_GLOB, MISSING_MESH,
    MISSING_VERSION, UNCLEAR_ASSERTION, UNCLEAR_OUTCOME, UNCLEAR_OWNER, UNKNOWN_REFERENCE,
};

use names::{Names, defined_twice, follow, unique};
use weft_space::path;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{self, Guardrail, Mesh, Table, TeamId};
use crate::settings::Said;
use crate::source::Sources;

/// Joins the files; nothing if no file has `mesh`.
pub fn resolve(
    files: &[(FileId, File)],
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Mesh> {
    let mesh = the_mesh(files, diagnostics)?;
    let certificates = unique(
        "certificate",
        files.iter().flat_map(|(_, file)| &file.certificates),
        diagnostics,
    );
    let gateways = unique(
        "gateway",
        files.iter().flat_map(|(_, file)| &file.gateways),
        diagnostics,
    );
    let services = unique(
        "service",
        files.iter().flat_map(|(_, file)| &file.services),
        diagnostics,
    );
    let routes = unique(
        "route",
        files.iter().flat_map(|(_, file)| &file.routes),
        diagnostics,
    );
    let mut names = Names::default();
    let mut resolved = settings(mesh);
    for (name, (place, service)) in &services {
        let id = resolved
            .services
            .push(services::service(place, &service.value, diagnostics));
        names.services.insert(name, id);
    }
    ownership::resolve(&mut names, mesh, &mut resolved, sources, diagnostics);
    for (name, (place, certificate)) in &certificates {
        let certificate = gateways::certificate(place, &certificate.value);
        names
            .certificates
            .insert(name, resolved.certificates.push(certificate));
    }
    for (name, definition) in &gateways {
        let gateway = gateways::gateway(&names, definition, diagnostics);
        names.gateways.insert(name, resolved.gateways.push(gateway));
    }
    for (name, (_, service)) in &services {
        if let Some(id) = names.services.get(name) {
            let connected = resolved.services.entry_mut(*id);
            services::connect(&names, &service.value, connected, diagnostics);
        }
    }
    for definition in routes.values() {
        if let Some(route) = routes::route(&names, &resolved, definition, diagnostics) {
            resolved.routes.push(route);
        }
    }
    places::resolve(&names, &mut resolved, (mesh, files), diagnostics);
    resolved.governed = governed::collect(mesh, files);
    resolved.tests = tests_of_spec::resolve(&names, &resolved, files, diagnostics);
    resolved.assertions = assertions::resolve(&names, &resolved, files, diagnostics);
    Some(resolved)
}

fn the_mesh<'spec>(
    files: &'spec [(FileId, File)],
    diagnostics: &mut Diagnostics,
) -> Option<&'spec Spanned<mesh::Mesh>> {
    let mut found = files.iter().filter_map(|(_, file)| file.mesh.as_ref());
    let Some(first) = found.next() else {
        let place = files.first().map_or(Span::NONE, |(_, file)| file.weft.span);
        diagnostics.push(
            Diagnostic::new(&MISSING_MESH, place, "no file of the spec has `mesh`")
                .help("give the command the folder that holds all files of the spec, or add `mesh: {name: …, trustDomain: …}` to one of them"),
        );
        return None;
    };
    for again in found {
        let (first, again) = (first.value.name.span, again.value.name.span);
        diagnostics.push(defined_twice("`mesh`", first, again));
    }
    Some(first)
}

fn guardrail(written: &Spanned<mesh::Guardrail>) -> Spanned<Guardrail> {
    let mesh::Guardrail {
        bound,
        max,
        why,
        // Those of all guardrails are resolved together with suppressions.
        exempt: _,
    } = &written.value;
    let read = Guardrail {
        bound: *bound,
        max: max.clone(),
        why: why.clone(),
    };
    Spanned::new(read, written.span)
}

fn settings(mesh: &Spanned<mesh::Mesh>) -> Mesh {
    let mesh::Mesh {
        name,
        trust_domain,
        mtls,
        until,
        defaults,
        teams: _,
        platform: _,
        guardrails,
        routing_keys,
        trusted_headers,
        snapshot_header,
    } = &mesh.value;
    let lower = |name: &Spanned<String>| Spanned::new(name.value.to_ascii_lowercase(), name.span);
    let routing_keys = routing_keys.iter();
    Mesh {
        name: name.clone(),
        trust_domain: trust_domain.clone(),
        span: mesh.span,
        mtls: mtls.unwrap_or(Spanned::built_in(Mtls::Strict)),
        until: *until,
        defaults: Said::by_defaults(defaults),
        snapshot_header: snapshot_header.is_some_and(|header| header.value),
        routing_keys: routing_keys
            .map(|(name, values)| (lower(name), values.value.clone()))
            .collect(),
        trusted_headers: trusted_headers.iter().map(lower).collect(),
        guardrails: guardrails.iter().map(guardrail).collect(),
        teams: Table::default(),
        platform: model::Team::platform(),
        gateways: Table::default(),
        certificates: Table::default(),
        services: Table::default(),
        routes: Table::default(),
        file_teams: Vec::new(),
        automata: weft_space::automata::Automata::default(),
        written: Vec::new(),
        suppressions: Vec::new(),
        exemptions: Vec::new(),
        governed: Vec::new(),
        assertions: Vec::new(),
        tests: Vec::new(),
    }
}

/// The team that a definition names.
fn team(
    names: &Names<'_>,
    team: Option<&Spanned<String>>,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<TeamId>> {
    let team = team?;
    let id = follow("team", &names.teams, team, diagnostics)?;
    Some(Spanned::new(id, team.span))
}

/// The paths of a rule or permission; all of them when nothing is said.
fn path(
    written: Option<&Spanned<PathMatch>>,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<PathPattern>> {
    let Some(written) = written else {
        return Some(Spanned::built_in(path::all_paths()));
    };
    let pattern = match &written.value {
        PathMatch::Pattern(text) => pattern(text, written.span, diagnostics)?,
        PathMatch::Regex(regex) => PathPattern::Regex {
            regex: regex.value.clone(),
        },
    };
    Some(Spanned::new(pattern, written.span))
}

/// The paths of a text.
fn pattern(text: &str, span: Span, diagnostics: &mut Diagnostics) -> Option<PathPattern> {
    match path::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let message = format!("path `{}` {}", shown(text), error.message);
            let mut diagnostic = Diagnostic::new(&BAD_PATH, span, message);
            diagnostic.help = error.help;
            diagnostics.push(diagnostic);
            None
        }
    }
}

// Control characters and endless texts do not belong into a message.
fn shown(text: &str) -> String {
    text.chars()
        .take(100)
        .map(|symbol| {
            if symbol.is_control() {
                '\u{FFFD}'
            } else {
                symbol
            }
        })
        .collect()
}
