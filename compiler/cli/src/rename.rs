//! `weft rename service OLD NEW`: another name for a service, wherever it is named.
//!
//! The compiler itself says where: with the definition renamed, each reference leads nowhere, and what it reports is renamed until nothing
//! is left. So what is renamed is what the name is looked up for, and no other text that happens to be alike. Hosts of requests in tests of
//! sidecars are renamed too, because a sidecar knows a service by its name; where the name stands besides is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_front::Surroundings;
use weft_front::diagnostic::{Diagnostic, Edit, Severity, nearest};
use weft_front::model::Mesh;
use weft_front::model::test::Asked;
use weft_front::source::{SourceFile, Sources};
use weft_spec::{FileId, Span};

use super::load::{self, Loaded};
use super::{Context, Verdict, output, rewrite};

/// The most rounds: each renames what the last one has brought to light.
const ROUNDS: usize = 100;
/// The most places of other mentions that are listed.
const LISTED: usize = 20;
/// The code of what leads nowhere.
const UNKNOWN_REFERENCE: &str = "unknown-reference";
/// How it begins to say that a test expects a route that is not there.
const NO_ROUTE: &str = "there is no route or rule ";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A service, in its definition and wherever it is called, allowed or tested.
    Service(Service),
}

#[derive(Debug, clap::Args)]
struct Service {
    /// The name that it has.
    old: String,
    /// The name that it gets.
    new: String,
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
}

/// Renames; a spec with errors is printed with them, and nothing is written.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let What::Service(Service { old, new, spec }) = &arguments.what;
    let loaded = load::spec(spec, &context.values)?;
    let (before, found) = checked(&loaded, &loaded.sources);
    let Some(before) = before else {
        output::findings(context, &found, &loaded.sources)?;
        return Ok(Verdict::Rejected);
    };
    let definition = definition(before.mesh(), (old, new))?;
    let renaming = Renaming { old, new };
    let mut edits = requests(before.mesh(), &renaming, &loaded.sources);
    edits.extend(renaming.edit(definition, &loaded.sources));
    let mut sources = applied(&loaded.sources, &edits);
    for _ in 0..ROUNDS {
        let (_, found) = checked(&loaded, &sources);
        let next = lost(&found, &renaming, &sources);
        if next.is_empty() {
            return written((context, &loaded), &sources, (&renaming, &found));
        }
        sources = applied(&sources, &next);
    }
    bail!("`{old}` is named in too many places to rename it in {ROUNDS} rounds")
}

/// The edits of what leads nowhere now.
///
/// A route that leads to the service is no route as long as it says the old name, so tests that expect it lead nowhere too, also when
/// the route has that name itself. What they expect is looked at when all else leads somewhere: then only the service is meant.
fn lost(found: &[Diagnostic], renaming: &Renaming<'_>, sources: &Sources) -> Vec<Edit> {
    let lost = found
        .iter()
        .filter(|one| one.code.name == UNKNOWN_REFERENCE);
    let (routes, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        lost.partition(|one| one.message.starts_with(NO_ROUTE));
    let edits = |lost: Vec<&Diagnostic>| -> Vec<Edit> {
        let edits = lost.into_iter();
        let edits = edits.filter_map(|one| renaming.edit(one.primary.span, sources));
        edits.collect()
    };
    let others = edits(others);
    if others.is_empty() {
        edits(routes)
    } else {
        others
    }
}

type CheckedSpec = (Option<weft_front::model::Checked>, Vec<Diagnostic>);

fn checked(loaded: &Loaded, sources: &Sources) -> CheckedSpec {
    let surroundings = Surroundings::default();
    weft_tell::check_spec(sources, &loaded.values, &surroundings)
}

/// Whether a text can be the name of a service.
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Where the service is defined.
fn definition(mesh: &Mesh, (old, new): (&str, &str)) -> anyhow::Result<Span> {
    let names = || mesh.services.values().map(|one| &one.name);
    if let Some(bare) = old.strip_prefix("service/") {
        bail!("a service is named without its kind: write `{bare}`");
    }
    if old == new {
        bail!("the service is called `{old}` already");
    }
    if !is_name(new) {
        bail!(
            "`{new}` cannot be the name of a service: use at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends; `weft rename service OLD NEW SPEC` takes both names"
        );
    }
    if names().any(|name| name.value == new) {
        bail!("there is a service `{new}` already");
    }
    let Some(name) = names().find(|name| name.value == old) else {
        match nearest(old, names().map(|name| name.value.as_str())) {
            Some(near) => bail!("there is no service `{old}`; did you mean `{near}`?"),
            None => bail!("there is no service `{old}`"),
        }
    };
    Ok(name.span)
}

/// A name and the one that takes its place.
struct Renaming<'n> {
    old: &'n str,
    new: &'n str,
}

impl Renaming<'_> {
    /// The edit of the name within a place, if it stands there.
    fn edit(&self, span: Span, sources: &Sources) -> Option<Edit> {
        let at = self.places(sources.text(span)).next()?;
        let start = span.start.checked_add(u32::try_from(at).ok()?)?;
        let end = start.checked_add(u32::try_from(self.old.len()).ok()?)?;
        Some(Edit {
            span: Span::new(span.file, start, end),
            replacement: self.new.to_owned(),
        })
    }

    /// Where the name stands in a text, as a word.
    fn places<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let is_part = |symbol: char| symbol.is_alphanumeric() || matches!(symbol, '-' | '_');
        let found = text.match_indices(self.old);
        found.filter_map(move |(at, word)| {
            let before = text.get(..at)?.chars().next_back();
            let behind = text.get(at.checked_add(word.len())?..)?.chars().next();
            let is_whole = !before.is_some_and(is_part) && !behind.is_some_and(is_part);
            is_whole.then_some(at)
        })
    }
}

