//! Why there is no snapshot where one was asked for.

use super::LayoutError;

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
