//! The files around the slices: an OCI image layout, so that any registry takes a snapshot.
//!
//! Source: OCI Image Format Specification 1.1, image-layout.md, image-index.md and manifest.md. A
//! snapshot is one artifact manifest; each slice is a layer with the node's name as annotation, and the
//! origins are one more layer. The generation is an annotation of the index alone, outside every digest.

mod digest;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits;
pub use digest::{Digest, Digesting};

/// The content of the file `oci-layout`.
pub const OCI_LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// What a manifest of ours says it is.
pub const ARTIFACT_TYPE: &str = "application/vnd.weft.snapshot.v1";
/// The media type of a slice.
pub const SLICE_TYPE: &str = "application/vnd.weft.slice.v1";
/// The media type of the origins.
pub const ORIGINS_TYPE: &str = "application/vnd.weft.origins.v1";

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";
const NODE: &str = "dev.weft.node";
const MESH: &str = "dev.weft.mesh";
const GENERATION: &str = "dev.weft.generation";

/// Which blob, and how large it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Descriptor {
    /// The digest.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
}

impl Descriptor {
    /// The descriptor of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self {
            digest: Digest::of(bytes),
            size,
        }
    }

    /// Whether `bytes` are the blob that is meant.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        *self == Self::of(bytes)
    }
}

