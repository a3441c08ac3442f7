//! Manifests: which slices a snapshot holds, and as which generation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ARTIFACT_TYPE, Descriptor, Digest, EMPTY, EMPTY_TYPE, GENERATION, LayoutError, MANIFEST_TYPE,
    ORIGINS_TYPE, SCHEMA_VERSION, SLICE_TYPE, content, generation, has_form, json,
};
use crate::limits;

const FILE: &str = "the manifest";
/// What names a layer. Source: annotations.md, "Pre-Defined Annotation Keys"; tools that unpack artifacts make files of these names.
const TITLE: &str = "org.opencontainers.image.title";
/// The title of the origins. No node has it, for theirs have a slash.
const ORIGINS_TITLE: &str = "origins";
/// What named the layer of a node before titles did; still read.
const NODE: &str = "dev.weft.node";
const MESH: &str = "dev.weft.mesh";

/// What a snapshot holds, whatever its generation.
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
struct LayerJson {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestJson {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    config: LayerJson,
    layers: Vec<LayerJson>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What is asked of a manifest before it is known whether it is ours; the layers are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryJson {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What a manifest is, without what it holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Summary {
    /// A snapshot; of an earlier `weft` without a generation.
    Snapshot(Option<u64>),
    /// Something else, in words.
    Other(String),
}

impl Summary {
    /// Reads what a manifest is.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, LayoutError> {
        let found: SummaryJson = json(FILE, bytes, limits::MANIFEST_BYTES)?;
        match found.artifact_type.as_deref() {
            Some(ARTIFACT_TYPE) => {}
            Some(other) => return Ok(Self::Other(format!("artifact type `{}`", cut(other)))),
            None => return Ok(Self::Other("no artifact type".to_owned())),
        }
        let media_type = found.media_type.as_deref();
        has_form(FILE, found.schema_version, (media_type, MANIFEST_TYPE))?;
        let number = found.annotations.get(GENERATION);
        let number = number.map(|text| generation(FILE, text)).transpose()?;
        Ok(Self::Snapshot(number))
    }
}

impl Manifest {
    /// Reads a manifest, and as which generation it holds this; manifests of an earlier `weft` do not say that.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] when it is not the manifest of a snapshot, names a node twice, or has no origins.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Option<u64>), LayoutError> {
        let number = match Summary::parse(bytes)? {
            Summary::Snapshot(number) => number,
            Summary::Other(what) => return Err(content(FILE, what)),
        };
        let found: ManifestJson = json(FILE, bytes, limits::MANIFEST_BYTES)?;
        if found.config.media_type != EMPTY_TYPE {
            let what = format!("a config of type `{}`", cut(&found.config.media_type));
            return Err(content(FILE, what));
        }
        let (mut nodes, mut origins) = (BTreeMap::new(), None);
        for layer in &found.layers {
            let named = layer.annotations.get(TITLE);
            let named = named.or_else(|| layer.annotations.get(NODE));
            let descriptor = layer.descriptor()?;
            match (layer.media_type.as_str(), named) {
                (SLICE_TYPE, Some(node)) => {
                    if nodes.insert(node.clone(), descriptor).is_some() {
                        return Err(content(FILE, format!("node `{}` twice", cut(node))));
                    }
                }
                (SLICE_TYPE, None) => return Err(content(FILE, "a slice without a title")),
                (ORIGINS_TYPE, _) if origins.is_some() => {
                    return Err(content(FILE, "origins twice"));
                }
                (ORIGINS_TYPE, _) => origins = Some(descriptor),
                (other, _) => {
                    return Err(content(FILE, format!("a layer of type `{}`", cut(other))));
                }
            }
        }
        let manifest = Self {
            mesh: found.annotations.get(MESH).cloned().unwrap_or_default(),
            nodes,
            origins: origins.ok_or_else(|| content(FILE, "no origins"))?,
        };
        Ok((manifest, number))
    }

    /// The bytes of the manifest that holds this as a generation.
    pub fn to_json(&self, generation: u64) -> Vec<u8> {
        self.json(Some(generation))
    }

    /// The digest of what it holds, the same in every generation.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.json(None))
    }

