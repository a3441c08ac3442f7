//! The certificates that gateways show to clients, chosen by SNI, and replaced while they serve.
//!
//! The most specific pattern that matches the name wins: an exact host, then the longest `*.suffix`, then
//! `*`. A name that nobody serves gets no certificate, so the handshake fails. A client that sends no
//! name (an IP address is none: RFC 6066, 3) gets the default that a listener of the port names, else the certificate of
//! `*`, or the only one there is.
//!
//! Files are read when a configuration is made, which is before a snapshot is swapped in, and again
//! when they change. A bad pair changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::UnixTime;
use weft_snapshot::choice::HostIndex;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::configs::{H2, HTTP_1_0, HTTP_1_1, OUTSIDE_VERSIONS, provider};
use super::files::{FileError, certified_key, say_if_open_to_others};
use super::hints::DirectoryWatch;
use super::load::IdentityError;
use super::status::{IdentityStatus, with_causes};
use super::watch::patiently;

/// One listener of a gateway, as far as its certificate goes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EdgeListener {
    /// The hosts it serves, canonical: exact, `*.suffix` or `*`.
    pub hosts: Vec<String>,
    /// The PEM file with the chain, leaf first.
    pub chain: PathBuf,
    /// The PEM file with the key.
    pub key: PathBuf,
    /// Chain and key for clients that send no name, where they are said.
    pub default: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with the pairs that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", bad.join("; "))]
struct BadPairs {
    bad: Vec<String>,
}

/// All gateway certificates in use. One per process, owned by the control thread.
///
/// Equal listeners get the same configuration for as long as anybody uses it, so a new snapshot with the
/// same listeners keeps the sessions of clients.
#[derive(Debug, Default)]
pub struct EdgeStore {
    cache: Mutex<EdgeCache>,
    status: IdentityStatus,
}

/// What the store knows. Only the control thread takes the lock, never a handshake.
#[derive(Debug, Default)]
struct EdgeCache {
    pairs: BTreeMap<(PathBuf, PathBuf), Weak<EdgePair>>,
    configs: BTreeMap<Vec<EdgeListener>, Weak<ServerConfig>>,
}

impl EdgeStore {
    /// The TLS configuration of one port with `listeners`: TLS 1.2 or 1.3, HTTP/2 or HTTP/1.1.
    ///
    /// # Errors
    ///
    /// When a pair of files is bad or TLS cannot be configured.
    pub fn config(&self, listeners: &[EdgeListener]) -> Result<Arc<ServerConfig>, IdentityError> {
        let mut cache = self.cache();
        if let Some(config) = cache.configs.get(listeners).and_then(Weak::upgrade) {
            return Ok(config);
        }
        let mut resolver = EdgeResolver::default();
        for listener in listeners {
            resolver.serve(listener, &cache.pair(&listener.chain, &listener.key)?);
            if let Some((chain, key)) = &listener.default {
                let pair = cache.pair(chain, key)?;
                // The compiler refuses a second one.
                resolver.nameless.get_or_insert(pair);
            }
        }
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(OUTSIDE_VERSIONS)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec(), HTTP_1_0.to_vec()];
        config.ticketer = Ticketer::new()?;
        config.max_early_data_size = 0;
        let config = Arc::new(config);
        cache
            .configs
            .insert(listeners.to_vec(), Arc::downgrade(&config));
        Ok(config)
    }

    /// Reads every pair in use again, and replaces those that changed and are good.
    pub fn refresh(&self) {
        self.tell(self.take_good());
    }

    /// Watches the files of all pairs in use for ever. Dropping the future ends the watch.
    ///
    /// Files of a configuration that is made later are watched from the next poll on, 5 s at most. A pair that is
    /// whole within a second was never bad: see [`super::watch()`].
    pub async fn watch(&self) -> Infallible {
        let mut hints = DirectoryWatch::new();
        loop {
            hints.listen(&self.directories());
            let outcome = patiently(&self.status, || self.take_good()).await;
            self.tell(outcome);
            hints.next().await;
        }
    }

    /// Replaces the pairs that changed and are good, also beside others that are bad.
    fn take_good(&self) -> Result<(), BadPairs> {
        let mut bad = Vec::new();
        for pair in self.pairs() {
            match pair.refresh() {
                Ok(true) => self.status.rotated(),
                Ok(false) => {}
                Err(error) => bad.push(with_causes(&error)),
            }
        }
        if bad.is_empty() {
            return Ok(());
        }
        Err(BadPairs { bad })
    }

    fn tell(&self, outcome: Result<(), BadPairs>) {
        match outcome {
            Ok(()) => self.status.unchanged(),
            Err(bad) => self.status.refused(&bad),
        }
    }

    /// How keeping the files fresh has gone.
    pub fn status(&self) -> &IdentityStatus {
        &self.status
    }

    /// The earliest last second (since 1970 UTC) of a certificate in use.
    pub fn not_after_unix(&self) -> Option<i64> {
        self.pairs()
            .iter()
            .filter_map(|pair| not_after_unix(&pair.current.load()))
            .min()
    }

    fn cache(&self) -> MutexGuard<'_, EdgeCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pairs in use; forgets the others.
    fn pairs(&self) -> Vec<Arc<EdgePair>> {
        let mut cache = self.cache();
        cache
            .configs
            .retain(|_listeners, config| 0 < config.strong_count());
        cache.pairs.retain(|_paths, pair| 0 < pair.strong_count());
        cache.pairs.values().filter_map(Weak::upgrade).collect()
    }

    fn directories(&self) -> BTreeSet<PathBuf> {
        let pairs = self.pairs();
        pairs
            .iter()
            .flat_map(|pair| [pair.chain.parent(), pair.key.parent()])
            .flatten()
            .map(|parent| {
                if parent == Path::new("") {
                    Path::new(".")
                } else {
                    parent
                }
            })
            .map(Path::to_owned)
            .collect()
    }
}

