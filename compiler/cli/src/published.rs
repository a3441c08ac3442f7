//! What is printed of a snapshot that was published: nodes that changed, its generation, and what whoever publishes has to know.

use std::path::Path;

use serde::Serialize;
use weft_front::diagnostic::Format;
use weft_snapshot::layout::Damaged;
use weft_snapshot::limits;

use super::revision::Revision;
use super::store::Published;
use super::{Context, output};

/// The most nodes that are listed for people; of the others it is said how many there are.
const LISTED: usize = 100;
/// So many digits of a digest are shown to people.
const DIGITS: usize = 12;

/// What is said of the content of what was published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows<'run> {
    /// A spec was compiled.
    Spec(Option<&'run Revision>),
    /// It is that of an older generation.
    ContentOf(u64),
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
        damaged,
        ..
    } = published;
    let mut notes: Vec<String> = damaged.iter().map(|one| unreadable(dist, one)).collect();
    let dist = dist.display();
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

/// That of a generation nothing is there but its name.
fn unreadable(dist: &Path, damaged: &Damaged) -> String {
    format!(
        "in `{}`, {damaged}; what is whole is kept, and that one cannot be published again",
        dist.display()
    )
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
    use std::path::PathBuf;

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
            damaged: Vec::new(),
        };
        let published = Published {
            manifest: now,
            descriptor: Descriptor::of(b"manifest"),
            generation,
            is_given: false,
            previous: before.map(stored),
            highest: None,
            damaged: Vec::new(),
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
            damaged: Vec::new(),
        });
        Published {
            manifest: contents,
            descriptor: Descriptor::of(b"manifest"),
            generation,
            is_given: false,
            previous: before,
            highest,
            damaged: Vec::new(),
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
