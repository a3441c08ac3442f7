//! Which snapshot of a layout is meant: one rule, for the proxy and for `weft`.
//!
//! Without more words it is the newest generation that the layout has, because what tools say beside that does not tell: an index that
//! was copied has other tags or none, entries that were current stay in it, and their order is that of their arrival. Indexes
//! that an index names are followed; manifests of something else are passed over, and so nothing of them is read but what they are.

use std::collections::BTreeMap;

use super::index::{Entry, Index, generation_of_tag};
use super::manifest::{Manifest, Summary};
use super::{Descriptor, Digest, LayoutError, content};
use crate::limits;

/// So deep may indexes be in indexes.
const DEPTH: usize = 4;
/// So many manifests of a layout are looked at.
const MANIFESTS: usize = 512;
/// So many tags are named where none is the one that was asked for.
const NAMED: usize = 20;

/// Which snapshot is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which<'asked> {
    /// The newest generation; of several manifests with one generation, the one that the index names last.
    Newest,
    /// The one with this tag; the newest of several.
    Tag(&'asked str),
    /// The one of this generation.
    Generation(u64),
}

/// A snapshot that a layout has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Its generation.
    pub generation: u64,
    /// Its manifest.
    pub descriptor: Descriptor,
    /// Its tags, those of indexes that it is in among them.
    pub tags: Vec<String>,
    /// Which entry of `index.json` leads to it.
    pub entry: usize,
    /// Whether its manifest does not say its generation, as none did before, but the index.
    pub is_legacy: bool,
}

/// The snapshot that was meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chosen {
    /// Its generation.
    pub generation: u64,
    /// Where its manifest is.
    pub descriptor: Descriptor,
    /// What it holds.
    pub manifest: Manifest,
    /// The bytes of its manifest.
    pub bytes: Vec<u8>,
    /// As in [`Found`].
    pub is_legacy: bool,
}

/// What manifests are, by their digests, so that none is read again for that. Only those of the last index are remembered.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Digest, Summary>);

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError<E> {
    /// An index is wrong, or does not have what was asked for.
    #[error(transparent)]
    Index(LayoutError),
    /// A manifest is wrong.
    #[error(transparent)]
    Manifest(LayoutError),
    /// A blob was not read.
    #[error("{0}")]
    Blob(E),
}

/// A manifest that an index leads to.
struct Leaf {
    entry: Entry,
    tags: Vec<String>,
    at: usize,
    depth: usize,
}