impl EdgeCache {
    /// The pair of these files, shared with whoever uses it already.
    fn pair(&mut self, chain: &Path, key: &Path) -> Result<Arc<EdgePair>, FileError> {
        let paths = (chain.to_owned(), key.to_owned());
        if let Some(pair) = self.pairs.get(&paths).and_then(Weak::upgrade) {
            return Ok(pair);
        }
        let pair = Arc::new(EdgePair::load(chain, key)?);
        self.pairs.insert(paths, Arc::downgrade(&pair));
        Ok(pair)
    }
}

/// A certificate and its key, replaced together.
#[derive(Debug)]
struct EdgePair {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl EdgePair {
    fn load(chain: &Path, key: &Path) -> Result<Self, FileError> {
        let current = certified_key(chain, key)?;
        if is_expired(&current) {
            tracing::warn!(chain = %chain.display(), "the certificate has expired");
        }
        say_if_open_to_others(key);
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(current),
        })
    }

    /// Takes the files as they are now, when they are good; says whether they were new.
    fn refresh(&self) -> Result<bool, FileError> {
        let fresh = certified_key(&self.chain, &self.key)?;
        let current = self.current.load();
        // An equal chain has an equal key: both pairs are proven to match.
        if fresh.cert == current.cert || (is_expired(&fresh) && !is_expired(&current)) {
            return Ok(false);
        }
        tracing::info!(chain = %self.chain.display(), "certificate rotated");
        say_if_open_to_others(&self.key);
        self.current.store(Arc::new(fresh));
        Ok(true)
    }
}

/// Chooses the certificate of a handshake: that of the listener that gets the host, by the choice of [`weft_snapshot::choice`].
#[derive(Debug, Default)]
struct EdgeResolver {
    hosts: HostIndex<Arc<EdgePair>>,
    /// For clients that send no name.
    nameless: Option<Arc<EdgePair>>,
    pairs: Vec<Arc<EdgePair>>,
}

impl EdgeResolver {
    /// Adds a listener. The first one to claim a host has it; the compiler refuses a second one.
    fn serve(&mut self, listener: &EdgeListener, pair: &Arc<EdgePair>) {
        for host in &listener.hosts {
            self.hosts.insert(host, Arc::clone(pair));
        }
        if !self.pairs.iter().any(|known| Arc::ptr_eq(known, pair)) {
            self.pairs.push(Arc::clone(pair));
        }
    }

    fn choose(&self, name: Option<&str>) -> Option<&Arc<EdgePair>> {
        let Some(name) = name else {
            // No host but `*` has the empty one.
            let any = self.hosts.best("").map(|(_, pair)| pair);
            let usual = any.or(match self.pairs.as_slice() {
                [only] => Some(only),
                _several => None,
            });
            return self.nameless.as_ref().or(usual);
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        self.hosts.best(&name).map(|(_, pair)| pair)
    }
}

impl ResolvesServerCert for EdgeResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name())
            .map(|pair| pair.current.load_full())
    }
}

fn not_after_unix(key: &CertifiedKey) -> Option<i64> {
    let (_rest, certificate) = X509Certificate::from_der(key.cert.first()?).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn is_expired(key: &CertifiedKey) -> bool {
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    not_after_unix(key).is_none_or(|not_after| not_after < now)
}
