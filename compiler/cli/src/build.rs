//! `weft build`: from a spec to a snapshot.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use weft_back::emit::{Emitted, Proved};
use weft_front::diagnostic::{Diagnostic, Format, Severity};
use weft_spec::units::Date;

use super::load::{self, Loaded};
use super::progress::Shown;
use super::store::{self, Published};
use super::{Context, Verdict, output};

/// The most nodes that are listed for people; of the others it is said how many there are.
const LISTED: usize = 100;
/// So many digits of a digest are shown to people.
const DIGITS: usize = 12;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Where the snapshot is written, as an OCI image layout.
    #[arg(short, long, value_name = "DIST")]
    output: PathBuf,
    /// The number of this snapshot; that in DIST plus one when something changed, by default.
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// The day on which the spec is checked, in UTC; today by default. The snapshot does not depend on it.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let loaded = load::spec(&arguments.spec, &context.values)?;
    let task = Task {
        spec: &arguments.spec,
        dist: &arguments.output,
        generation: arguments.generation,
        today: arguments.now,
    };
    let (verdict, _) = task.run(context, &loaded)?;
    Ok(verdict)
}

/// What is built of a spec, and where to.
pub(super) struct Task<'run> {
    pub(super) spec: &'run Path,
    pub(super) dist: &'run Path,
    pub(super) generation: Option<u64>,
    pub(super) today: Option<Date>,
}

/// What is said of the spec, and whether a snapshot was written.
pub(super) type Built = (Verdict, bool);

impl Task<'_> {
    /// Compiles, prints what is found, and writes and shows the snapshot unless there are errors.
    pub(super) fn run(&self, context: &Context, loaded: &Loaded) -> anyhow::Result<Built> {
        let (emitted, found) = self.compile(context, loaded, &store::proved(self.dist));
        let verdict = output::findings(context, &found, &loaded.sources)?;
        let Some(emitted) = emitted else {
            return Ok((Verdict::Rejected, false));
        };
        let published = match self.publish(context, &emitted)? {
            Some(published) => published,
            None => self.anew(context, loaded)?,
        };
        show(context, self.dist, &published)?;
        Ok((verdict, true))
    }

    /// Writes all slices where one that was proved before is gone or damaged.
    fn anew(&self, context: &Context, loaded: &Loaded) -> anyhow::Result<Published> {
        let (emitted, _) = self.compile(context, loaded, &Proved::default());
        // Not reached: the same spec was compiled a moment ago, and now nothing is expected to be there.
        let emitted = emitted.context("the spec does not compile any more")?;
        let published = self.publish(context, &emitted)?;
        published.context("the slices of the snapshot cannot be written")
    }

    fn compile(
        &self,
        context: &Context,
        loaded: &Loaded,
        proved: &Proved,
    ) -> (Option<Emitted>, Vec<Diagnostic>) {
        let shown = Shown::of(context);
        let surroundings = super::check::surroundings(context, self.spec, self.today, &shown);
        unless_wrong(loaded.found.clone(), || {
            weft_tell::compile_beside(&loaded.sources, &loaded.values, &surroundings, proved)
        })
    }

    fn publish(&self, context: &Context, emitted: &Emitted) -> anyhow::Result<Option<Published>> {
        let shown = Shown::of(context);
        store::publish((self.dist, self.generation), emitted, &shown.progress())
    }
}

/// Compiles unless the values are wrong already.
pub(super) fn unless_wrong<T>(
    mut found: Vec<Diagnostic>,
    compile: impl FnOnce() -> (Option<T>, Vec<Diagnostic>),
) -> (Option<T>, Vec<Diagnostic>) {
    if found.iter().any(|found| found.severity == Severity::Error) {
        return (None, found);
    }
    let (compiled, more) = compile();
    found.extend(more);
    (compiled, found)
}

/// Prints what was written.
pub(super) fn show(context: &Context, dist: &Path, published: &Published) -> anyhow::Result<()> {
    match context.format {
        Format::Human => output::people(&text(dist, published)),
        Format::Json => output::result(&json(published)?),
        // These are formats of findings; what was written is no finding.
        Format::Sarif | Format::Github => Ok(()),
    }
}

