//! Which snapshots a layout keeps beside the current one, and which blobs go when one is kept no longer.
//!
//! What was current before stays in the index under the tag of its generation, so that it can be published again, pushed and
//! compared with. Entries that others have put there under tags of theirs are left as they are. Blobs go one build after the
//! last index that names them, so a proxy that is just reading that one still finds everything; what no snapshot of
//! ours named is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use weft_snapshot::layout::{
    Descriptor, Digest, Entry, Found, Held, Index, LATEST, generation_of_tag, named_blobs,
    tag_of_generation,
};
use weft_snapshot::limits;

use super::disk::Folder;
use super::{stored, whole};

/// Holds the digests of manifests whose blobs the next build removes, a line each.
pub(super) const SUPERSEDED: &str = ".previous";
/// Holds the greatest generation that was ever published here. It is no part of the layout, so that it stays when
/// the layout is set back by other means, `git checkout` for one.
const HIGHEST: &str = ".highest";
const HIGHEST_BYTES: u64 = 32;
/// Keeps what is of this folder alone out of repositories that hold the layout.
const IGNORE: &str = ".gitignore";

/// The index of a layout that is to be written.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) index: Index,
    /// The manifests that it names no longer.
    dropped: Vec<Digest>,
}

impl Next {
    /// Whether there is something that it names no longer.
    pub(super) fn drops_some(&self) -> bool {
        !self.dropped.is_empty()
    }
}

/// The index that follows: `current` as the newest generation, and with it at most `keep` of those that are ours, also of those that
/// cannot be read now: a disk may come back, and a blob be copied again.
pub(super) fn next(
    (before, held): (Option<&Index>, &Held),
    (current, generation): (Descriptor, u64),
    keep: usize,
) -> Next {
    let empty = Index::default();
    let before = before.unwrap_or(&empty);
    let found = held.found.as_slice();
    let mut theirs = Vec::new();
    let mut ours: BTreeMap<u64, Descriptor> = BTreeMap::new();
    for (at, entry) in before.entries.iter().enumerate() {
        let within: Vec<&Found> = found.iter().filter(|found| found.entry == at).collect();
        if !is_ours(entry, &within) {
            theirs.push(entry.clone());
            continue;
        }
        // The generation of an earlier layout stands in its index alone, which ends here.
        let within = within.into_iter().filter(|found| !found.is_legacy);
        ours.extend(within.map(|found| (found.generation, found.descriptor)));
    }
    for damaged in &held.damaged {
        let entry = before.entries.get(damaged.entry);
        let is_ours = entry.is_some_and(|entry| entry.descriptor == damaged.descriptor);
        if let Some(number) = damaged.generation().filter(|_| is_ours) {
            ours.entry(number).or_insert(damaged.descriptor);
        }
    }
    ours.remove(&generation);
    let spare = ours.len().saturating_sub(keep.saturating_sub(1));
    let kept = ours.iter().skip(spare);
    let kept = kept.map(|(number, blob)| Entry::of_snapshot(*blob, &tag_of_generation(*number)));
    let current = Entry::of_snapshot(current, LATEST);
    let entries: Vec<Entry> = theirs.into_iter().chain(kept).chain([current]).collect();
    let named: BTreeSet<Digest> = entries.iter().map(|one| one.descriptor.digest).collect();
    let dropped = found.iter().map(|found| found.descriptor.digest);
    let dropped: BTreeSet<Digest> = dropped.filter(|digest| !named.contains(digest)).collect();
    // What an index of theirs names is theirs.
    let theirs_too = found.iter().filter(|found| {
        let entry = before.entries.get(found.entry);
        entry.is_some_and(|entry| entries.contains(entry))
    });
    let theirs_too: BTreeSet<Digest> = theirs_too.map(|one| one.descriptor.digest).collect();
    Next {
        index: before.with(entries),
        dropped: dropped.difference(&theirs_too).copied().collect(),
    }
}

