//! A snapshot in memory, before it is a layout on disk.

use std::collections::BTreeMap;

use super::index::{Entry, Index, LATEST};
use super::manifest::Manifest;
use super::{Descriptor, Digest, EMPTY};

/// All blobs of a snapshot but its manifest, in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    /// The blobs by digest: slices, origins, and the empty config that OCI asks for.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    // Kept, because whoever asks about each of ten thousand nodes would else read a manifest of ten thousand layers each time.
    contents: Manifest,
}

/// What of a layout depends on the generation of its snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Numbered {
    /// Where the manifest goes.
    pub descriptor: Descriptor,
    /// The bytes of the manifest.
    pub manifest: Vec<u8>,
    /// The bytes of an index that names this snapshot alone.
    pub index: Vec<u8>,
}

impl Bundle {
    /// Puts encoded slices, by node, and encoded origins together.
    pub fn new(mesh: &str, slices: Vec<(String, Vec<u8>)>, origins: Vec<u8>) -> Self {
        Self::beside(mesh, slices, BTreeMap::new(), origins)
    }

    /// The same of slices some of which are in the layout already, where this is to be written. Their bytes are not among the blobs.
    pub fn beside(
        mesh: &str,
        slices: Vec<(String, Vec<u8>)>,
        stored: BTreeMap<String, Descriptor>,
        origins: Vec<u8>,
    ) -> Self {
        let mut blobs = BTreeMap::from([(Digest::of(EMPTY), EMPTY.to_vec())]);
        let mut keep = |bytes: Vec<u8>| {
            let descriptor = Descriptor::of(&bytes);
            blobs.insert(descriptor.digest, bytes);
            descriptor
        };
        let written = slices.into_iter();
        let written = written.map(|(node, bytes)| (node, keep(bytes)));
        let nodes = stored.into_iter().chain(written).collect();
        let origins = keep(origins);
        let contents = Manifest {
            mesh: mesh.to_owned(),
            nodes,
            origins,
        };
        Self { blobs, contents }
    }

    /// The manifest and index of this snapshot as a generation.
    pub fn numbered(&self, generation: u64) -> Numbered {
        let manifest = self.contents.to_json(generation);
        let descriptor = Descriptor::of(&manifest);
        let index = Index::new(vec![Entry::of_snapshot(descriptor, LATEST)]);
        Numbered {
            descriptor,
            manifest,
            index: index.to_json(),
        }
    }

    /// The digest of what it holds, the same in every generation.
    pub fn digest(&self) -> Digest {
        self.contents.digest()
    }

    /// What the manifest says, as it was put together; nothing is read for it.
    pub fn contents(&self) -> &Manifest {
        &self.contents
    }

    /// The slices that are not among the blobs, because the layout has them.
    pub fn stored(&self) -> impl Iterator<Item = Descriptor> {
        let slices = self.contents.nodes.values().copied();
        slices.filter(|slice| !self.blobs.contains_key(&slice.digest))
    }

    /// The bytes of the slice of a node; none if there is no such node.
    pub fn slice(&self, node: &str) -> Option<&[u8]> {
        let descriptor = self.contents.nodes.get(node)?;
        self.blobs.get(&descriptor.digest).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_back_as_it_was_written() {
        let bundle = Bundle::new(
            "shop",
            vec![("gateway/public".to_owned(), b"slice".to_vec())],
            b"origins".to_vec(),
        );
        let numbered = bundle.numbered(7);
        let index = Index::parse(&numbered.index).unwrap();
        let [entry] = index.entries.as_slice() else {
            panic!("{index:?}");
        };
        assert_eq!(entry.descriptor, numbered.descriptor);
        assert!(numbered.descriptor.is_of(&numbered.manifest));
        let (manifest, generation) = Manifest::parse(&numbered.manifest).unwrap();
        assert_eq!(generation, Some(7));
        assert_eq!(&manifest, bundle.contents());
        assert_eq!(bundle.slice("gateway/public"), Some(&b"slice"[..]));
        assert_eq!(bundle.slice("gateway/other"), None);
        assert_eq!(manifest.mesh, "shop");
        let slice = manifest.nodes.get("gateway/public");
        assert_eq!(slice, Some(&Descriptor::of(b"slice")));
        assert_eq!(manifest.origins, Descriptor::of(b"origins"));
    }
}
