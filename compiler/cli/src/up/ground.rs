//! The folder of a run: snapshots that proxies watch, identities, certificates and logs. It goes with the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use weft_snapshot::layout::{Bundle, OCI_LAYOUT, Which};
use weft_snapshot::settings::{ListenerSecurity, NodeSettings};

use super::place::Instance;
use crate::disk::Folder;
use crate::local::authority::Authority;
use crate::stored;
use crate::whole::{self, Sync};

/// Whom a certificate for any host is for.
const ANY: [&str; 2] = ["localhost", "127.0.0.1"];

/// The folder, and who signs what is in it.
#[derive(Debug)]
pub(super) struct Ground {
    folder: TempDir,
    authority: Authority,
    /// Which hosts the certificates are for that were written.
    certified: BTreeMap<String, BTreeSet<String>>,
    trust_domain: String,
}

impl Ground {
    /// An empty folder and a new authority.
    pub(super) fn new(trust_domain: &str) -> anyhow::Result<Self> {
        let making = "making a folder for this run";
        let folder = tempfile::Builder::new().prefix("weft-up-").tempdir();
        let ground = Self {
            folder: folder.context(making)?,
            authority: Authority::new(trust_domain)?,
            certified: BTreeMap::new(),
            trust_domain: trust_domain.to_owned(),
        };
        for name in ["certificates", "identities", "logs"] {
            fs::create_dir(ground.folder.path().join(name)).context(making)?;
        }
        fs::write(ground.authority_file(), ground.authority.pem()).context(making)?;
        Ok(ground)
    }

    /// The domain whose identities are made here.
    pub(super) fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The certificate that clients of gateways have to trust.
    pub(super) fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The folder with the snapshot of an instance: one for all nodes, and one for each version with a process of its own.
    pub(super) fn snapshot(&self, instance: &Instance) -> PathBuf {
        let name = match &instance.version {
            None => "snapshot".to_owned(),
            Some(_) => format!("snapshot-{}", file_name(&instance.name())),
        };
        self.folder.path().join(name)
    }

    /// Where the logs of an instance are, without their endings.
    pub(super) fn log(&self, instance: &Instance) -> PathBuf {
        let name = file_name(&instance.name());
        // What follows a dot would be taken for an ending.
        let name = format!("{name}.log");
        self.folder.path().join("logs").join(name)
    }

    /// Writes the identity of a node, and says where.
    pub(super) fn identity(&self, instance: &Instance) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path().join("identities");
        let folder = folder.join(file_name(&instance.node));
        self.authority
            .identity(&instance.node)?
            .write_identity(&folder)?;
        Ok(folder)
    }

    /// Where the chain and the key of a certificate of the spec are here.
    pub(super) fn certificate(&self, name: &str) -> (PathBuf, PathBuf) {
        let folder = self.folder.path().join("certificates");
        let at = |ending: &str| folder.join(format!("{}.{ending}", file_name(name)));
        (at("pem"), at("key"))
    }

    /// Writes the certificates that gateways show, unless they are there for the same hosts.
    pub(super) fn certify(&mut self, nodes: &[NodeSettings]) -> anyhow::Result<()> {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in nodes {
            for (position, certificate) in (0_u32..).zip(&node.certificates) {
                let shows = ListenerSecurity::Tls {
                    certificate: position,
                };
                let listeners = node.listeners.iter().filter(|one| one.security == shows);
                let hosts = listeners.flat_map(|listener| &listener.hosts);
                let entry = wanted.entry(certificate.name.clone()).or_default();
                for host in hosts {
                    match host.as_str() {
                        "*" => entry.extend(ANY.map(str::to_owned)),
                        host => entry.extend([host.to_owned()]),
                    }
                }
            }
        }
        for (name, hosts) in wanted {
            if self.certified.get(&name) != Some(&hosts) {
                let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
                let (chain, key) = self.certificate(&name);
                let issued = self.authority.certificate(&names);
                let writing = || format!("a certificate in the place of `{name}`");
                issued.with_context(writing)?.write_pair(&chain, &key)?;
                self.certified.insert(name, hosts);
            }
        }
        Ok(())
    }

    /// The generation that a folder has; none when it has nothing that can be read.
    pub(super) fn generation(folder: &Path) -> Option<u64> {
        let newest = stored::read_which(folder, Which::Newest);
        Some(newest.ok()??.generation)
    }
}

/// Makes a bundle the snapshot of a folder: blobs first, then, at once, the index. Nothing of it outlives the run, so nothing waits for a disk.
pub(super) fn publish(at: &Path, bundle: &Bundle, generation: u64) -> anyhow::Result<()> {
    let writing = || format!("writing the snapshot in `{}`", at.display());
    fs::create_dir_all(at).with_context(writing)?;
    let folder = Folder::follow(at)?;
    let blobs = folder.made("blobs".as_ref())?.made("sha256".as_ref())?;
    for (digest, bytes) in &bundle.blobs {
        replace(&blobs, &digest.hex(), bytes)?;
    }
    let numbered = bundle.numbered(generation);
    replace(
        &blobs,
        &numbered.descriptor.digest.hex(),
        &numbered.manifest,
    )?;
    replace(&folder, "oci-layout", OCI_LAYOUT.as_bytes())?;
    replace(&folder, "index.json", &numbered.index)
}

fn replace(folder: &Folder, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    if whole::has_content(folder, name, bytes) {
        return Ok(());
    }
    whole::write(folder, name, bytes, Sync::Later)
}

/// A name that is one part of a path.
fn file_name(name: &str) -> String {
    name.replace('/', ".")
}