/// Whether an entry is one that `weft` made, or that a tool has left without a tag.
fn is_ours(entry: &Entry, within: &[&Found]) -> bool {
    match &entry.tag {
        Some(tag) => tag == LATEST || generation_of_tag(tag).is_some(),
        None => !within.is_empty(),
    }
}

/// The greatest generation that was published in a folder; none where that was not written down.
pub(super) fn highest(folder: &Folder) -> anyhow::Result<Option<u64>> {
    let Ok(file) = folder.file(HIGHEST.as_ref()) else {
        return Ok(None);
    };
    let shown = || format!("reading `{}`", folder.path().join(HIGHEST).display());
    let mut text = String::new();
    file.take(HIGHEST_BYTES)
        .read_to_string(&mut text)
        .with_context(shown)?;
    match text.trim_end().parse() {
        Ok(number) if number < limits::GENERATION_TOP => Ok(Some(number)),
        Ok(_) | Err(_) => bail!(
            "`{}` holds no generation",
            folder.path().join(HIGHEST).display()
        ),
    }
}

/// Writes down that a generation was published.
pub(super) fn record(folder: &Folder, generation: u64) -> anyhow::Result<()> {
    // One that is there says what somebody wants of it.
    if folder.kind(IGNORE.as_ref()).is_err() {
        whole::replace(folder, IGNORE, b".*\n")?;
    }
    whole::replace(folder, HIGHEST, format!("{generation}\n").as_bytes())
}

/// Removes the blobs that the last index but one was the last to name, and notes what this one names no longer.
pub(super) fn remove_superseded(
    (dist, folder): (&Path, &Folder),
    blobs: &Folder,
    next: &Next,
) -> anyhow::Result<()> {
    let before = superseded(folder);
    let unknown = remove(dist, blobs, (&before, next)).is_none();
    let waiting = before.iter().filter(|_| unknown);
    let waiting: BTreeSet<&Digest> = waiting.chain(&next.dropped).collect();
    let lines = waiting
        .into_iter()
        .flat_map(|digest| [digest.to_string(), "\n".to_owned()]);
    let lines: String = lines.collect();
    if lines.is_empty() && before.is_empty() {
        return Ok(());
    }
    whole::replace(folder, SUPERSEDED, lines.as_bytes())
}

/// Removes what snapshots named that are there no longer. Nothing is removed, and nothing comes back, when it is not known what
/// the layout still needs.
fn remove(dist: &Path, blobs: &Folder, (before, next): (&[Digest], &Next)) -> Option<()> {
    let mut useless: BTreeSet<Digest> = BTreeSet::new();
    for digest in before {
        useless.extend(named(dist, *digest).unwrap_or_default());
    }
    let mut open: Vec<Digest> = next.dropped.clone();
    open.extend(next.index.entries.iter().map(|one| one.descriptor.digest));
    let mut looked_at = 0_usize;
    while let Some(digest) = open.pop().filter(|_| !useless.is_empty()) {
        looked_at = looked_at.saturating_add(1);
        let entry = |entry: &&Entry| entry.descriptor.digest == digest;
        let is_index = next.index.entries.iter().find(entry);
        let names = named(dist, digest)?;
        if is_index.is_some_and(Entry::is_index) {
            // Those of indexes in indexes are manifests too.
            open.extend(names.iter().filter(|name| **name != digest));
        }
        for name in names {
            useless.remove(&name);
        }
        if MANY < looked_at {
            return None;
        }
    }
    for digest in useless {
        // What cannot be removed takes up space and does no harm.
        drop(blobs.remove(digest.hex().as_ref()));
    }
    Some(())
}

/// So many manifests are looked at to know what is still needed.
const MANY: usize = 1_024;

/// The blobs that a manifest names, and itself.
fn named(dist: &Path, manifest: Digest) -> Option<Vec<Digest>> {
    let bytes = stored::blob(dist, manifest, limits::MANIFEST_BYTES).ok()?;
    let mut names = named_blobs(&bytes).ok()?;
    names.push(manifest);
    Some(names)
}

