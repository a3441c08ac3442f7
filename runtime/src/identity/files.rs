//! Bounded reading of PEM files.
//!
//! Certificates are public. Of a key, the file's bytes and the decoded form are wiped as soon as the
//! library of cryptography has it, and no error quotes either. The decoder's own scratch space is beyond our
//! reach, which is one reason why the process makes no core dumps.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::{Zeroize, Zeroizing};

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 1 << 20;

/// Why a file of certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// Which one.
        path: PathBuf,
    },
    /// It has more than 1 MiB.
    #[error("`{}` is larger than 1 MiB", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
    },
    /// It holds no certificate, or something that looks like one and is not.
    #[error("`{}` does not hold certificates in PEM", path.display())]
    NoCertificates {
        /// Which one.
        path: PathBuf,
    },
    /// It holds no private key of a kind that we can use.
    #[error("`{}` does not hold a usable private key in PEM", path.display())]
    NoKey {
        /// Which one.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key in `{}` does not belong to the certificate in `{}`", key.display(), chain.display())]
    KeyMismatch {
        /// The certificate.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

/// Reads all certificates of a PEM file, in their order; there is at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(path)?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_quotes_the_file| FileError::NoCertificates {
            path: path.to_owned(),
        })?;
    if certificates.is_empty() {
        return Err(FileError::NoCertificates {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}

/// Reads a chain, leaf first, and its key, and proves that they belong together.
pub(super) fn certified_key(chain: &Path, key: &Path) -> Result<CertifiedKey, FileError> {
    let certified = CertifiedKey::new(certificates(chain)?, private_key(key)?);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(_quotes_nothing) => Err(FileError::KeyMismatch {
            chain: chain.to_owned(),
            key: key.to_owned(),
        }),
    }
}

/// Says so if users of the machine that are neither the key's owner nor of its group can read or change it.
///
/// It is no reason to refuse it: an orchestrator that mounts keys so leaves no choice.
pub(super) fn say_if_open_to_others(key: &Path) {
    if is_open_to_others(key) {
        tracing::warn!(key = %key.display(), "the private key is open to every user of this machine; take that right away (chmod o-rwx)");
    }
}

fn is_open_to_others(key: &Path) -> bool {
    std::fs::metadata(key).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

/// Reads the first private key of a PEM file.
fn private_key(path: &Path) -> Result<Arc<dyn SigningKey>, FileError> {
    let unusable = || FileError::NoKey {
        path: path.to_owned(),
    };
    let bytes = read(path)?;
    // The causes are dropped on purpose: some of them quote the line that they stumbled over.
    let mut der = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_quotes_the_key| unusable())?;
    let key = any_supported_type(&der);
    der.zeroize();
    key.map_err(|_quotes_nothing| unusable())
}

/// Reads a file into a buffer that never moves and is wiped when dropped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile {
            path: path.to_owned(),
        });
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if LARGEST_FILE < size {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
        });
    }
    read_exactly(file, size).map_err(failed)
}

/// Opens without waiting: a pipe without a writer would block for ever.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

/// Fails when the file is not as long as it said, which means that someone is writing it.
fn read_exactly(mut file: File, size: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; size]);
    file.read_exact(&mut bytes)?;
    let mut beyond = [0; 1];
    match file.read(&mut beyond)? {
        0 => Ok(bytes),
        _grown => Err(io::Error::other("the file grew while it was read")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_beyond_the_limit_is_refused_unread() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.pem");
        File::create(&path).unwrap().set_len(2 << 20).unwrap();

        assert!(matches!(
            certificates(&path),
            Err(FileError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_key_is_open_when_neither_owner_nor_group_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        fs::write(&path, "").unwrap();
        let is_open = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            is_open_to_others(&path)
        };
        assert_eq!(
            [0o600, 0o640, 0o644, 0o602].map(is_open),
            [false, false, true, true]
        );
    }

    #[test]
    fn devices_and_directories_are_refused() {
        let directory = tempfile::tempdir().unwrap();

        for path in [
            directory.path(),
            Path::new("/dev/zero"),
            Path::new("/dev/tty0"),
        ] {
            let refused = certificates(path).unwrap_err();
            assert!(
                !matches!(refused, FileError::NoCertificates { .. }),
                "{refused}"
            );
        }
    }

    #[test]
    fn no_error_quotes_a_key() {
        let canary = "CANARYcanaryCANARY";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        for text in [
            canary.to_owned(),
            format!("-----BEGIN {canary}"),
            format!("-----BEGIN PRIVATE KEY-----\n{canary}"),
            format!("-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN PRIVATE KEY-----\n{canary}!\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN {canary}-----\nAAAA\n-----END {canary}-----\n"),
        ] {
            fs::write(&path, text).unwrap();
            let key = private_key(&path).unwrap_err();
            let chain = certificates(&path).unwrap_err();

            for error in [key, chain] {
                let shown = format!("{error} {error:?} {error:#?}");
                assert!(!shown.contains(canary), "{shown}");
            }
        }
    }
}
