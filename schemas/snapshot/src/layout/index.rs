//! Indexes: which manifests a layout has, by which tags.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    ARTIFACT_TYPE, Descriptor, Digest, GENERATION, INDEX_TYPE, LayoutError, MANIFEST_TYPE,
    SCHEMA_VERSION, content, generation, has_form, json,
};
use crate::limits;

const FILE: &str = "index.json";
/// The tag of a manifest. Source: annotations.md, "Pre-Defined Annotation Keys".
const TAG: &str = "org.opencontainers.image.ref.name";
/// The tag that is given to what is current.
pub const LATEST: &str = "latest";
/// The beginning of the tags that are given to what was current before.
const OF_GENERATION: &str = "generation-";

/// The tag that a snapshot gets once another one is current.
pub fn tag_of_generation(generation: u64) -> String {
    format!("{OF_GENERATION}{generation}")
}

/// The generation that such a tag stands for.
pub fn generation_of_tag(tag: &str) -> Option<u64> {
    let number = tag.strip_prefix(OF_GENERATION)?.parse().ok()?;
    (tag_of_generation(number) == tag).then_some(number)
}

/// An index as it was read, or as it is to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// What it names, in its order.
    pub entries: Vec<Entry>,
    /// The generation that was an annotation of indexes before it was one of manifests.
    pub(super) legacy_generation: Option<u64>,
    annotations: Map<String, Value>,
}

/// One manifest, or one more index, that an index names.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which blob it is.
    pub descriptor: Descriptor,
    /// What kind of blob.
    pub media_type: String,
    /// What kind of manifest, where the index says so.
    pub artifact_type: Option<String>,
    /// Its tag, if it has one.
    pub tag: Option<String>,
    /// All that was said of it. Entries that others made are written again as they were.
    json: Value,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexJson {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    manifests: Vec<Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    annotations: Map<String, Value>,
}

impl Index {
    /// An index of these entries.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// Reads `index.json`, or an index that another one names.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] when it is no index, or too large.
    pub fn parse(bytes: &[u8]) -> Result<Self, LayoutError> {
        let found: IndexJson = json(FILE, bytes, limits::INDEX_BYTES)?;
        let media_type = found.media_type.as_deref();
        has_form(FILE, found.schema_version, (media_type, INDEX_TYPE))?;
        let mut annotations = found.annotations;
        let number = match annotations.remove(GENERATION) {
            Some(Value::String(text)) => Some(generation(FILE, &text)?),
            Some(_) | None => None,
        };
        let entries = found.manifests.into_iter().map(Entry::read);
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            legacy_generation: number,
            annotations,
        })
    }

    /// The bytes of `index.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let json = IndexJson {
            schema_version: SCHEMA_VERSION,
            media_type: Some(INDEX_TYPE.to_owned()),
            manifests: self
                .entries
                .iter()
                .map(|entry| entry.json.clone())
                .collect(),
            annotations: self.annotations.clone(),
        };
        // Serialising what was read as JSON, plain strings and numbers cannot fail.
        serde_json::to_vec(&json).unwrap_or_default()
    }

    /// The same annotations with other entries.
    #[must_use]
    pub fn with(&self, entries: Vec<Entry>) -> Self {
        Self {
            entries,
            legacy_generation: None,
            annotations: self.annotations.clone(),
        }
    }
}

impl Entry {
    /// The entry of a snapshot.
    pub fn of_snapshot(descriptor: Descriptor, tag: &str) -> Self {
        let json = serde_json::json!({
            "mediaType": MANIFEST_TYPE,
            "artifactType": ARTIFACT_TYPE,
            "digest": descriptor.digest.to_string(),
            "size": descriptor.size,
            "annotations": {TAG: tag},
        });
        Self {
            descriptor,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: Some(ARTIFACT_TYPE.to_owned()),
            tag: Some(tag.to_owned()),
            json,
        }
    }