/// Finds the snapshot that is meant, and reads its manifest.
///
/// `read` gives the verified bytes of a blob, unless it has more of them than the bound.
///
/// # Errors
///
/// [`ChooseError`] when the layout has no such snapshot, or when a manifest that could be it cannot be read: it might be the newest.
pub fn choose<E>(
    index: &Index,
    which: Which<'_>,
    known: &mut Known,
    mut read: impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Chosen, ChooseError<E>> {
    // As a rule what is looked at last is what is chosen, and it need not be read twice.
    let mut last: Option<(Descriptor, Vec<u8>)> = None;
    let mut read = |blob: &Descriptor, limit: u64| match last.take() {
        Some((read, bytes)) if read == *blob => Ok(bytes),
        Some(_) | None => {
            let bytes = read(blob, limit)?;
            last = Some((*blob, bytes.clone()));
            Ok(bytes)
        }
    };
    let leaves = leaves(index, &mut read)?;
    let (wanted, which) = narrowed(&leaves, which)?;
    let found = summarised(index, (&leaves, wanted), known, &mut read)?;
    let wanted = found.iter().filter(|found| match which {
        Which::Generation(number) => found.generation == number,
        Which::Newest | Which::Tag(_) => true,
    });
    // Of several with the greatest generation this gives the last one.
    let best = wanted.max_by_key(|found| found.generation);
    let best = best.ok_or_else(|| ChooseError::Index(none_of(&leaves, which, &found)))?;
    let bytes = read(&best.descriptor, limits::MANIFEST_BYTES).map_err(ChooseError::Blob)?;
    let (manifest, _) = Manifest::parse(&bytes).map_err(ChooseError::Manifest)?;
    Ok(Chosen {
        generation: best.generation,
        descriptor: best.descriptor,
        manifest,
        bytes,
        is_legacy: best.is_legacy,
    })
}

/// All snapshots that a layout has, in the order of its index.
///
/// # Errors
///
/// As [`choose`]; a layout without any is none.
pub fn found<E>(
    index: &Index,
    known: &mut Known,
    mut read: impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Vec<Found>, ChooseError<E>> {
    let leaves = leaves(index, &mut read)?;
    let all = (0..leaves.len()).collect();
    summarised(index, (&leaves, all), known, &mut read)
}

/// The manifests that an index leads to, in its order.
fn leaves<E>(
    index: &Index,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Vec<Leaf>, ChooseError<E>> {
    let entries = index.entries.iter().enumerate();
    let mut open: Vec<Leaf> = entries
        .map(|(at, entry)| leaf(entry, &[], (at, 0)))
        .rev()
        .collect();
    let mut leaves = Vec::new();
    while let Some(next) = open.pop() {
        if MANIFESTS <= leaves.len().saturating_add(open.len()) {
            let what = format!("more than {MANIFESTS} manifests");
            return Err(ChooseError::Index(content("index.json", what)));
        }
        if !next.entry.is_index() {
            leaves.push(next);
            continue;
        }
        if DEPTH <= next.depth {
            let what = format!("indexes in indexes, more than {DEPTH} deep");
            return Err(ChooseError::Index(content("index.json", what)));
        }
        let bytes = read(&next.entry.descriptor, limits::INDEX_BYTES).map_err(ChooseError::Blob)?;
        let inner = Index::parse(&bytes).map_err(ChooseError::Index)?;
        let place = (next.at, next.depth.saturating_add(1));
        let inner = inner.entries.iter().rev();
        open.extend(inner.map(|entry| leaf(entry, &next.tags, place)));
    }
    Ok(leaves)
}

fn leaf(entry: &Entry, above: &[String], (at, depth): (usize, usize)) -> Leaf {
    Leaf {
        entry: entry.clone(),
        tags: above.iter().cloned().chain(entry.tag.clone()).collect(),
        at,
        depth,
    }
}

/// Which leaves a question is about, and what is left of it. The tag of a generation stands for it also while it is current and has another.
fn narrowed<'asked, E>(
    leaves: &[Leaf],
    which: Which<'asked>,
) -> Result<(Vec<usize>, Which<'asked>), ChooseError<E>> {
    let Which::Tag(tag) = which else {
        return Ok(((0..leaves.len()).collect(), which));
    };
    let has_tag = |leaf: &Leaf| leaf.tags.iter().any(|own| own == tag);
    let tagged: Vec<usize> = (0..)
        .zip(leaves)
        .filter_map(|(at, leaf)| has_tag(leaf).then_some(at))
        .collect();
    match generation_of_tag(tag) {
        _ if !tagged.is_empty() => Ok((tagged, which)),
        Some(number) => Ok(((0..leaves.len()).collect(), Which::Generation(number))),
        None => Err(ChooseError::Index(none_of(leaves, which, &[]))),
    }
}

/// What leaves are, those of something else left out.
fn summarised<E>(
    index: &Index,
    (leaves, wanted): (&[Leaf], Vec<usize>),
    known: &mut Known,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Vec<Found>, ChooseError<E>> {
    let mut total = 0_u64;
    let mut found = Vec::new();
    let mut still_known = BTreeMap::new();
    let wanted = wanted.into_iter().filter_map(|at| leaves.get(at));
    for leaf in wanted.filter(|leaf| leaf.entry.may_be_snapshot()) {
        let descriptor = leaf.entry.descriptor;
        let remembered = known.0.get(&descriptor.digest);
        let remembered = remembered.or_else(|| still_known.get(&descriptor.digest));
        let summary = if let Some(summary) = remembered {
            summary.clone()
        } else {
            total = total.saturating_add(descriptor.size);
            if limits::MANIFESTS_BYTES < total {
                return Err(ChooseError::Index(LayoutError::TooLarge {
                    file: "the manifests of index.json together",
                    size: total,
                    limit: limits::MANIFESTS_BYTES,
                }));
            }
            let bytes = read(&descriptor, limits::MANIFEST_BYTES).map_err(ChooseError::Blob)?;
            Summary::parse(&bytes).map_err(ChooseError::Manifest)?
        };
        still_known.insert(descriptor.digest, summary.clone());
        let Summary::Snapshot(own) = summary else {
            continue;
        };
        // An index that tools have added to keeps the annotation of what it had before.
        let of_index = index
            .legacy_generation
            .filter(|_| index.entries.len() == 1 && leaf.depth == 0);
        let generation = own.or(of_index).ok_or_else(|| {
            let what =
                "it says no generation, as those of an earlier `weft` do; build the snapshot again";
            ChooseError::Manifest(content("the manifest", what))
        })?;
        found.push(Found {
            generation,
            descriptor,
            tags: leaf.tags.clone(),
            entry: leaf.at,
            is_legacy: own.is_none(),
        });
    }
    known.0 = still_known;
    Ok(found)
}

/// Why a layout has not what was asked for.
fn none_of(leaves: &[Leaf], which: Which<'_>, found: &[Found]) -> LayoutError {
    let snapshot = leaves.iter().find(|leaf| leaf.entry.may_be_snapshot());
    let tags = leaves.iter().flat_map(|leaf| &leaf.tags);
    let tags = tags.map(|tag| format!("`{}`", tag.chars().take(128).collect::<String>()));
    let generations = found.iter().map(|found| found.generation.to_string());
    let what = match (which, snapshot, leaves.first()) {
        (_, _, None) => return content("index.json", "it names no manifest"),
        (_, None, Some(other)) => {
            let kind = other.kind();
            let what = format!("none of its manifests is one of a snapshot; the first is `{kind}`");
            return content("index.json", what);
        }
        (Which::Newest, ..) => {
            return content("index.json", "none of its manifests is one of a snapshot");
        }
        (Which::Tag(tag), ..) => format!("no snapshot has the tag `{tag}`; {}", listed(tags)),
        (Which::Generation(number), ..) => {
            format!(
                "no snapshot has the generation {number}; {}",
                listed(generations)
            )
        }
    };
    LayoutError::Absent { what }
}

/// What there is, up to a number that somebody reads.
fn listed(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.take(NAMED).collect();
    match all.as_slice() {
        [] => "there is none with one".to_owned(),
        [one] => format!("there is {one}"),
        several => format!("there are {}", several.join(", ")),
    }
}

impl Leaf {
    /// What an index says that it is.
    fn kind(&self) -> String {
        let kind = self.entry.artifact_type.as_ref();
        let kind = kind.unwrap_or(&self.entry.media_type);
        kind.chars().take(80).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::LATEST;
    use super::super::{Bundle, INDEX_TYPE};
    use super::*;

    /// Blobs by digest.
    #[derive(Default)]
    struct Layout {
        blobs: BTreeMap<Digest, Vec<u8>>,
    }

    impl Layout {
        fn put(&mut self, bytes: Vec<u8>) -> Descriptor {
            let descriptor = Descriptor::of(&bytes);
            self.blobs.insert(descriptor.digest, bytes);
            descriptor
        }

        fn snapshot(&mut self, generation: u64) -> Descriptor {
            let text = format!("{generation}").into_bytes();
            self.put(
                Bundle::new("shop", Vec::new(), text)
                    .numbered(generation)
                    .manifest,
            )
        }

        fn entry(&mut self, generation: u64, tag: &str) -> Entry {
            Entry::of_snapshot(self.snapshot(generation), tag)
        }

        fn nested(&mut self, entries: Vec<Entry>, tag: &str) -> Entry {
            let inner = self.put(Index::new(entries).to_json());
            let text =
                String::from_utf8(Index::new(vec![Entry::of_snapshot(inner, tag)]).to_json());
            // The outer entry says that it is an index.
            let text =
                text.unwrap()
                    .replacen("application/vnd.oci.image.manifest.v1+json", INDEX_TYPE, 1);
            Index::parse(text.as_bytes()).unwrap().entries.remove(0)
        }

        fn choose(&self, index: &Index, which: Which<'_>) -> Result<u64, String> {
            let chosen = choose(index, which, &mut Known::default(), |blob, _| {
                self.blobs.get(&blob.digest).cloned().ok_or("missing")
            });
            chosen
                .map(|chosen| chosen.generation)
                .map_err(|error| error.to_string())
        }
    }

    #[test]
    fn the_newest_generation_is_meant_wherever_it_stands() {
        let mut layout = Layout::default();
        let index = Index::new(vec![
            layout.entry(7, "a"),
            layout.entry(9, "b"),
            layout.entry(8, LATEST),
        ]);
        assert_eq!(layout.choose(&index, Which::Newest), Ok(9));
        assert_eq!(layout.choose(&index, Which::Tag("a")), Ok(7));
        assert_eq!(layout.choose(&index, Which::Generation(8)), Ok(8));
        // The tag that it will get once there is a newer one.
        assert_eq!(layout.choose(&index, Which::Tag("generation-8")), Ok(8));
        let said = layout.choose(&index, Which::Tag("c")).unwrap_err();
        assert!(
            said.contains("no snapshot has the tag `c`; there are `a`, `b`, `latest`"),
            "{said}"
        );
    }

    #[test]
    fn indexes_in_indexes_are_followed_so_far() {
        let mut layout = Layout::default();
        let inner = [layout.entry(3, "x"), layout.entry(4, "y")];
        let nested = layout.nested(inner.to_vec(), "pulled");
        let index = Index::new(vec![layout.entry(2, LATEST), nested.clone()]);
        assert_eq!(layout.choose(&index, Which::Newest), Ok(4));
        assert_eq!(layout.choose(&index, Which::Tag("pulled")), Ok(4));
        assert_eq!(layout.choose(&index, Which::Tag("x")), Ok(3));
        let mut deeper = nested;
        for _ in 0..DEPTH {
            deeper = layout.nested(vec![deeper], "more");
        }
        let said = layout.choose(&Index::new(vec![deeper]), Which::Newest);
        assert!(said.unwrap_err().contains("more than 4 deep"));
    }

    #[test]
    fn so_many_manifests_are_looked_at_and_no_more() {
        let mut layout = Layout::default();
        let entry = layout.entry(1, LATEST);
        let within = Index::new(vec![entry.clone(); MANIFESTS]);
        assert_eq!(layout.choose(&within, Which::Newest), Ok(1));
        let beyond = Index::new(vec![entry; MANIFESTS + 1]);
        let said = layout.choose(&beyond, Which::Newest).unwrap_err();
        assert!(said.contains("more than 512 manifests"), "{said}");
        let large = (0..20_u8).map(|number| {
            let size = limits::MANIFEST_BYTES;
            let digest = Digest::of(&[number]);
            Entry::of_snapshot(Descriptor { digest, size }, LATEST)
        });
        layout.blobs = (0..20_u8)
            .map(|number| (Digest::of(&[number]), b"{\"schemaVersion\":2}".to_vec()))
            .collect();
        let said = layout.choose(&Index::new(large.collect()), Which::Newest);
        assert!(said.unwrap_err().contains("together has"));
    }

    #[test]
    fn what_is_something_else_is_passed_over_and_what_cannot_be_read_is_not() {
        let mut layout = Layout::default();
        let other = layout.put(br#"{"schemaVersion":2,"artifactType":"application/x"}"#.to_vec());
        let other = Entry::of_snapshot(other, "signature");
        let index = Index::new(vec![layout.entry(7, LATEST), other.clone()]);
        assert_eq!(layout.choose(&index, Which::Newest), Ok(7));
        let said = layout.choose(&Index::new(vec![other]), Which::Newest);
        assert!(said.unwrap_err().contains("none of its manifests"));
        let gone = Entry::of_snapshot(Descriptor::of(b"gone"), "gone");
        let index = Index::new(vec![layout.entry(7, LATEST), gone]);
        let newest = layout.choose(&index, Which::Newest);
        assert_eq!(newest, Err("missing".to_owned()));
        assert_eq!(layout.choose(&index, Which::Tag(LATEST)), Ok(7));
        let said = layout.choose(&Index::default(), Which::Newest);
        assert!(said.unwrap_err().contains("names no manifest"));
    }

    #[test]
    fn of_equal_generations_the_last_one_is_meant_and_what_is_known_is_not_read_again() {
        let mut layout = Layout::default();
        let again = Bundle::new("again", Vec::new(), Vec::new());
        let again = layout.put(again.numbered(7).manifest);
        let index = Index::new(vec![
            layout.entry(7, "generation-7"),
            Entry::of_snapshot(again, LATEST),
        ]);
        let (mut known, read) = (Known::default(), &mut Vec::new());
        for _ in 0..2 {
            let blobs = &layout.blobs;
            let chosen = choose(&index, Which::Newest, &mut known, |blob, _| {
                read.push(blob.digest);
                blobs.get(&blob.digest).cloned().ok_or(())
            });
            assert_eq!(chosen.unwrap().descriptor, again);
        }
        assert_eq!(read.len(), 3, "both, and then the chosen one alone");
    }

    #[test]
    fn the_generation_of_an_earlier_index_counts_for_its_only_manifest() {
        let mut layout = Layout::default();
        let manifest = layout.snapshot(7).digest;
        let text = layout.blobs[&manifest].clone();
        let text = String::from_utf8(text)
            .unwrap()
            .replace("dev.weft.generation", "x");
        let old = Entry::of_snapshot(layout.put(text.into_bytes()), LATEST);
        let index = |entries: Vec<Entry>| {
            let text = String::from_utf8(Index::new(entries).to_json()).unwrap();
            let text = format!(
                r#"{},"annotations":{{"dev.weft.generation":"41"}}}}"#,
                text.strip_suffix('}').unwrap()
            );
            Index::parse(text.as_bytes()).unwrap()
        };
        assert_eq!(
            layout.choose(&index(vec![old.clone()]), Which::Newest),
            Ok(41)
        );
        // A manifest that says it wins over an index that says something else.
        let new = layout.entry(7, "new");
        assert_eq!(
            layout.choose(&index(vec![new.clone()]), Which::Newest),
            Ok(7)
        );
        // After another one was copied beside it nobody knows whose number that was.
        let both = layout.choose(&index(vec![old.clone(), new]), Which::Newest);
        assert!(both.unwrap_err().contains("build the snapshot again"));
        let alone = layout.choose(&Index::new(vec![old]), Which::Newest);
        assert!(alone.unwrap_err().contains("it says no generation"));
    }
}
