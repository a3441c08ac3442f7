//! The files around the slices: an OCI image layout, so that any registry takes a snapshot.
//!
//! Source: OCI Image Format Specification 1.1, image-layout.md, image-index.md, manifest.md and annotations.md.
//! A snapshot is one artifact manifest; each slice is a layer whose title is the node's name, and the origins
//! are one more layer. The generation is an annotation of the manifest: tools that copy layouts write
//! indexes anew, and keep nothing of them but which manifests they name and by which tags.

mod bundle;
mod choose;
mod choose_error;
mod digest;
mod found;
mod index;
mod leaves;
mod manifest;
mod reference;

use serde::Deserialize;

use crate::limits;
pub use bundle::{Bundle, Numbered};
pub use choose::{Chosen, Held, Which, choose, held};
pub use choose_error::ChooseError;
pub use digest::{Digest, Digesting};
pub use found::{Found, Known};
pub use index::{Entry, Index, LATEST, generation_of_tag, tag_of_generation};
pub use leaves::Damaged;
pub use manifest::{Manifest, named_blobs};
pub use reference::Reference;

/// The content of the file `oci-layout`, as it is written here; others space it otherwise.
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
const GENERATION: &str = "dev.weft.generation";
/// The one version of image layouts that there is. Source: image-layout.md, "oci-layout file".
const LAYOUT_VERSION: &str = "1.0.0";
/// The one version of indexes and manifests. Source: image-index.md and manifest.md, "schemaVersion".
const SCHEMA_VERSION: u32 = 2;

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
    /// A layout has not what was asked for.
    #[error("{what}")]
    Absent {
        /// What is not there, and what is.
        what: String,
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

/// Reads the JSON of a file of at most `limit` bytes.
fn json<'bytes, T: Deserialize<'bytes>>(
    file: &'static str,
    bytes: &'bytes [u8],
    limit: u64,
) -> Result<T, LayoutError> {
    bounded(file, bytes, limit)?;
    serde_json::from_slice(bytes).map_err(|error| LayoutError::Json {
        file,
        message: error.to_string(),
    })
}

/// Refuses what has another version of its form, or says that it is something else. A media type may be left out there.
fn has_form(
    file: &'static str,
    version: u32,
    (found, wanted): (Option<&str>, &str),
) -> Result<(), LayoutError> {
    if version != SCHEMA_VERSION {
        return Err(content(file, format!("schema version {version}")));
    }
    match found {
        Some(other) if other != wanted => Err(content(file, format!("media type `{other}`"))),
        Some(_) | None => Ok(()),
    }
}

/// The number that an annotation says. One spelling, and one that others can follow: whoever served the last number of all would
/// refuse every snapshot that comes after it.
fn generation(file: &'static str, text: &str) -> Result<u64, LayoutError> {
    let number = text.parse().ok();
    let number = number.filter(|number: &u64| number.to_string() == text);
    let Some(number) = number else {
        let shown: String = text.chars().take(40).collect();
        let what = format!("annotation `{GENERATION}` is `{shown}` and no number");
        return Err(content(file, what));
    };
    if limits::GENERATION_TOP <= number {
        let what = format!("generation {number} is at the top of its range");
        return Err(content(file, what));
    }
    Ok(number)
}

/// Whether the content of `oci-layout` is that of an image layout that can be read.
///
/// # Errors
///
/// [`LayoutError`] when it is something else, or of another version.
pub fn check_layout(bytes: &[u8]) -> Result<(), LayoutError> {
    const FILE: &str = "oci-layout";
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LayoutJson {
        image_layout_version: String,
    }
    let found: LayoutJson = json(FILE, bytes, limits::LAYOUT_BYTES)?;
    if found.image_layout_version == LAYOUT_VERSION {
        return Ok(());
    }
    let version: String = found.image_layout_version.chars().take(40).collect();
    let what = format!("image layouts of version `{version}` are not known, only {LAYOUT_VERSION}");
    Err(content(FILE, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_of_another_version_is_refused() {
        assert_eq!(check_layout(OCI_LAYOUT.as_bytes()), Ok(()));
        // As skopeo writes it.
        assert_eq!(check_layout(br#"{"imageLayoutVersion": "1.0.0"}"#), Ok(()));
        for wrong in ["", "{}", r#"{"imageLayoutVersion":"2.0.0"}"#, "[]"] {
            assert!(check_layout(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_generation_has_one_spelling() {
        assert_eq!(generation("x", "7"), Ok(7));
        for wrong in ["", "+7", "07", "7 ", "-1", "7.0", "seven"] {
            assert!(generation("x", wrong).is_err(), "{wrong}");
        }
    }
}