/// The hosts of requests in tests that a sidecar sends: there, a service is a host by its name.
fn requests(mesh: &Mesh, renaming: &Renaming<'_>, sources: &Sources) -> Vec<Edit> {
    let asked = mesh.tests.iter().filter_map(|test| match &test.asked {
        Asked::One { request, from, .. } => from.as_ref().map(|_| request),
        Asked::All(_) => None,
    });
    let named = asked.filter_map(|request| {
        let (_, rest) = request.value.split_once("://")?;
        let host = rest.split(['/', ':', '?']).next()?;
        (host == renaming.old).then_some(request.span)
    });
    let hosts = named.filter_map(|span| {
        let text = sources.text(span);
        let scheme = text.find("://")?.checked_add(3)?;
        let start = span.start.checked_add(u32::try_from(scheme).ok()?)?;
        renaming.edit(Span::new(span.file, start, span.end), sources)
    });
    hosts.collect()
}

fn applied(sources: &Sources, edits: &[Edit]) -> Sources {
    let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(edit.span.file).or_default().push(edit);
    }
    let files = sources.iter().map(|(id, file)| {
        let edits = by_file.get(&id).map_or(&[][..], Vec::as_slice);
        SourceFile {
            path: file.path.clone(),
            text: rewrite::edited(&file.text, edits).0,
        }
    });
    let values = sources.values().map(|(_, file)| file.clone());
    Sources::new(files.collect())
        .with_values(values.collect())
        .shown_below(sources.shown_below_root(""))
}

/// Writes the files if the spec has no error that it did not have.
fn written(
    (context, loaded): (&Context, &Loaded),
    sources: &Sources,
    (renaming, found): (&Renaming<'_>, &[Diagnostic]),
) -> anyhow::Result<Verdict> {
    if found.iter().any(|one| one.severity == Severity::Error) {
        output::findings(context, found, sources)?;
        output::aside("nothing was written: with the new name, the spec is wrong\n")?;
        return Ok(Verdict::Rejected);
    }
    let mut lines = Vec::new();
    for ((id, old), (_, new)) in loaded.sources.iter().zip(sources.iter()) {
        if old.text != new.text {
            let path = sources.shown_path(id);
            rewrite::file(Path::new(&path), &new.text)?;
            lines.push(format!("{path}\n"));
        }
    }
    let mentions = sources.iter().flat_map(|(id, file)| {
        let places = renaming.places(&file.text);
        places.map(move |at| {
            (
                id,
                1 + file
                    .text
                    .get(..at)
                    .unwrap_or_default()
                    .matches('\n')
                    .count(),
            )
        })
    });
    let mentions: Vec<(FileId, usize)> = mentions.collect();
    for (id, line) in mentions.iter().take(LISTED) {
        let (path, old) = (sources.shown_path(*id), renaming.old);
        lines.push(format!(
            "left as it is: `{old}` in {path}:{line}, which names no service\n"
        ));
    }
    if LISTED < mentions.len() {
        lines.push(format!("and {} more\n", mentions.len() - LISTED));
    }
    output::people(&lines.concat())?;
    Ok(Verdict::Clean)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use crate::Verdict;
    use crate::tests::{path, weft};

    #[test]
    fn a_route_of_the_same_name_keeps_it() {
        let folder = TempDir::new().unwrap();
        let file = path(&folder, "mesh.yaml");
        let spec = |service: &str| {
            format!(
                r#"weft: v1
mesh: {{name: m, trustDomain: m.example, defaults: {{timeout: {{request: 5s}}}}}}
gateways: {{public: {{listeners: {{web: {{port: 8080, protocol: http}}}}}}}}
services:
  {service}: {{protocol: http, app: "127.0.0.1:8081", endpoints: ["10.0.0.1:15443"], allow: [{{from: [gateway/public, service/other]}}]}}
  other: {{protocol: http, app: "127.0.0.1:8082", endpoints: ["10.0.0.2:15443"], calls: {{{service}: {{timeout: {{request: 2s}}}}}}}}
routes:
  hello: {{listener: public/web, host: a.example, rules: [{{to: {service}}}]}}
tests:
  - {{name: rule, request: GET http://a.example/, expect: {{route: hello/0, backend: {service}}}}}
  - {{name: route, request: GET http://a.example/, expect: {{route: hello}}}}
  - {{name: call, request: "GET http://{service}/", from: service/other, expect: {{backend: {service}}}}}
"#
            )
        };
        fs::write(&file, spec("hello")).unwrap();
        let folder = path(&folder, "");
        assert_eq!(weft(&["test", &folder]), Ok(Verdict::Clean));
        let renamed = weft(&["rename", "service", "hello", "zz", &folder]);
        assert_eq!(renamed, Ok(Verdict::Clean));
        assert_eq!(fs::read_to_string(&file).unwrap(), spec("zz"));
        assert_eq!(weft(&["test", &folder]), Ok(Verdict::Clean));
    }
}
