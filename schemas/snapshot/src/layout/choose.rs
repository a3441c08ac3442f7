//! Which snapshot of a layout is meant: one rule, for the proxy and for `weft`.
//!
//! Without more words it is the newest generation that the layout has, because what tools say beside that does not tell: an index that
//! was copied has other tags or none, entries that were current stay in it, and their order is that of their arrival. Indexes
//! that an index names are followed; manifests of something else are passed over, and so nothing of them is read but what they are.
//!
//! A manifest that cannot be read ends the choice only where it may be what is meant: one whose tag says that it is older is passed over,
//! and told beside the answer.

use std::fmt::Display;

use super::choose_error::ChooseError;
use super::found::{Found, Known, summarised};
use super::index::{Index, generation_of_tag};
use super::leaves::{Damaged, Leaf, Unread, leaves};
use super::manifest::Manifest;
use super::{Descriptor, LayoutError, content};
use crate::limits;

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
    /// What was passed over because it could not be read, and is older.
    pub damaged: Vec<Damaged>,
}

/// What a layout holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Held {
    /// Its snapshots, in the order of its index.
    pub found: Vec<Found>,
    /// What could not be read, and may be a snapshot.
    pub damaged: Vec<Damaged>,
}

/// Finds the snapshot that is meant, and reads its manifest.
///
/// `read` gives the verified bytes of a blob, unless it has more of them than the bound.
///
/// # Errors
///
/// [`ChooseError`] when the layout has no such snapshot, or when a manifest that could be it cannot be read: it might be the newest,
/// unless its tag says that it is not.
pub fn choose<E: Display>(
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
    let mut leaves = leaves(index, &mut read)?;
    let (wanted, which) = narrowed(&mut leaves, which)?;
    let (found, unread) = summarised(index, (&mut leaves, wanted), known, &mut read)?;
    let wanted = found.iter().filter(|found| match which {
        Which::Generation(number) => found.generation == number,
        Which::Newest | Which::Tag(_) => true,
    });
    // Of several with the greatest generation this gives the last one.
    let best = wanted.max_by_key(|found| found.generation);
    let damaged = passed_over(unread, which, best)?;
    let best = best.ok_or_else(|| ChooseError::Index(none_of(&leaves, which, &found)))?;
    let bytes = read(&best.descriptor, limits::MANIFEST_BYTES).map_err(ChooseError::Blob)?;
    let (manifest, _) = Manifest::parse(&bytes).map_err(ChooseError::Manifest)?;
    Ok(Chosen {
        generation: best.generation,
        descriptor: best.descriptor,
        manifest,
        bytes,
        is_legacy: best.is_legacy,
        damaged,
    })
}

/// What could not be read and is not what was meant.
fn passed_over<E: Display>(
    unread: Vec<Unread<E>>,
    which: Which<'_>,
    best: Option<&Found>,
) -> Result<Vec<Damaged>, ChooseError<E>> {
    let is_other = |one: &Unread<E>| match which {
        Which::Generation(number) => best.is_some() || !one.may_be(number),
        Which::Newest | Which::Tag(_) => one.is_up_to(best.map(|best| best.generation)),
    };
    let told = unread.into_iter().map(|one| {
        if is_other(&one) {
            Ok(one.told())
        } else {
            Err(one.error)
        }
    });
    told.collect()
}

