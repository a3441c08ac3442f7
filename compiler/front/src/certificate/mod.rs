//! What a certificate file says, as far as rules ask.

mod files;
mod issuers;
mod key;

use std::net::IpAddr;

pub use files::{CertificateFiles, Content, FileRead, WrongFile};
pub use issuers::IssuerFacts;
use key::{PublicHalf, magnitude, public_half};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

/// So many certificates of a file are looked at.
const BESIDE: usize = 32;
/// The shortest RSA key that clients accept, in bits (CA/Browser Forum Baseline Requirements, 6.1.5).
const RSA_BITS: usize = 2_048;
/// The smallest curve that clients accept, in bits (the same).
const CURVE_BITS: usize = 256;

/// Signatures with a broken digest: RSA (RFC 8017, appendix C) and ECDSA (RFC 5758, section 3.2).
const BROKEN: [(&str, &str); 3] = [
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
];

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CertificateFacts {
    /// The DNS names that it is for, in lower case.
    pub names: Vec<String>,
    /// The addresses that it is for.
    pub addresses: Vec<IpAddr>,
    /// The first second at which it holds, in Unix time.
    pub not_before: i64,
    /// The last second at which it holds, in Unix time.
    pub not_after: i64,
    /// Whether it is that of an authority.
    pub is_authority: bool,
    /// Whether a server may show it.
    pub serves: bool,
    /// Why clients find its key or signature too weak, if they do.
    pub weakness: Option<String>,
    /// Whether the private key is another one's; nothing where that cannot be seen.
    pub has_other_key: Option<bool>,
    /// The authorities above it that stand in its file, the nearest first.
    pub issuers: Vec<IssuerFacts>,
}

impl CertificateFacts {
    /// Reads a chain in PEM, whose first certificate is that of the server, and the private key in PEM if that can be read here;
    /// nothing if there is no certificate.
    pub fn of_pem(chain: &[u8], key: Option<&[u8]>) -> Option<Self> {
        let blocks = Pem::iter_from_buffer(chain).filter_map(Result::ok);
        let blocks: Vec<Pem> = blocks
            .filter(|pem| pem.label == "CERTIFICATE")
            .take(BESIDE)
            .collect();
        let (first, beside) = blocks.split_first()?;
        let (_, certificate) = X509Certificate::from_der(&first.contents).ok()?;
        // One that cannot be read is none that clients could take.
        let beside = beside
            .iter()
            .filter_map(|pem| X509Certificate::from_der(&pem.contents).ok());
        let beside: Vec<X509Certificate<'_>> = beside.map(|(_, certificate)| certificate).collect();
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let all = alternative
            .iter()
            .flat_map(|names| &names.value.general_names);
        let names = all.clone().filter_map(|name| {
            let GeneralName::DNSName(name) = name else {
                return None;
            };
            Some(name.to_ascii_lowercase())
        });
        let addresses = all.filter_map(|name| {
            let GeneralName::IPAddress(bytes) = name else {
                return None;
            };
            issuers::address(bytes)
        });
        let constraints = certificate.basic_constraints().ok().flatten();
        let half = public_half_of(&certificate);
        let private = key.and_then(public_half);
        Some(Self {
            names: names.collect(),
            addresses: addresses.collect(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            is_authority: constraints.is_some_and(|constraints| constraints.value.ca),
            serves: serves(&certificate),
            weakness: weakness(&certificate),
            has_other_key: half.zip(private).map(|(own, other)| own != other),
            issuers: issuers::issuers(&certificate, &beside),
        })
    }
}

/// Whether a certificate may be one of a server, or of an authority for servers.
fn serves(certificate: &X509Certificate<'_>) -> bool {
    let usage = certificate.extended_key_usage().ok().flatten();
    usage.is_none_or(|usage| usage.value.server_auth || usage.value.any)
}

/// Whether a certificate is that of an authority that may issue others.
fn is_of_authority(certificate: &X509Certificate<'_>) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    let usage = certificate.key_usage().ok().flatten();
    let signs = usage.is_none_or(|usage| usage.value.key_cert_sign());
    signs && constraints.is_some_and(|constraints| constraints.value.ca)
}

/// A name of a file that nobody has looked at, so that it can be shown.
fn shown(name: &str) -> String {
    let name: String = name.chars().take(80).collect();
    name.escape_debug().to_string()
}

fn public_half_of(certificate: &X509Certificate<'_>) -> Option<PublicHalf> {
    match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) => Some(PublicHalf::Modulus(magnitude(key.modulus))),
        PublicKey::EC(point) => Some(PublicHalf::Point(point.data().to_vec())),
        PublicKey::DSA(_)
        | PublicKey::GostR3410(_)
        | PublicKey::GostR3410_2012(_)
        | PublicKey::Unknown(_) => None,
    }
}