    /// Whether it is one more index.
    pub fn is_index(&self) -> bool {
        self.media_type == INDEX_TYPE
    }

    /// Whether it can be the manifest of a snapshot. What an index says of it may be left out there, but is not wrong.
    pub fn may_be_snapshot(&self) -> bool {
        let artifact_type = self.artifact_type.as_deref();
        self.media_type == MANIFEST_TYPE && artifact_type.is_none_or(|kind| kind == ARTIFACT_TYPE)
    }

    fn read(json: Value) -> Result<Self, LayoutError> {
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let missing = |name: &str| content(FILE, format!("a manifest without `{name}`"));
        let digest = text("digest").ok_or_else(|| missing("digest"))?;
        let size = json.get("size").and_then(Value::as_u64);
        let tag = json.get("annotations").and_then(|notes| notes.get(TAG));
        let entry = Self {
            descriptor: Descriptor {
                digest: Digest::parse(digest)?,
                size: size.ok_or_else(|| missing("size"))?,
            },
            media_type: text("mediaType")
                .ok_or_else(|| missing("mediaType"))?
                .to_owned(),
            artifact_type: text("artifactType").map(str::to_owned),
            tag: tag.and_then(Value::as_str).map(str::to_owned),
            json: Value::Null,
        };
        Ok(Self { json, ..entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reads_back_as_it_was_written_and_what_others_say_stays() {
        let own = Entry::of_snapshot(Descriptor::of(b"manifest"), LATEST);
        let index = Index::new(vec![own.clone()]);
        assert_eq!(Index::parse(&index.to_json()), Ok(index));
        let digest = Digest::of(b"theirs");
        let theirs = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"a/b","digest":"{digest}","size":6,"platform":{{"os":"linux"}}}}],"annotations":{{"x":"y"}}}}"#
        );
        let read = Index::parse(theirs.as_bytes()).unwrap();
        let [entry] = read.entries.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(entry.tag, None);
        assert!(!entry.may_be_snapshot() && !entry.is_index());
        let written = read.with(vec![entry.clone(), own]).to_json();
        let written = String::from_utf8(written).unwrap();
        assert!(
            written.contains(r#""platform":{"os":"linux"}"#),
            "{written}"
        );
        assert!(written.contains(r#""annotations":{"x":"y"}"#), "{written}");
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let digest = Digest::of(b"");
        let of = |head: &str, entry: &str| format!(r#"{{{head},"manifests":[{entry}]}}"#);
        let entry = format!(r#"{{"mediaType":"{MANIFEST_TYPE}","digest":"{digest}","size":0}}"#);
        let head = r#""schemaVersion":2"#;
        assert!(Index::parse(of(head, &entry).as_bytes()).is_ok());
        let docker = r#""schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json""#;
        for (text, why) in [
            ("{}".to_owned(), "missing field"),
            (of(r#""schemaVersion":1"#, &entry), "schema version 1"),
            (of(docker, &entry), "media type `application/vnd.docker"),
            (of(head, &entry.replace("digest", "x")), "without `digest`"),
            (
                of(head, &entry.replace("\"size\":0", "\"size\":-1")),
                "without `size`",
            ),
            (
                of(head, &entry.replace("mediaType", "x")),
                "without `mediaType`",
            ),
            (
                of(head, &entry.replace("sha256:", "sha512:")),
                "is not a digest",
            ),
        ] {
            let said = Index::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
        let large = vec![b' '; usize::try_from(limits::INDEX_BYTES).unwrap() + 1];
        assert!(Index::parse(&large).is_err());
    }

    #[test]
    fn a_tag_of_a_generation_has_one_spelling() {
        assert_eq!(generation_of_tag(&tag_of_generation(12)), Some(12));
        for other in [
            "latest",
            "generation-",
            "generation-07",
            "generation-+7",
            "7",
        ] {
            assert_eq!(generation_of_tag(other), None, "{other}");
        }
    }
}