/// The nodes that are not as before, up to a number that somebody reads, and how many there are.
fn text(dist: &Path, published: &Published) -> String {
    let changed = published.changed();
    let listed = changed.get(..LISTED).unwrap_or(&changed);
    let width = listed.iter().map(|(node, _)| node.len()).max();
    let width = width.unwrap_or_default();
    let mut lines: Vec<String> = listed
        .iter()
        .map(|(node, slice)| match slice {
            Some(slice) => {
                let digest: String = slice.digest.hex().chars().take(DIGITS).collect();
                let size = output::size(slice.size);
                format!("{node:width$}  {digest}  {size:>10}  changed\n")
            }
            None => format!("{node:width$}  {:DIGITS$}  {:>10}  removed\n", "", ""),
        })
        .collect();
    let more = changed.len().saturating_sub(listed.len());
    if 0 < more {
        lines.push(format!("and {more} more\n"));
    }
    let removed = changed.iter().filter(|(_, slice)| slice.is_none()).count();
    let gone = match removed {
        0 => String::new(),
        count => format!(", {count} removed"),
    };
    let (nodes, count) = (published.manifest.nodes.len(), changed.len() - removed);
    let plural = if nodes == 1 { "" } else { "s" };
    lines.push(format!("{count} of {nodes} node{plural} changed{gone}\n"));
    let previous = published.previous.as_ref();
    let before = previous.map(|stored| stored.generation);
    let is_new = before != Some(published.generation);
    let state = if is_new { "" } else { ", unchanged" };
    let (generation, dist) = (published.generation, dist.display());
    lines.push(format!("generation {generation} in {dist}{state}\n"));
    lines.concat()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    generation: u64,
    nodes: Vec<NodeLine<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeLine<'a> {
    node: &'a str,
    digest: String,
    size: u64,
    changed: bool,
}

fn json(published: &Published) -> anyhow::Result<String> {
    let nodes = published
        .manifest
        .nodes
        .iter()
        .map(|(node, slice)| NodeLine {
            node,
            digest: slice.digest.to_string(),
            size: slice.size,
            changed: published.is_changed(node),
        });
    let summary = Summary {
        generation: published.generation,
        nodes: nodes.collect(),
    };
    Ok(format!("{}\n", serde_json::to_string(&summary)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weft_snapshot::layout::{Descriptor, Manifest};

    use super::*;
    use crate::stored::Stored;

    /// A manifest of nodes, each with what is in its slice.
    fn manifest<'node>(nodes: impl IntoIterator<Item = (&'node str, &'node str)>) -> Manifest {
        let nodes = nodes.into_iter();
        Manifest {
            mesh: "shop".to_owned(),
            nodes: nodes
                .map(|(node, text)| (node.to_owned(), Descriptor::of(text.as_bytes())))
                .collect::<BTreeMap<_, _>>(),
            origins: Descriptor::of(b""),
        }
    }

    fn said(before: Option<Manifest>, now: Manifest, generation: u64) -> String {
        let stored = |manifest| Stored {
            dist: PathBuf::from("dist"),
            generation: 1,
            descriptor: Descriptor::of(b"manifest"),
            manifest,
            is_legacy: false,
        };
        let published = Published {
            manifest: now,
            generation,
            previous: before.map(stored),
        };
        text(Path::new("dist"), &published)
    }

    #[test]
    fn only_what_changed_is_listed() {
        let before = || {
            manifest([
                ("gateway/g", "1"),
                ("service/a", "1"),
                ("service/gone", "1"),
            ])
        };
        let now = manifest([("gateway/g", "1"), ("service/a", "2"), ("service/new", "3")]);
        assert_eq!(
            said(Some(before()), now, 2),
            "service/a     d4735e3a265e         1 B  changed\n\
             service/gone                            removed\n\
             service/new   4e07408562be         1 B  changed\n\
             2 of 3 nodes changed, 1 removed\n\
             generation 2 in dist\n"
        );
        assert_eq!(
            said(Some(before()), before(), 1),
            "0 of 3 nodes changed\ngeneration 1 in dist, unchanged\n"
        );
        assert_eq!(
            said(None, manifest([("gateway/g", "1")]), 1),
            "gateway/g  6b86b273ff34         1 B  changed\n\
             1 of 1 node changed\n\
             generation 1 in dist\n"
        );
    }

    #[test]
    fn more_than_anybody_reads_is_counted() {
        let names: Vec<String> = (0..1_000)
            .map(|number| format!("service/s{number}"))
            .collect();
        let all = manifest(names.iter().map(|name| (name.as_str(), "1")));
        let said = said(None, all, 1);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), LISTED + 3);
        assert_eq!(
            lines[LISTED..],
            [
                "and 900 more",
                "1000 of 1000 nodes changed",
                "generation 1 in dist"
            ]
        );
    }
}
