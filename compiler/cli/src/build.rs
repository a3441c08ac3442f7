//! `weft build`: from a spec to a snapshot.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use weft_back::emit::{Emitted, Proved};
use weft_front::Surroundings;
use weft_front::diagnostic::{Diagnostic, Format, Severity};
use weft_snapshot::limits;
use weft_spec::units::Date;

use super::deny::Deny;
use super::load::{self, Loaded};
use super::progress::Shown;
use super::revision::Revision;
use super::store::{self, Published, Target};
use super::{Context, Verdict, output, project, same};

/// The most nodes that are listed for people; of the others it is said how many there are.
const LISTED: usize = 100;
/// So many digits of a digest are shown to people.
const DIGITS: usize = 12;
/// So many generations are kept when nothing is said.
const GENERATIONS: u16 = 10;
/// The most that may be kept: proxies look at the manifests of all of them.
const MOST_GENERATIONS: i64 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Where the snapshot is written, as an OCI image layout; what `weft.yaml` says, by default.
    #[arg(short, long, value_name = "DIST")]
    output: Option<PathBuf>,
    /// The number of this snapshot; the greatest that was in DIST plus one when something changed, by default. It may not be less.
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Build the spec, and the files of values, as they are in a git revision; nothing of the work tree is read.
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    #[command(flatten)]
    keep: Keep,
    /// The day on which the spec is checked, in UTC; today by default. The snapshot does not depend on it.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// Warnings that reject the spec: a code, or `warnings` for all; may be given several times.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let revision = arguments.from.as_deref().map(Revision::named).transpose()?;
    let loaded = match &revision {
        Some(revision) => load::revision(revision, &arguments.spec, &context.values)?,
        None => load::spec(&arguments.spec, &context.values)?,
    };
    let project = match &revision {
        Some(revision) => project::of_revision(revision, &arguments.spec)?,
        None => project::of_spec(&arguments.spec)?,
    };
    let task = Task {
        spec: &arguments.spec,
        target: Target {
            dist: &project.dist(&arguments.spec, arguments.output.as_ref())?,
            generation: arguments.generation,
            keep: arguments.keep.count(),
        },
        today: arguments.now,
        revision: revision.as_ref(),
        deny: Deny::of(arguments.deny.iter().chain(project.deny()))?,
    };
    let (verdict, _) = task.run(context, &loaded)?;
    Ok(verdict)
}

/// What is built of a spec, and where to.
pub(super) struct Task<'run> {
    pub(super) spec: &'run Path,
    pub(super) target: Target<'run>,
    pub(super) today: Option<Date>,
    /// Where the spec comes from, if not from the work tree.
    pub(super) revision: Option<&'run Revision>,
    pub(super) deny: Deny,
}

/// How many generations are kept.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Keep {
    /// How many generations DIST holds, the new one among them; those before it have tags as `generation-7`.
    #[arg(long, value_name = "N", default_value_t = GENERATIONS, value_parser = clap::value_parser!(u16).range(1..=MOST_GENERATIONS))]
    keep: u16,
}

impl Keep {
    /// The number.
    pub(super) fn count(self) -> usize {
        usize::from(self.keep)
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { keep: GENERATIONS }
    }
}

/// What is said of the content of what was published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows<'run> {
    /// A spec was compiled.
    Spec(Option<&'run Revision>),
    /// It is that of an older generation.
    ContentOf(u64),
}

/// What is said of the spec, and whether a snapshot was written.
pub(super) type Built = (Verdict, bool);

