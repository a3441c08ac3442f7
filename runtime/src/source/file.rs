//! Reads a file that others write, never more of it than was agreed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BoundedReadError {
    /// The system said no.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// It is larger than allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: u64,
    },
}

/// Reads all of `path`, at most `limit` bytes; regular files only, so that a pipe cannot stall the reader.
///
/// # Errors
///
/// [`BoundedReadError::TooLarge`] before anything is allocated when the length says so, and also when the file
/// grows while it is read.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, BoundedReadError> {
    // A FIFO would block in open(), so the kind is asked for first.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file").into());
    }
    if limit < metadata.len() {
        return Err(BoundedReadError::TooLarge { limit });
    }
    let capacity = usize::try_from(metadata.len())
        .unwrap_or(0)
        .saturating_add(1);
    let mut bytes = Vec::with_capacity(capacity);
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| limit < length) {
        return Err(BoundedReadError::TooLarge { limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_at_the_bound_is_read_and_one_beyond_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"1234").unwrap();

        assert_eq!(read_bounded(&path, 4).unwrap(), b"1234");
        assert!(matches!(
            read_bounded(&path, 3),
            Err(BoundedReadError::TooLarge { limit: 3 })
        ));
    }

    #[test]
    fn a_folder_or_device_is_not_a_file() {
        assert!(matches!(
            read_bounded(Path::new("/dev/zero"), 4),
            Err(BoundedReadError::Unreadable(_))
        ));
        assert!(matches!(
            read_bounded(Path::new("/"), 4),
            Err(BoundedReadError::Unreadable(_))
        ));
    }
}