/// The manifests that were waiting for this.
fn superseded(folder: &Folder) -> Vec<Digest> {
    let mut text = String::new();
    let Ok(file) = folder.file(SUPERSEDED.as_ref()) else {
        return Vec::new();
    };
    if file
        .take(limits::INDEX_BYTES)
        .read_to_string(&mut text)
        .is_err()
    {
        return Vec::new();
    }
    text.lines()
        .filter_map(|line| Digest::parse(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;
    use weft_snapshot::layout::{Bundle, Index, Known};

    use super::*;
    use crate::Verdict;
    use crate::stored::{self, Stored};
    use crate::tests::{build, path, replace, started, weft};

    /// Builds the spec with another timeout.
    fn edit(folder: &TempDir, seconds: u32) {
        let file = path(folder, "spec/services/hello.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once("timeout: {request: ").unwrap();
        let (_, after) = rest.split_once('}').unwrap();
        let text = format!("{before}timeout: {{request: {seconds}s}}{after}");
        fs::write(file, text).unwrap();
    }

    fn built(folder: &TempDir, more: &[&str]) -> Result<Verdict, String> {
        let (spec, dist) = (path(folder, "spec"), path(folder, "dist"));
        weft(&[&["build", &spec, "-o", &dist], more].concat())
    }

    fn current(folder: &TempDir) -> Stored {
        let dist = path(folder, "dist");
        stored::read(Path::new(&dist)).unwrap().unwrap()
    }

    /// The tags of a layout with their generations, read from the manifests that they name.
    fn tags(folder: &TempDir) -> BTreeMap<String, u64> {
        let dist = path(folder, "dist");
        let dist = Path::new(&dist);
        let index = stored::index(dist).unwrap().unwrap();
        let all = stored::all(dist, &index, &mut Known::default()).unwrap();
        let tags = all.found.into_iter().flat_map(|found| {
            let tags = found.tags.into_iter();
            tags.map(move |tag| (tag, found.generation))
        });
        tags.collect()
    }

    fn blobs(folder: &TempDir) -> usize {
        let blobs = fs::read_dir(path(folder, "dist/blobs/sha256"));
        blobs.unwrap().count()
    }

    #[test]
    fn the_last_ten_generations_are_kept_as_tags_and_the_blobs_of_no_more() {
        let folder = started();
        for second in 1..=14 {
            // Always two digits, so that no place in a line moves and the origins are the same.
            edit(&folder, 20 + second);
            assert_eq!(build(&folder), Ok(Verdict::Clean));
        }
        let wanted = (5..=13).map(|number| (tag_of_generation(number), number));
        let wanted = wanted.chain([(LATEST.to_owned(), 14)]);
        assert_eq!(tags(&folder), wanted.collect());
        // Two slices and a manifest of each and of the one that was dropped last; origins and config are the same in all.
        assert_eq!(blobs(&folder), 11 * 3 + 2);
        built(&folder, &["--keep", "1"]).unwrap();
        assert_eq!(tags(&folder), BTreeMap::from([(LATEST.to_owned(), 14)]));
        edit(&folder, 20 + 15);
        built(&folder, &["--keep", "1"]).unwrap();
        // What was dropped a build ago is gone, what was dropped now stays until the next one.
        assert_eq!(blobs(&folder), 2 * 3 + 2);
        assert!(built(&folder, &["--keep", "0"]).is_err());
    }

    #[test]
    fn going_back_is_a_newer_generation_with_the_same_content() {
        let folder = started();
        edit(&folder, 1);
        build(&folder).unwrap();
        let first = current(&folder).manifest;
        edit(&folder, 2);
        build(&folder).unwrap();
        let dist = path(&folder, "dist");
        assert_eq!(weft(&["rollback", &dist, "--to", "1"]), Ok(Verdict::Clean));
        assert_eq!(current(&folder).generation, 3);
        assert_eq!(current(&folder).manifest, first);
        // Nothing is to be done twice.
        assert_eq!(weft(&["rollback", &dist, "--to", "1"]), Ok(Verdict::Clean));
        assert_eq!(current(&folder).generation, 3);
        let unknown = weft(&["rollback", &dist, "--to", "9"]).unwrap_err();
        assert!(
            unknown.contains("no snapshot has the generation 9; there are 1, 2, 3"),
            "{unknown}"
        );
        assert!(weft(&["rollback", &path(&folder, "none"), "--to", "1"]).is_err());
        let older = weft(&["rollback", &dist, "--to", "2", "--generation", "2"]);
        assert!(older.unwrap_err().contains("generation 2 is below 3"));
        assert_eq!(current(&folder).generation, 3);
    }

    #[test]
    fn what_is_not_whole_is_not_published_again() {
        let folder = started();
        edit(&folder, 1);
        build(&folder).unwrap();
        let slice = current(&folder).manifest.nodes["service/hello"].digest;
        edit(&folder, 2);
        build(&folder).unwrap();
        let before = fs::read(path(&folder, "dist/index.json")).unwrap();
        fs::write(path(&folder, &format!("dist/{}", slice.blob_path())), "x").unwrap();
        let dist = path(&folder, "dist");
        let said = weft(&["rollback", &dist, "--to", "1"]).unwrap_err();
        assert!(said.contains("generation 1 is not whole"), "{said}");
        assert_eq!(fs::read(path(&folder, "dist/index.json")).unwrap(), before);
    }

    #[test]
    fn a_layout_that_was_set_back_is_published_above_what_was_newer() {
        let folder = started();
        edit(&folder, 1);
        build(&folder).unwrap();
        let (index, good) = (
            fs::read(path(&folder, "dist/index.json")).unwrap(),
            current(&folder).manifest,
        );
        edit(&folder, 2);
        build(&folder).unwrap();
        // As `git checkout` of the commit before does, with the layout in the repository.
        edit(&folder, 1);
        fs::write(path(&folder, "dist/index.json"), index).unwrap();
        assert_eq!(current(&folder).generation, 1);
        build(&folder).unwrap();
        assert_eq!(current(&folder).generation, 3);
        assert_eq!(current(&folder).manifest, good);
        let ignored = fs::read_to_string(path(&folder, "dist/.gitignore")).unwrap();
        assert_eq!(ignored, ".*\n", "what is remembered is in no commit");
        build(&folder).unwrap();
        assert_eq!(current(&folder).generation, 3);
        let said = built(&folder, &["--generation", "2"]).unwrap_err();
        assert!(said.contains("generation 2 is below 3"), "{said}");
        fs::write(path(&folder, "dist/.highest"), "many").unwrap();
        let said = build(&folder).unwrap_err();
        assert!(said.contains("give it by `--generation`"), "{said}");
        built(&folder, &["--generation", "7"]).unwrap();
        assert_eq!(current(&folder).generation, 7);
    }

    #[test]
    fn what_others_have_put_into_a_layout_stays() {
        let folder = started();
        edit(&folder, 1);
        build(&folder).unwrap();
        let index = path(&folder, "dist/index.json");
        let text = fs::read_to_string(&index).unwrap();
        let theirs = text.replace("\"latest\"", "\"prod\",\"theirs\":\"x\"");
        fs::write(&index, &theirs).unwrap();
        for second in 2..=5 {
            edit(&folder, second);
            built(&folder, &["--keep", "1"]).unwrap();
        }
        assert_eq!(
            tags(&folder),
            BTreeMap::from([(LATEST.to_owned(), 5), ("prod".to_owned(), 1)])
        );
        let entry = theirs.split_once('[').unwrap().1.split_once(']').unwrap().0;
        assert!(fs::read_to_string(&index).unwrap().contains(entry));
        let prod = format!("{}:prod", path(&folder, "dist"));
        for node in ["gateway/public", "service/hello"] {
            assert_eq!(
                weft(&["inspect", &prod, "--node", node]),
                Ok(Verdict::Clean)
            );
        }
        assert_eq!(
            weft(&["diff", &prod, &path(&folder, "dist")]),
            Ok(Verdict::Clean)
        );
    }

    #[test]
    fn a_layout_of_an_earlier_weft_is_read_and_followed() {
        let folder = started();
        edit(&folder, 1);
        build(&folder).unwrap();
        let stored = current(&folder);
        let manifest = Bundle::beside("example", Vec::new(), stored.manifest.nodes, Vec::new());
        let mut manifest = manifest.contents().clone();
        manifest.origins = stored.manifest.origins;
        let text = String::from_utf8(manifest.to_json(1)).unwrap();
        let text = text
            .replace("\"dev.weft.generation\":\"1\",", "")
            .replace("org.opencontainers.image.title", "dev.weft.node");
        let descriptor = Descriptor::of(text.as_bytes());
        let blob = descriptor.digest.blob_path();
        fs::write(path(&folder, &format!("dist/{blob}")), text).unwrap();
        let index = Index::new(vec![Entry::of_snapshot(descriptor, LATEST)]).to_json();
        let index = String::from_utf8(index).unwrap();
        let index = index.strip_suffix('}').unwrap();
        let index = format!("{index},\"annotations\":{{\"dev.weft.generation\":\"41\"}}}}");
        fs::write(path(&folder, "dist/index.json"), index).unwrap();
        let found = current(&folder);
        assert_eq!((found.generation, found.is_legacy), (41, true));
        // The same content, now with its number in the manifest.
        build(&folder).unwrap();
        let found = current(&folder);
        assert_eq!((found.generation, found.is_legacy), (42, false));
        assert_eq!(tags(&folder), BTreeMap::from([(LATEST.to_owned(), 42)]));
    }

    #[test]
    fn a_folder_without_its_layout_file_is_not_built_into_unless_the_number_is_given() {
        let folder = started();
        build(&folder).unwrap();
        fs::remove_file(path(&folder, "dist/oci-layout")).unwrap();
        let said = weft(&["inspect", &path(&folder, "dist")]).unwrap_err();
        assert!(said.contains("no `oci-layout`"), "{said}");
        let said = build(&folder).unwrap_err();
        assert!(said.contains("--generation"), "{said}");
        built(&folder, &["--generation", "2"]).unwrap();
        assert_eq!(current(&folder).generation, 2);
    }

    #[test]
    fn a_spec_is_built_as_it_is_in_a_revision() {
        let folder = started();
        edit(&folder, 1);
        let git = |words: &[&str]| {
            let mut command = std::process::Command::new("git");
            let command = command.arg("-C").arg(folder.path()).args(words);
            assert!(command.output().unwrap().status.success(), "{words:?}");
        };
        git(&["init", "--quiet"]);
        git(&["config", "user.name", "somebody"]);
        git(&["config", "user.email", "somebody@shop.example"]);
        git(&["add", "spec"]);
        git(&["commit", "--quiet", "--message", "good"]);
        build(&folder).unwrap();
        let good = current(&folder).manifest;
        replace(&folder, "spec/services/hello.yaml", "to: hello", "to: helo");
        // Tests run in one folder, so the repository is asked where it is.
        let revision = crate::revision::Revision::find(folder.path(), "HEAD");
        let revision = revision.unwrap().unwrap();
        let loaded = crate::load::revision(&revision, Path::new("spec"), &[]).unwrap();
        let (bundle, found) = weft_tell::compile(
            &loaded.sources,
            &loaded.values,
            &weft_front::Surroundings::default(),
        );
        assert_eq!(bundle.unwrap().contents(), &good, "{found:#?}");
        assert!(built(&folder, &["--from", "no-such-revision"]).is_err());
    }
}
