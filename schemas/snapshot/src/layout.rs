//! The files around the slices: an OCI image layout, so that any registry takes a snapshot.
//!
//! Source: OCI Image Format Specification 1.1, image-layout.md, image-index.md and manifest.md. A
//! snapshot is one artifact manifest; each slice is a layer with the node's name as annotation, and the
//! origins are one more layer. The generation is an annotation of the index alone, outside every digest.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::limits;

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

/// The SHA-256 of a blob.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads `sha256:` and 64 hex digits in lower case.
    ///
    /// # Errors
    ///
    /// [`LayoutError::Digest`] for anything else.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        let wrong = || LayoutError::Digest {
            found: text.chars().take(80).collect(),
        };
        let digits = text.strip_prefix("sha256:").ok_or_else(wrong)?;
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(wrong());
        }
        let mut bytes = [0_u8; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(wrong()),
            };
            *byte = digit(*high)? * 16 + digit(*low)?;
        }
        Ok(Self(bytes))
    }

    /// The digits without `sha256:`.
    pub fn hex(&self) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        self.0
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    }

    /// The path of the blob within a layout.
    pub fn blob_path(&self) -> String {
        format!("blobs/sha256/{}", self.hex())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Digest {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, LayoutError> {
        Self::parse(text)
    }
}

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
}

impl Bundle {
    /// Puts encoded slices, by node, and encoded origins together.
    pub fn new(mesh: &str, slices: Vec<(String, Vec<u8>)>, origins: Vec<u8>) -> Self {
        let mut blobs = BTreeMap::from([(Digest::of(EMPTY), EMPTY.to_vec())]);
        let mut keep = |bytes: Vec<u8>| {
            let descriptor = Descriptor::of(&bytes);
            blobs.insert(descriptor.digest, bytes);
            descriptor
        };
        let nodes = slices
            .into_iter()
            .map(|(node, bytes)| (node, keep(bytes)))
            .collect();
        let origins = keep(origins);
        let manifest = keep(
            Manifest {
                mesh: mesh.to_owned(),
                nodes,
                origins,
            }
            .to_json(),
        );
        Self { blobs, manifest }
    }

    /// The bytes of `index.json` for this snapshot as a generation.
    pub fn index(&self, generation: u64) -> Vec<u8> {
        Index {
            generation,
            manifest: self.manifest,
        }
        .to_json()
    }

    /// The manifest, read back.
    ///
    /// # Errors
    ///
    /// None for a bundle made by [`Bundle::new`].
    pub fn read_manifest(&self) -> Result<Manifest, LayoutError> {
        Manifest::parse(
            self.blobs
                .get(&self.manifest.digest)
                .map_or(&[], Vec::as_slice),
        )
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
        let manifest = bundle.read_manifest().unwrap();
        assert_eq!(manifest.mesh, "shop");
        assert_eq!(
            manifest.nodes.get("gateway/public"),
            Some(&Descriptor::of(b"slice"))
        );
        assert_eq!(manifest.origins, Descriptor::of(b"origins"));
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"");
        assert_eq!(
            digest.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        for wrong in [
            "",
            "sha256:",
            "sha256:E3",
            "md5:00",
            &digest.to_string().to_uppercase(),
            &format!("{digest}0"),
        ] {
            assert!(Digest::parse(wrong).is_err(), "{wrong}");
        }
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