/// All snapshots that a layout has, and what of it cannot be read.
///
/// # Errors
///
/// When it has more of them than are looked at; a layout without any is none.
pub fn held<E: Display>(
    index: &Index,
    known: &mut Known,
    mut read: impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Held, ChooseError<E>> {
    let mut leaves = leaves(index, &mut read)?;
    let all = (0..leaves.len()).collect();
    let (found, unread) = summarised(index, (&mut leaves, all), known, &mut read)?;
    let damaged = unread.into_iter().map(Unread::told).collect();
    Ok(Held { found, damaged })
}

/// Which leaves a question is about, and what is left of it. The tag of a generation stands for it also while it is current and has another.
fn narrowed<'asked, E>(
    leaves: &mut [Leaf<E>],
    which: Which<'asked>,
) -> Result<(Vec<usize>, Which<'asked>), ChooseError<E>> {
    let Which::Tag(tag) = which else {
        return Ok(((0..leaves.len()).collect(), which));
    };
    let has_tag = |leaf: &Leaf<E>| leaf.tags.iter().any(|own| own == tag);
    let tagged: Vec<usize> = (0..)
        .zip(&*leaves)
        .filter_map(|(at, leaf)| has_tag(leaf).then_some(at))
        .collect();
    match generation_of_tag(tag) {
        _ if !tagged.is_empty() => Ok((tagged, which)),
        Some(number) => Ok(((0..leaves.len()).collect(), Which::Generation(number))),
        None => {
            // An index that could not be read may have led to it.
            let unread = leaves.iter_mut().find_map(|leaf| leaf.unread.take());
            Err(unread.unwrap_or_else(|| ChooseError::Index(none_of(leaves, which, &[]))))
        }
    }
}

/// Why a layout has not what was asked for.
fn none_of<E>(leaves: &[Leaf<E>], which: Which<'_>, found: &[Found]) -> LayoutError {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Digest;
    use super::super::index::{Entry, LATEST, tag_of_generation};
    use super::super::leaves::{DEPTH, MANIFESTS};
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
    fn what_is_older_and_cannot_be_read_is_passed_over_and_told() {
        let mut layout = Layout::default();
        let gone = |tag: &str| Entry::of_snapshot(Descriptor::of(tag.as_bytes()), tag);
        let old = gone(&tag_of_generation(5));
        let index = Index::new(vec![
            layout.entry(6, "generation-6"),
            old,
            layout.entry(7, LATEST),
        ]);
        for which in [
            Which::Newest,
            Which::Tag(LATEST),
            Which::Tag("generation-6"),
            Which::Generation(6),
        ] {
            assert!(layout.choose(&index, which).is_ok(), "{which:?}");
        }
        let missing = Err("missing".to_owned());
        for which in [Which::Tag("generation-5"), Which::Generation(5)] {
            assert_eq!(layout.choose(&index, which), missing, "{which:?}");
        }
        let said = layout.choose(&index, Which::Generation(4)).unwrap_err();
        assert!(said.contains("there are 6, 7"), "{said}");
        let read = |blob: &Descriptor, _| layout.blobs.get(&blob.digest).cloned().ok_or("missing");
        let chosen = choose(&index, Which::Newest, &mut Known::default(), read).unwrap();
        let held = held(&index, &mut Known::default(), read).unwrap();
        assert_eq!(held.found.len(), 2);
        assert_eq!(held.damaged, chosen.damaged);
        let told: Vec<String> = held.damaged.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["`generation-5` cannot be read: missing"]);
        // What may be newer is not passed over, and neither is the current one.
        for tag in ["generation-8", "latest", "mine"] {
            let index = Index::new(vec![layout.entry(7, "generation-7"), gone(tag)]);
            assert_eq!(layout.choose(&index, Which::Newest), missing, "{tag}");
            assert_eq!(layout.choose(&index, Which::Tag("generation-7")), Ok(7));
        }
        // An index that cannot be read takes nothing away from what stands beside it.
        let inner = layout.entry(3, "x");
        let nested = layout.nested(vec![inner], "pulled");
        layout.blobs.remove(&nested.descriptor.digest);
        let index = Index::new(vec![layout.entry(7, LATEST), nested]);
        assert_eq!(layout.choose(&index, Which::Tag(LATEST)), Ok(7));
        for tag in ["pulled", "x"] {
            assert_eq!(layout.choose(&index, Which::Tag(tag)), missing, "{tag}");
        }
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
                blobs.get(&blob.digest).cloned().ok_or("missing")
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