fn weakness(certificate: &X509Certificate<'_>) -> Option<String> {
    let signature = certificate.signature_algorithm.algorithm.to_id_string();
    if let Some((_, digest)) = BROKEN.iter().find(|(oid, _)| *oid == signature) {
        return Some(format!("is signed with {digest}"));
    }
    let key = certificate.public_key().parsed().ok()?;
    let bits = key.key_size();
    match key {
        PublicKey::RSA(_) if bits < RSA_BITS => Some(format!("has an RSA key of {bits} bits")),
        PublicKey::EC(_) if bits < CURVE_BITS => {
            Some(format!("has a key on a curve of {bits} bits"))
        }
        PublicKey::DSA(_) => Some("has a DSA key".to_owned()),
        PublicKey::RSA(_)
        | PublicKey::EC(_)
        | PublicKey::GostR3410(_)
        | PublicKey::GostR3410_2012(_)
        | PublicKey::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::CertificateFacts;

    fn facts(chain: &str, key: &str) -> CertificateFacts {
        CertificateFacts::of_pem(chain.as_bytes(), Some(key.as_bytes())).unwrap()
    }

    #[test]
    fn a_key_belongs_to_its_certificate() {
        let (weak, curve) = (include_str!("pem/weak.pem"), include_str!("pem/curve.pem"));
        let (rsa, old_rsa) = (include_str!("pem/weak.key"), include_str!("pem/weak-1.key"));
        let (of_curve, other) = (include_str!("pem/curve.key"), include_str!("pem/other.key"));
        let has_other_key = |chain, key| facts(chain, key).has_other_key;
        assert_eq!(has_other_key(weak, rsa), Some(false));
        assert_eq!(has_other_key(weak, old_rsa), Some(false));
        assert_eq!(has_other_key(curve, of_curve), Some(false));
        assert_eq!(has_other_key(curve, other), Some(true));
        assert_eq!(has_other_key(weak, other), Some(true));
        // Such a key does not show its public half.
        assert_eq!(has_other_key(curve, include_str!("pem/edwards.key")), None);
        assert_eq!(has_other_key(curve, "no key"), None);
        assert_eq!(has_other_key(curve, curve), None);
    }

    #[test]
    fn weak_keys_and_signatures_are_told() {
        let weakness = |chain| facts(chain, "").weakness;
        let rsa = weakness(include_str!("pem/weak.pem"));
        assert_eq!(rsa.as_deref(), Some("has an RSA key of 1024 bits"));
        let signed = weakness(include_str!("pem/sha1.pem"));
        assert_eq!(signed.as_deref(), Some("is signed with SHA-1"));
        let sound = facts(include_str!("pem/curve.pem"), "");
        assert_eq!(sound.weakness, None);
        assert_eq!(sound.names, ["curve.example"]);
        assert!(!sound.is_authority && sound.serves);
    }

    #[test]
    fn broken_files_are_no_certificates() {
        let curve = include_str!("pem/curve.pem");
        let cut = curve.get(..curve.len() / 2).unwrap();
        for text in ["", "-----BEGIN CERTIFICATE-----\n", cut] {
            assert_eq!(CertificateFacts::of_pem(text.as_bytes(), None), None);
        }
    }
}