impl Task<'_> {
    /// Compiles, prints what is found, and writes and shows the snapshot unless there are errors.
    pub(super) fn run(&self, context: &Context, loaded: &Loaded) -> anyhow::Result<Built> {
        let (emitted, found) = self.compile(context, loaded, &store::proved(self.target.dist));
        let verdict = output::findings(context, &found, &loaded.sources)?;
        let Some(emitted) = emitted else {
            return Ok((Verdict::Rejected, false));
        };
        let published = match self.publish(context, &emitted)? {
            Some(published) => published,
            None => self.anew(context, loaded)?,
        };
        let shows = Shows::Spec(self.revision);
        show(context, self.target.dist, &published, shows)?;
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
        let specs = [self.spec.to_owned()];
        let judged = super::check::surroundings(context, &specs, self.today, &shown);
        let surroundings = match self.revision {
            // Nothing of the work tree is read, the files of certificates included.
            Some(revision) => Surroundings {
                certificates: None,
                snapshots: Some(same::snapshots_of(context, revision, self.spec)),
                ..judged
            },
            None => judged,
        };
        let (emitted, mut found) = unless_wrong(loaded.found.clone(), || {
            weft_tell::compile_beside(&loaded.sources, &loaded.values, &surroundings, proved)
        });
        self.deny.apply(&mut found);
        let is_rejected = super::check::has_errors(&found);
        (emitted.filter(|_| !is_rejected), found)
    }

    fn publish(&self, context: &Context, emitted: &Emitted) -> anyhow::Result<Option<Published>> {
        let shown = Shown::of(context);
        store::publish(self.target, emitted, &shown.progress())
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

/// Prints what was written, and what proxies may think of it.
pub(super) fn show(
    context: &Context,
    dist: &Path,
    published: &Published,
    shows: Shows<'_>,
) -> anyhow::Result<()> {
    let notes = notes(dist, published);
    let aside = || {
        let lines = notes.iter().map(|note| format!("note: {note}\n"));
        output::aside(&lines.collect::<String>())
    };
    match context.format {
        Format::Human => {
            output::people(&text(dist, published, shows))?;
            aside()
        }
        Format::Json => output::result(&json(published, &notes)?),
        // These are formats of findings; what was written is no finding.
        Format::Sarif | Format::Github => aside(),
    }
}

/// What whoever publishes has to know, and cannot see in DIST.
fn notes(dist: &Path, published: &Published) -> Vec<String> {
    let Published {
        descriptor,
        generation,
        is_given,
        previous,
        highest,
        ..
    } = published;
    let dist = dist.display();
    let mut notes = Vec::new();
    let is_unchanged = previous.as_ref().map(|before| before.generation) == Some(*generation);
    if !is_given && highest.is_none() {
        if previous.is_none() {
            notes.push(format!(
                "`{dist}` held no snapshot, so this is generation {generation}; proxies that have served a newer one refuse it, \
                 and `--generation N` goes on counting"
            ));
        } else if is_unchanged {
            notes.push(format!(
                "`{dist}` comes from elsewhere, and what proxies serve may be newer; those that have served more than generation \
                 {generation} refuse this one, and `--generation N` gives it another number"
            ));
        }
    }
    if limits::PUSHED_MANIFEST_BYTES < descriptor.size {
        notes.push(format!(
            "the manifest has {}, and registries take {} at most: this snapshot can be served from `{dist}`, and not be pushed; \
             about {} nodes fit",
            output::size(descriptor.size),
            output::size(limits::PUSHED_MANIFEST_BYTES),
            fitting(published)
        ));
    }
    notes
}

/// How many nodes as these have a manifest that can be pushed.
fn fitting(published: &Published) -> u64 {
    let count = u64::try_from(published.manifest.nodes.len()).unwrap_or(u64::MAX);
    let each = published.descriptor.size.checked_div(count).unwrap_or(1);
    let fitting = limits::PUSHED_MANIFEST_BYTES.checked_div(each.max(1));
    fitting.unwrap_or_default() / 1_000 * 1_000
}

/// The nodes that are not as before, up to a number that somebody reads, and how many there are.
fn text(dist: &Path, published: &Published, shows: Shows<'_>) -> String {
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
    let state = state(published, shows);
    let (generation, dist) = (published.generation, dist.display());
    lines.push(format!("generation {generation} in {dist}{state}\n"));
    lines.concat()
}

/// How a generation came about.
fn state(published: &Published, shows: Shows<'_>) -> String {
    let of = match shows {
        Shows::ContentOf(older) => format!(", the content of generation {older}"),
        Shows::Spec(Some(revision)) => {
            let commit: String = revision.commit().chars().take(DIGITS).collect();
            format!(", from {} ({commit})", revision.name())
        }
        Shows::Spec(None) => String::new(),
    };
    let before = published.previous.as_ref();
    let is_same = before.is_some_and(|before| before.manifest == published.manifest);
    let before = before.map(|before| before.generation);
    let newer = published.highest.filter(|highest| before < Some(*highest));
    match (before, newer) {
        (Some(before), _) if before == published.generation => format!("{of}, unchanged"),
        // It was set back, and proxies that have seen what was newer would not have taken it.
        (Some(before), Some(newer)) if is_same => {
            format!("{of}: {before} was here again, and {newer} had been published after it")
        }
        (_, _) => of,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    generation: u64,
    manifest: String,
    previous_generation: Option<u64>,
    nodes: Vec<NodeLine<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeLine<'a> {
    node: &'a str,
    digest: String,
    size: u64,
    changed: bool,
}

fn json(published: &Published, said: &[String]) -> anyhow::Result<String> {
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
        manifest: published.descriptor.digest.to_string(),
        previous_generation: published.previous.as_ref().map(|before| before.generation),
        nodes: nodes.collect(),
        notes: said,
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
            descriptor: Descriptor::of(b"manifest"),
            generation,
            is_given: false,
            previous: before.map(stored),
            highest: None,
        };
        text(Path::new("dist"), &published, Shows::Spec(None))
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

    fn published(previous: Option<u64>, (generation, highest): (u64, Option<u64>)) -> Published {
        let contents = manifest([("gateway/g", "1")]);
        let before = previous.map(|generation| Stored {
            dist: PathBuf::from("dist"),
            generation,
            descriptor: Descriptor::of(b"manifest"),
            manifest: contents.clone(),
            is_legacy: false,
        });
        Published {
            manifest: contents,
            descriptor: Descriptor::of(b"manifest"),
            generation,
            is_given: false,
            previous: before,
            highest,
        }
    }

    #[test]
    fn what_nobody_can_know_is_said() {
        let noted = |published: &Published| notes(Path::new("dist"), published).concat();
        let first = published(None, (1, None));
        assert!(noted(&first).contains("`dist` held no snapshot, so this is generation 1"));
        let given = Published {
            is_given: true,
            ..first
        };
        assert_eq!(noted(&given), "");
        let from_elsewhere = published(Some(4), (4, None));
        assert!(noted(&from_elsewhere).contains("`dist` comes from elsewhere"));
        assert_eq!(noted(&published(Some(4), (4, Some(4)))), "");
        let mut large = published(Some(4), (5, Some(4)));
        large.descriptor.size = limits::PUSHED_MANIFEST_BYTES;
        assert_eq!(noted(&large), "");
        large.descriptor.size += 1;
        assert!(noted(&large).contains("registries take 4.0 MiB at most"));
    }

    #[test]
    fn a_layout_that_was_set_back_is_never_called_unchanged() {
        let said = |published: &Published| text(Path::new("dist"), published, Shows::Spec(None));
        let set_back = said(&published(Some(1), (3, Some(2))));
        assert!(
            set_back.ends_with(
                "generation 3 in dist: 1 was here again, and 2 had been published after it\n"
            ),
            "{set_back}"
        );
        let same = said(&published(Some(2), (2, Some(2))));
        assert!(
            same.ends_with("generation 2 in dist, unchanged\n"),
            "{same}"
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
