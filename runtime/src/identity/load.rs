//! One checked set of files becomes an [`Identity`]: the node's certificate, its key, and the trust bundle.
//!
//! The set is what spiffe-helper writes. It is accepted only when we would believe it ourselves, with
//! the very verifier that it brings along; a half-written set therefore never gets this far.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::KeyUsage;

use super::configs::{client_config, server_config};
use super::files::{FileError, certificates, certified_key, say_if_open_to_others};
use super::leaf::{Leaf, PeerError};
use super::shown::{Shown, Side};
use super::spiffe_id::{SpiffeId, SpiffeIdError, TrustDomain};
use super::verifier::SpiffeVerifier;

/// The chain, leaf first.
const CHAIN: &str = "svid.pem";
/// The private key of the leaf.
const KEY: &str = "svid_key.pem";
/// The authorities of the trust domain.
const BUNDLE: &str = "svid_bundle.pem";

/// Why a set of files is not an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The trust domain or the node cannot be part of a SPIFFE ID.
    #[error("`{name}` cannot be part of an identity")]
    BadName {
        /// Which of them.
        name: String,
        /// Why.
        #[source]
        source: SpiffeIdError,
    },
    /// A file is bad, or key and certificate do not belong together.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bundle has no valid authority, or one that cannot speak for the trust domain.
    #[error("`{}` is not a bundle of valid authorities of the trust domain `{trust_domain}`", path.display())]
    BadBundle {
        /// The bundle.
        path: PathBuf,
        /// Whose it should be.
        trust_domain: TrustDomain,
    },
    /// The certificate is another node's.
    #[error("the certificate is that of `{found}`, not of `{expected}`")]
    WrongIdentity {
        /// The node we are.
        expected: SpiffeId,
        /// The identity in the certificate.
        found: SpiffeId,
    },
    /// The certificate breaks a rule, is expired, or is not signed by an authority of the bundle.
    #[error("peers would refuse `{}`", path.display())]
    Refused {
        /// The chain.
        path: PathBuf,
        /// The reason they would have.
        #[source]
        source: rustls::Error,
    },
    /// The leaf breaks a rule of workload certificates.
    #[error("`{}` is not the certificate of a workload", path.display())]
    NotAWorkload {
        /// The chain.
        path: PathBuf,
        /// The rule it breaks.
        #[source]
        source: PeerError,
    },
    /// TLS cannot be configured with it.
    #[error("TLS cannot be configured")]
    Tls(#[from] rustls::Error),
}

/// Where the identity of a node is, and which one it must be.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    directory: PathBuf,
    trust_domain: TrustDomain,
    id: SpiffeId,
}

impl IdentityFiles {
    /// The files of the node `node` (`service/orders`) of `trust_domain` in `directory`.
    ///
    /// # Errors
    ///
    /// [`IdentityError::BadName`] when these names cannot be part of a SPIFFE ID.
    pub fn new(directory: &Path, trust_domain: &str, node: &str) -> Result<Self, IdentityError> {
        let bad = |name: &str| {
            let name = name.to_owned();
            move |source| IdentityError::BadName { name, source }
        };
        let trust_domain = TrustDomain::parse(trust_domain).map_err(bad(trust_domain))?;
        let id = SpiffeId::of_node(&trust_domain, node).map_err(bad(node))?;
        Ok(Self {
            directory: directory.to_owned(),
            trust_domain,
            id,
        })
    }

    /// The directory to watch.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Says so if everybody on this machine may read the key.
    pub(crate) fn say_if_key_is_open(&self) {
        say_if_open_to_others(&self.directory.join(KEY));
    }

    /// The identity that the certificate must carry.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }
}

/// Who this node is and whom it believes, ready for TLS. Replaced whole, never changed.
pub struct Identity {
    /// For connections from other proxies. HTTP/2 or HTTP/1.1.
    pub server: Arc<ServerConfig>,
    /// For connections to other proxies. HTTP/2 only.
    pub client: Arc<ClientConfig>,
    /// `spiffe://<trust domain>/<node>`.
    pub spiffe_id: Arc<str>,
    /// The last second (since 1970 UTC) in which peers accept the certificate.
    pub not_after_unix: i64,
    /// SHA-256 over chain and bundle, in hexadecimal; changes with every rotation.
    pub digest: Arc<str>,
    /// SHA-256 over the chain, in hexadecimal; when it changes, new connections show another certificate.
    pub certificate_digest: Arc<str>,
    /// SHA-256 over the bundle, in hexadecimal.
    pub trust_digest: Arc<str>,
    trust_domain: TrustDomain,
    verifier: Arc<SpiffeVerifier>,
}

impl Identity {
    /// Reads and checks the identity of `node` in `directory`.
    ///
    /// # Errors
    ///
    /// Any reason for which a peer, or we ourselves, would refuse it.
    pub fn load(directory: &Path, trust_domain: &str, node: &str) -> Result<Self, IdentityError> {
        Self::load_files(
            &IdentityFiles::new(directory, trust_domain, node)?,
            UnixTime::now(),
        )
    }