    fn json(&self, generation: Option<u64>) -> Vec<u8> {
        let slices = self
            .nodes
            .iter()
            .map(|(node, slice)| LayerJson::new(SLICE_TYPE, *slice, Some(node)));
        let origins = LayerJson::new(ORIGINS_TYPE, self.origins, Some(ORIGINS_TITLE));
        let number = generation.map(|number| (GENERATION.to_owned(), number.to_string()));
        let mesh = (MESH.to_owned(), self.mesh.clone());
        let json = ManifestJson {
            schema_version: SCHEMA_VERSION,
            media_type: Some(MANIFEST_TYPE.to_owned()),
            artifact_type: Some(ARTIFACT_TYPE.to_owned()),
            config: LayerJson::new(EMPTY_TYPE, Descriptor::of(EMPTY), None),
            layers: slices.chain([origins]).collect(),
            annotations: number.into_iter().chain([mesh]).collect(),
        };
        // Serialising plain strings and numbers cannot fail.
        serde_json::to_vec(&json).unwrap_or_default()
    }
}

impl LayerJson {
    fn new(media_type: &str, descriptor: Descriptor, title: Option<&str>) -> Self {
        let title = title.map(|title| (TITLE.to_owned(), title.to_owned()));
        Self {
            media_type: media_type.to_owned(),
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            annotations: title.into_iter().collect(),
        }
    }

    fn descriptor(&self) -> Result<Descriptor, LayoutError> {
        Ok(Descriptor {
            digest: Digest::parse(&self.digest)?,
            size: self.size,
        })
    }
}

/// What is shown of a text that somebody else wrote.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The blobs that a manifest or an index names, whoever wrote it and whatever they are.
///
/// # Errors
///
/// [`LayoutError`] when it is neither, or names something that is no digest of ours.
pub fn named_blobs(bytes: &[u8]) -> Result<Vec<Digest>, LayoutError> {
    #[derive(Deserialize)]
    struct Named {
        digest: String,
    }
    #[derive(Deserialize)]
    struct Names {
        #[serde(default)]
        config: Option<Named>,
        #[serde(default)]
        layers: Vec<Named>,
        #[serde(default)]
        manifests: Vec<Named>,
    }
    let found: Names = json(FILE, bytes, limits::MANIFEST_BYTES)?;
    let all = found.config.into_iter().chain(found.layers);
    let all = all.chain(found.manifests);
    all.map(|named| Digest::parse(&named.digest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            mesh: "shop".to_owned(),
            nodes: BTreeMap::from([("gateway/public".to_owned(), Descriptor::of(b"slice"))]),
            origins: Descriptor::of(b"origins"),
        }
    }

    fn altered(from: &str, to: &str) -> Result<(Manifest, Option<u64>), LayoutError> {
        let text = String::from_utf8(manifest().to_json(7)).unwrap();
        assert!(text.contains(from), "{text}");
        Manifest::parse(text.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn the_generation_is_in_the_manifest_and_the_digest_of_the_content_without_it() {
        let read = Manifest::parse(&manifest().to_json(7));
        assert_eq!(read, Ok((manifest(), Some(7))));
        assert_ne!(manifest().to_json(7), manifest().to_json(8));
        let mut other = manifest();
        other.mesh.push('s');
        assert_ne!(manifest().digest(), other.digest());
        let named = named_blobs(&manifest().to_json(7)).unwrap();
        let wanted = [EMPTY, b"slice", b"origins"].map(Digest::of);
        assert_eq!(named, wanted);
    }

    #[test]
    fn a_generation_that_none_could_follow_is_refused() {
        let read = |number| Manifest::parse(&manifest().to_json(number));
        assert!(read(limits::GENERATION_TOP - 1).is_ok());
        assert!(read(limits::GENERATION_TOP).is_err());
    }

    #[test]
    fn what_tools_may_leave_out_is_not_asked_for() {
        let media_type = format!("\"mediaType\":\"{MANIFEST_TYPE}\",");
        assert_eq!(altered(&media_type, "").unwrap().0, manifest());
        // As manifests were written before they said their generation.
        assert_eq!(altered("dev.weft.generation", "x").unwrap().1, None);
        assert_eq!(altered(TITLE, NODE).unwrap().0, manifest());
    }

    #[test]
    fn what_is_something_else_is_refused() {
        for (from, to, why) in [
            (
                "\"schemaVersion\":2",
                "\"schemaVersion\":1",
                "schema version 1",
            ),
            (
                MANIFEST_TYPE,
                "application/json",
                "media type `application/json`",
            ),
            (
                ARTIFACT_TYPE,
                "application/x",
                "artifact type `application/x`",
            ),
            ("artifactType", "artifact", "no artifact type"),
            (EMPTY_TYPE, "application/x", "a config of type"),
            (
                SLICE_TYPE,
                "application/x",
                "a layer of type `application/x`",
            ),
            (ORIGINS_TYPE, SLICE_TYPE, "no origins"),
            (TITLE, "x", "a slice without a title"),
            ("\"7\"", "\"seven\"", "is `seven` and no number"),
        ] {
            let said = altered(from, to).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
