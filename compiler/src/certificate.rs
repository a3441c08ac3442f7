//! What a certificate file says, as far as rules ask.

use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What a certificate says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFacts {
    /// The DNS names that it is for, in lower case.
    pub names: Vec<String>,
    /// The last second at which it holds, in Unix time.
    pub not_after: i64,
    /// Whether it is that of an authority.
    pub is_authority: bool,
    /// Whether a server may show it.
    pub serves: bool,
}

impl CertificateFacts {
    /// Reads the first certificate of a chain in PEM; nothing if there is none.
    pub fn of_pem(bytes: &[u8]) -> Option<Self> {
        let pem = Pem::iter_from_buffer(bytes).find_map(|pem| {
            let pem = pem.ok()?;
            (pem.label == "CERTIFICATE").then_some(pem)
        })?;
        let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative
            .into_iter()
            .flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| {
            let GeneralName::DNSName(name) = name else {
                return None;
            };
            Some(name.to_ascii_lowercase())
        });
        let usage = certificate.extended_key_usage().ok().flatten();
        let constraints = certificate.basic_constraints().ok().flatten();
        Some(Self {
            names: names.collect(),
            not_after: certificate.validity().not_after.timestamp(),
            is_authority: constraints.is_some_and(|constraints| constraints.value.ca),
            serves: usage.is_none_or(|usage| usage.value.server_auth || usage.value.any),
        })
    }
}