    /// As [`Identity::load`], as of `now`.
    ///
    /// # Errors
    ///
    /// As [`Identity::load`].
    pub fn load_files(files: &IdentityFiles, now: UnixTime) -> Result<Self, IdentityError> {
        let chain = files.directory.join(CHAIN);
        let bundle_path = files.directory.join(BUNDLE);
        let key = certified_key(&chain, &files.directory.join(KEY))?;
        let bundle = certificates(&bundle_path)?;
        let verifier = SpiffeVerifier::new(files.trust_domain.clone(), &bundle, now).ok_or(
            IdentityError::BadBundle {
                path: bundle_path,
                trust_domain: files.trust_domain.clone(),
            },
        )?;
        let leaf = check_ourselves(files, &key.cert, &verifier, now)?;
        let (key, verifier) = (Arc::new(key), Arc::new(verifier));
        Ok(Self {
            server: Arc::new(server_config(Arc::clone(&key), Arc::clone(&verifier))?),
            client: Arc::new(client_config(Arc::clone(&key), Arc::clone(&verifier))?),
            spiffe_id: leaf.id.into_text(),
            not_after_unix: leaf.not_after_unix,
            digest: digest(&[&key.cert, &bundle]),
            certificate_digest: digest(&[&key.cert]),
            trust_digest: digest(&[&bundle]),
            trust_domain: files.trust_domain.clone(),
            verifier,
        })
    }

    /// The identity of a peer after a TLS handshake, from the certificates that it showed.
    ///
    /// To be asked on every connection of either side: a resumed session brings the certificates of its
    /// first handshake and runs no verifier, so time and trust domain are checked here again.
    ///
    /// # Errors
    ///
    /// The first rule that the certificate breaks.
    pub fn peer(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Arc<str>, PeerError> {
        let leaf = Leaf::of_chain(chain)?;
        leaf.check(&self.trust_domain, now)?;
        Ok(leaf.id.into_text())
    }

    /// Whether a peer that was believed is still believed: its chain is verified again, with the authorities of
    /// today, as of the moment it was shown. Time alone takes no trust away.
    ///
    /// # Errors
    ///
    /// Why it would be refused if it came anew with the same certificate.
    pub fn judge_again(&self, shown: &Shown, side: Side) -> Result<(), rustls::Error> {
        let (end_entity, intermediates) = shown
            .chain()
            .split_first()
            .ok_or(rustls::Error::NoCertificatesPresented)?;
        let usage = match side {
            Side::Client => KeyUsage::client_auth(),
            Side::Server => KeyUsage::server_auth(),
        };
        self.verifier
            .verify(end_entity, intermediates, shown.at(), usage)
            .map(|_leaf| ())
    }

    /// Whether no peer that `old` believed has to be judged again.
    pub fn believes_all_of(&self, old: &Self) -> bool {
        self.verifier.believes_all_of(&old.verifier)
    }

    /// The trust domain whose members are believed.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("spiffe_id", &self.spiffe_id)
            .field("not_after_unix", &self.not_after_unix)
            .field("digest", &self.digest)
            .field("trust_digest", &self.trust_digest)
            .finish_non_exhaustive()
    }
}

/// Asks of our own certificate what peers will ask, and that it is ours.
fn check_ourselves(
    files: &IdentityFiles,
    chain: &[CertificateDer<'static>],
    verifier: &SpiffeVerifier,
    now: UnixTime,
) -> Result<Leaf, IdentityError> {
    let path = || files.directory.join(CHAIN);
    let leaf = Leaf::of_chain(chain).map_err(|source| IdentityError::NotAWorkload {
        path: path(),
        source,
    })?;
    if leaf.id != files.id {
        return Err(IdentityError::WrongIdentity {
            expected: files.id.clone(),
            found: leaf.id,
        });
    }
    let (end_entity, intermediates) =
        chain
            .split_first()
            .ok_or_else(|| IdentityError::NotAWorkload {
                path: path(),
                source: PeerError::NoCertificate,
            })?;
    for usage in [KeyUsage::client_auth(), KeyUsage::server_auth()] {
        verifier
            .verify(end_entity, intermediates, now, usage)
            .map_err(|source| IdentityError::Refused {
                path: path(),
                source,
            })?;
    }
    Ok(leaf)
}

/// SHA-256 over lists of certificates, each with its length, in hexadecimal.
fn digest(lists: &[&[CertificateDer<'static>]]) -> Arc<str> {
    let mut context = Context::new(&SHA256);
    for list in lists {
        context.update(&list.len().to_le_bytes());
        for certificate in *list {
            context.update(&certificate.len().to_le_bytes());
            context.update(certificate);
        }
    }
    let mut text = String::with_capacity(64);
    for byte in context.finish().as_ref() {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
    }
    Arc::from(text)
}
