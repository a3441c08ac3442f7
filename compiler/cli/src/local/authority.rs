//! Certificates made on the spot: an authority, workload identities, and certificates for hosts.
//!
//! They are for one run on one machine: the key of the authority is never written, and goes with the process.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Signs identities of one trust domain, and certificates for hosts.
#[derive(Debug)]
pub struct Authority {
    trust_domain: String,
    params: CertificateParams,
    key: KeyPair,
    certificate: Certificate,
}

impl Authority {
    /// A new root of `trust_domain`.
    ///
    /// # Errors
    ///
    /// When the trust domain cannot stand in a URI.
    pub fn new(trust_domain: &str) -> anyhow::Result<Self> {
        let mut params = named(&[uri(&format!("spiffe://{trust_domain}"))?], trust_domain);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            trust_domain: trust_domain.to_owned(),
            params,
            key,
            certificate,
        })
    }

    /// The identity of a node: `service/orders` becomes `spiffe://<trust domain>/service/orders`.
    ///
    /// # Errors
    ///
    /// When the node cannot stand in a URI.
    pub fn identity(&self, node: &str) -> anyhow::Result<Issued> {
        let mut params = named(
            &[uri(&format!("spiffe://{}/{node}", self.trust_domain))?],
            node,
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.sign(&params)
    }

    /// A certificate that a gateway shows for `hosts`: DNS names and addresses.
    ///
    /// # Errors
    ///
    /// When a host is no DNS name.
    pub fn certificate(&self, hosts: &[&str]) -> anyhow::Result<Issued> {
        // An address of IPv6 stands in brackets where a host does.
        let name = |host: &&str| match host.trim_matches(['[', ']']).parse() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => Ok(SanType::DnsName((*host).try_into()?)),
        };
        let names: Result<Vec<SanType>, _> = hosts.iter().map(name).collect();
        let names = names.map_err(|error: rcgen::Error| anyhow::anyhow!(error))?;
        let mut params = named(&names, "gateway");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// The authority's own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The authority's own certificate.
    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn sign(&self, params: &CertificateParams) -> anyhow::Result<Issued> {
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key))?;
        Ok(Issued {
            chain_pem: leaf.pem(),
            leaf: leaf.der().clone(),
            bundle_pem: self.pem(),
            key,
        })
    }
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Issued {
    chain_pem: String,
    leaf: CertificateDer<'static>,
    bundle_pem: String,
    key: KeyPair,
}

impl Issued {
    /// Reads an identity that [`Issued::write_identity`] wrote.
    ///
    /// # Errors
    ///
    /// When a file is not there, or not what it should be.
    pub fn read_identity(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))
        };
        let chain_pem = read("svid.pem")?;
        Ok(Self {
            leaf: CertificateDer::from_pem_slice(chain_pem.as_bytes())?,
            bundle_pem: read("svid_bundle.pem")?,
            key: KeyPair::from_pem(&read("svid_key.pem")?)?,
            chain_pem,
        })
    }

    /// Writes `svid.pem`, `svid_key.pem` and `svid_bundle.pem` into `folder`, as spiffe-helper does.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_identity(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(folder.join("svid.pem"), &self.chain_pem)?;
        write_key(&folder.join("svid_key.pem"), &self.key)?;
        fs::write(folder.join("svid_bundle.pem"), &self.bundle_pem)?;
        Ok(())
    }

    /// Writes the chain and the key to two files.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_pair(&self, chain: &Path, key: &Path) -> anyhow::Result<()> {
        if let Some(folder) = chain.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(chain, &self.chain_pem)?;
        write_key(key, &self.key)?;
        Ok(())
    }

    /// The chain and the key for a TLS client.
    pub fn for_client(&self) -> (Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>) {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        (vec![self.leaf.clone()], Arc::new(key))
    }
}

/// Writes a key that nobody else reads.
fn write_key(path: &Path, key: &KeyPair) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    Ok(file.write_all(key.serialize_pem().as_bytes())?)
}

fn uri(text: &str) -> anyhow::Result<SanType> {
    Ok(SanType::URI(text.try_into()?))
}

fn named(names: &[SanType], common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.subject_alt_names = names.to_vec();
    params
}
