//! Certificates made on the spot: authorities, identities and gateway certificates, as files or in memory.
//!
//! Use it with `#[path = "common/pki.rs"] mod pki;`:
//!
//! ```ignore
//! let authority = Authority::new("shop.example");
//! authority.svid("service/orders").write(directory, &[&authority]);
//! ```
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Signs others. Its SPIFFE ID is the trust domain without a path.
pub(crate) struct Authority {
    pub(crate) trust_domain: String,
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
}

impl Authority {
    /// A self-signed root of `trust_domain`.
    pub(crate) fn new(trust_domain: &str) -> Self {
        let params = authority_params(trust_domain, "root");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            trust_domain: trust_domain.to_owned(),
            params,
            key,
            certificate,
        }
    }

    /// An authority below this one, made of `params`.
    pub(crate) fn below(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer()).unwrap();
        Self {
            trust_domain: self.trust_domain.clone(),
            params,
            key,
            certificate,
        }
    }

    /// An authority below this one.
    pub(crate) fn intermediate(&self) -> Self {
        self.below(authority_params(&self.trust_domain, "intermediate"))
    }

    /// The certificate of the node `node`, such as `service/orders`.
    pub(crate) fn svid(&self, node: &str) -> Svid {
        let uri = format!("spiffe://{}/{node}", self.trust_domain);
        self.sign(&workload_params(&[&uri]))
    }

    /// A certificate for host names, as gateways show it.
    pub(crate) fn web(&self, hosts: &[&str]) -> Svid {
        let mut params = workload_params(&[]);
        params.subject_alt_names = hosts
            .iter()
            .map(|host| SanType::DnsName((*host).try_into().unwrap()))
            .collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// Whatever `params` say, with a new P-256 key.
    pub(crate) fn sign(&self, params: &CertificateParams) -> Svid {
        self.sign_key(params, KeyPair::generate().unwrap())
    }

    /// Whatever `params` say, with a given key.
    pub(crate) fn sign_key(&self, params: &CertificateParams, key: KeyPair) -> Svid {
        let leaf = params.signed_by(&key, &self.issuer()).unwrap();
        Svid {
            chain: vec![leaf.der().clone()],
            key,
        }
    }

    /// The certificate of the authority.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The certificate of the authority, in PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A certificate with its chain and key; of a workload or of a gateway.
pub(crate) struct Svid {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

impl Svid {
    /// Adds `authority` to the chain.
    pub(crate) fn with(mut self, authority: &Authority) -> Self {
        self.chain.push(authority.der());
        self
    }

    /// The chain in PEM, leaf first.
    pub(crate) fn chain_pem(&self) -> String {
        self.chain
            .iter()
            .map(|certificate| pem("CERTIFICATE", certificate))
            .collect()
    }

    /// The key in PEM.
    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Writes the three files of an identity, as spiffe-helper does, with `bundle` as its authorities.
    pub(crate) fn write(&self, directory: &Path, bundle: &[&Authority]) {
        let bundle: String = bundle.iter().map(|authority| authority.pem()).collect();
        fs::write(directory.join("svid.pem"), self.chain_pem()).unwrap();
        fs::write(directory.join("svid_key.pem"), self.key_pem()).unwrap();
        fs::write(directory.join("svid_bundle.pem"), bundle).unwrap();
    }

    /// Writes chain and key of a gateway certificate.
    pub(crate) fn write_pair(&self, chain: &Path, key: &Path) {
        fs::write(chain, self.chain_pem()).unwrap();
        fs::write(key, self.key_pem()).unwrap();
    }

    /// For TLS, without asking whether key and certificate belong together.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Arc::new(CertifiedKey::new(
            self.chain.clone(),
            any_supported_type(&key).unwrap(),
        ))
    }
}

/// What a good workload certificate with these URI names asks for.
pub(crate) fn workload_params(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "workload");
    params.subject_alt_names = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()))
        .collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// What a good authority of `trust_domain` asks for.
pub(crate) fn authority_params(trust_domain: &str, name: &str) -> CertificateParams {
    let mut params = workload_params(&[&format!("spiffe://{trust_domain}")]);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{name} of {trust_domain}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    params
}

/// One section of PEM.
fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(word);
        for position in 0..4 {
            let index = usize::try_from((bits >> (18 - 6 * position)) & 63).unwrap();
            let padding = chunk.len() < position;
            text.push(if padding {
                '='
            } else {
                char::from(ALPHABET[index])
            });
        }
    }
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