/// Why a file of a layout cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LayoutError {
    /// Not a digest.
    #[error("`{found}` is not a digest such as `sha256:…` with 64 hex digits")]
    Digest {
        /// What was there.
        found: String,
    },
    /// A file is larger than any of its kind may be.
    #[error("{file} has {size} bytes, more than {limit}")]
    TooLarge {
        /// Which file.
        file: &'static str,
        /// Its size.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// A file is not the JSON that it should be.
    #[error("{file} is not understood: {message}")]
    Json {
        /// Which file.
        file: &'static str,
        /// What the decoder says.
        message: String,
    },
    /// A file says something that no snapshot says.
    #[error("{file} is not that of a snapshot: {what}")]
    Content {
        /// Which file.
        file: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// The index of a layout: which snapshot is current, and its generation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Index {
    /// A number that only grows.
    pub generation: u64,
    /// The manifest.
    pub manifest: Descriptor,
}

/// The manifest of a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// The name of the mesh.
    pub mesh: String,
    /// The slice of each node.
    pub nodes: BTreeMap<String, Descriptor>,
    /// The origins.
    pub origins: Descriptor,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorJson {
    media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexJson {
    schema_version: u32,
    media_type: String,
    manifests: Vec<DescriptorJson>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestJson {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    config: DescriptorJson,
    layers: Vec<DescriptorJson>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

fn describe(
    media_type: &str,
    descriptor: Descriptor,
    note: Option<(&str, &str)>,
) -> DescriptorJson {
    DescriptorJson {
        media_type: media_type.to_owned(),
        artifact_type: None,
        digest: descriptor.digest.to_string(),
        size: descriptor.size,
        annotations: note
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn read(json: &DescriptorJson) -> Result<Descriptor, LayoutError> {
    Ok(Descriptor {
        digest: Digest::parse(&json.digest)?,
        size: json.size,
    })
}

fn bounded(file: &'static str, bytes: &[u8], limit: u64) -> Result<(), LayoutError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if limit < size {
        Err(LayoutError::TooLarge { file, size, limit })
    } else {
        Ok(())
    }
}

fn content(file: &'static str, what: impl Into<String>) -> LayoutError {
    LayoutError::Content {
        file,
        what: what.into(),
    }
}

impl Index {
    /// Reads `index.json`.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] when it is no index of exactly one snapshot with a generation.
    pub fn parse(bytes: &[u8]) -> Result<Self, LayoutError> {
        const FILE: &str = "index.json";
        bounded(FILE, bytes, limits::INDEX_BYTES)?;
        let json: IndexJson = serde_json::from_slice(bytes).map_err(|error| LayoutError::Json {
            file: FILE,
            message: error.to_string(),
        })?;
        let [manifest] = json.manifests.as_slice() else {
            return Err(content(
                FILE,
                format!("{} manifests instead of one", json.manifests.len()),
            ));
        };
        if manifest.artifact_type.as_deref() != Some(ARTIFACT_TYPE) {
            return Err(content(
                FILE,
                format!("its manifest is not `{ARTIFACT_TYPE}`"),
            ));
        }
        let generation = json
            .annotations
            .get(GENERATION)
            .and_then(|text| text.parse().ok());
        let generation = generation
            .ok_or_else(|| content(FILE, format!("no number in annotation `{GENERATION}`")))?;
        // Whoever served it would refuse all that come after it, because none could be newer.
        if limits::GENERATION_TOP <= generation {
            let what = format!("generation {generation} is at the top of its range");
            return Err(content(FILE, what));
        }
        Ok(Self {
            generation,
            manifest: read(manifest)?,
        })
    }

    /// The bytes of `index.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut manifest = describe(MANIFEST_TYPE, self.manifest, None);
        manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
        let json = IndexJson {
            schema_version: 2,
            media_type: INDEX_TYPE.to_owned(),
            manifests: vec![manifest],
            annotations: BTreeMap::from([(GENERATION.to_owned(), self.generation.to_string())]),
        };
        // Serialising plain strings and numbers cannot fail.
        serde_json::to_vec(&json).unwrap_or_default()
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] when it is not the manifest of a snapshot, names a node twice, or has no origins.
    pub fn parse(bytes: &[u8]) -> Result<Self, LayoutError> {
        const FILE: &str = "the manifest";
        bounded(FILE, bytes, limits::MANIFEST_BYTES)?;
        let json: ManifestJson =
            serde_json::from_slice(bytes).map_err(|error| LayoutError::Json {
                file: FILE,
                message: error.to_string(),
            })?;
        if json.artifact_type != ARTIFACT_TYPE {
            return Err(content(
                FILE,
                format!("artifact type `{}`", json.artifact_type),
            ));
        }
        let (mut nodes, mut origins) = (BTreeMap::new(), None);
        for layer in &json.layers {
            match (layer.media_type.as_str(), layer.annotations.get(NODE)) {
                (SLICE_TYPE, Some(node)) => {
                    if nodes.insert(node.clone(), read(layer)?).is_some() {
                        return Err(content(FILE, format!("node `{node}` twice")));
                    }
                }
                (ORIGINS_TYPE, _) => origins = Some(read(layer)?),
                (other, _) => return Err(content(FILE, format!("a layer of type `{other}`"))),
            }
        }
        Ok(Self {
            mesh: json.annotations.get(MESH).cloned().unwrap_or_default(),
            nodes,
            origins: origins.ok_or_else(|| content(FILE, "no origins"))?,
        })
    }

    /// The bytes of the manifest.
    pub fn to_json(&self) -> Vec<u8> {
        let slices = self
            .nodes
            .iter()
            .map(|(node, slice)| describe(SLICE_TYPE, *slice, Some((NODE, node.as_str()))));
        let json = ManifestJson {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: ARTIFACT_TYPE.to_owned(),
            config: describe(EMPTY_TYPE, Descriptor::of(EMPTY), None),
            layers: slices
                .chain([describe(ORIGINS_TYPE, self.origins, None)])
                .collect(),
            annotations: BTreeMap::from([(MESH.to_owned(), self.mesh.clone())]),
        };
        serde_json::to_vec(&json).unwrap_or_default()
    }
}

/// All blobs of a snapshot, in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    /// The blobs by digest: slices, origins, the manifest, and the empty config that OCI asks for.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    /// The manifest, also among the blobs.
    pub manifest: Descriptor,
    // Kept, because whoever asks about each of ten thousand nodes would else read a manifest of ten thousand layers each time.
    contents: Manifest,
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
        let manifest = keep(contents.to_json());
        Self {
            blobs,
            manifest,
            contents,
        }
    }

    /// The bytes of `index.json` for this snapshot as a generation.
    pub fn index(&self, generation: u64) -> Vec<u8> {
        Index {
            generation,
            manifest: self.manifest,
        }
        .to_json()
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
        let index = Index::parse(&bundle.index(7)).unwrap();
        assert_eq!(
            index,
            Index {
                generation: 7,
                manifest: bundle.manifest
            }
        );
        let written = bundle.blobs.get(&bundle.manifest.digest).unwrap();
        let manifest = Manifest::parse(written).unwrap();
        assert_eq!(&manifest, bundle.contents());
        assert_eq!(bundle.slice("gateway/public"), Some(&b"slice"[..]));
        assert_eq!(bundle.slice("gateway/other"), None);
        assert_eq!(manifest.mesh, "shop");
        assert_eq!(
            manifest.nodes.get("gateway/public"),
            Some(&Descriptor::of(b"slice"))
        );
        assert_eq!(manifest.origins, Descriptor::of(b"origins"));
    }

    #[test]
    fn a_generation_that_none_could_follow_is_refused() {
        let bundle = Bundle::new("shop", Vec::new(), Vec::new());
        let read = |generation| Index::parse(&bundle.index(generation));
        assert!(read(limits::GENERATION_TOP - 1).is_ok());
        assert!(read(limits::GENERATION_TOP).is_err());
    }

    #[test]
    fn an_index_without_generation_is_refused() {
        let bundle = Bundle::new("shop", Vec::new(), Vec::new());
        let text = String::from_utf8(bundle.index(7))
            .unwrap()
            .replace("dev.weft.generation", "x");
        assert!(matches!(
            Index::parse(text.as_bytes()),
            Err(LayoutError::Content { .. })
        ));
    }
}
