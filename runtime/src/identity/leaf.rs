//! What the certificate of a workload must be, beyond being signed by the right authority.
//!
//! A chain check alone accepts most of what the X509-SVID standard forbids: two identities in one
//! certificate, an authority used as a workload, a certificate that may sign others. These rules are
//! checked on every connection, because a resumed TLS session runs no verifier.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::spiffe_id::{SpiffeId, SpiffeIdError, TrustDomain};

/// Why a peer is nobody we can name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PeerError {
    /// It showed no certificate.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// The certificate cannot be read, or an extension is there twice.
    #[error("the certificate of the peer is malformed")]
    Malformed,
    /// No name of the certificate is a URI.
    #[error("the certificate of the peer has no URI name")]
    NoUriName,
    /// More than one name of the certificate is a URI.
    #[error("the certificate of the peer has more than one URI name")]
    SeveralUriNames,
    /// The URI name is not the SPIFFE ID of a workload.
    #[error("the URI name of the peer is no identity: {0}")]
    BadIdentity(#[from] SpiffeIdError),
    /// The certificate is that of an authority.
    #[error("the certificate of the peer is an authority's")]
    Authority,
    /// Key usage is missing or not marked critical.
    #[error("the certificate of the peer has no critical key usage")]
    NoKeyUsage,
    /// The key may not sign handshakes, or may sign certificates or revocation lists.
    #[error("the key usage of the peer is not that of a workload")]
    WrongKeyUsage,
    /// Extended key usage is present without both server and client authentication.
    #[error("the extended key usage of the peer lacks server or client authentication")]
    WrongExtendedKeyUsage,
    /// Its time has not come.
    #[error("the certificate of the peer is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the certificate of the peer has expired")]
    Expired,
    /// It belongs to another trust domain.
    #[error("the peer belongs to the trust domain `{trust_domain}`")]
    ForeignTrustDomain {
        /// The one it belongs to.
        trust_domain: TrustDomain,
    },
}

impl PeerError {
    /// The reason in kebab-case, for logs and metrics; a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no-peer-certificate",
            Self::Malformed => "malformed-peer-certificate",
            Self::NoUriName => "no-peer-identity",
            Self::SeveralUriNames => "several-peer-identities",
            Self::BadIdentity(_) => "bad-peer-identity",
            Self::Authority => "peer-is-authority",
            Self::NoKeyUsage => "no-peer-key-usage",
            Self::WrongKeyUsage => "wrong-peer-key-usage",
            Self::WrongExtendedKeyUsage => "wrong-peer-extended-key-usage",
            Self::NotYetValid => "peer-not-yet-valid",
            Self::Expired => "peer-expired",
            Self::ForeignTrustDomain { .. } => "foreign-trust-domain",
        }
    }
}

/// A certificate that keeps the rules of a workload's; whether to trust it is another question.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Its one identity.
    pub(super) id: SpiffeId,
    /// First valid second since 1970 UTC.
    pub(super) not_before_unix: i64,
    /// Last valid second since 1970 UTC.
    pub(super) not_after_unix: i64,
}

impl Leaf {
    /// Reads the first certificate of `chain` and checks what does not depend on who asks, or when.
    pub(super) fn of_chain(chain: &[CertificateDer<'_>]) -> Result<Self, PeerError> {
        Self::parse(chain.first().ok_or(PeerError::NoCertificate)?)
    }

    /// As [`Leaf::of_chain`], of the certificate itself.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Result<Self, PeerError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_cause| PeerError::Malformed)?;
        if !rest.is_empty() {
            return Err(PeerError::Malformed);
        }
        check_constraints(&certificate)?;
        check_key_usage(&certificate)?;
        check_extended_key_usage(&certificate)?;
        let validity = certificate.validity();
        Ok(Self {
            id: SpiffeId::parse(uri_name(&certificate)?)?,
            not_before_unix: validity.not_before.timestamp(),
            not_after_unix: validity.not_after.timestamp(),
        })
    }

    /// Checks what depends on who asks and when.
    pub(super) fn check(&self, trust_domain: &TrustDomain, now: UnixTime) -> Result<(), PeerError> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < self.not_before_unix {
            return Err(PeerError::NotYetValid);
        }
        if self.not_after_unix < now {
            return Err(PeerError::Expired);
        }
        if self.id.trust_domain() != trust_domain {
            let trust_domain = self.id.trust_domain().clone();
            return Err(PeerError::ForeignTrustDomain { trust_domain });
        }
        Ok(())
    }
}

/// The SPIFFE ID in the certificate that a peer showed, when the certificate keeps all rules of a workload's.
///
/// Says nothing about time or trust; [`super::Identity::peer`] does.
///
/// # Errors
///
/// The first rule that the certificate breaks.
pub fn peer_identity(chain: &[CertificateDer<'_>]) -> Result<Arc<str>, PeerError> {
    Leaf::of_chain(chain).map(|leaf| leaf.id.into_text())
}

fn check_constraints(certificate: &X509Certificate<'_>) -> Result<(), PeerError> {
    let extension = certificate
        .get_extension_unique(&OID_X509_EXT_BASIC_CONSTRAINTS)
        .map_err(|_cause| PeerError::Malformed)?;
    let Some(extension) = extension else {
        return Ok(());
    };
    let ParsedExtension::BasicConstraints(constraints) = extension.parsed_extension() else {
        return Err(PeerError::Malformed);
    };
    if constraints.ca {
        Err(PeerError::Authority)
    } else {
        Ok(())
    }
}

fn check_key_usage(certificate: &X509Certificate<'_>) -> Result<(), PeerError> {
    let usage = certificate
        .key_usage()
        .map_err(|_cause| PeerError::Malformed)?
        .filter(|usage| usage.critical)
        .ok_or(PeerError::NoKeyUsage)?
        .value;
    if usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign() {
        Ok(())
    } else {
        Err(PeerError::WrongKeyUsage)
    }
}

fn check_extended_key_usage(certificate: &X509Certificate<'_>) -> Result<(), PeerError> {
    let usage = certificate
        .extended_key_usage()
        .map_err(|_cause| PeerError::Malformed)?;
    match usage {
        Some(usage) if !(usage.value.server_auth && usage.value.client_auth) => {
            Err(PeerError::WrongExtendedKeyUsage)
        }
        Some(_) | None => Ok(()),
    }
}

fn uri_name<'c>(certificate: &'c X509Certificate<'_>) -> Result<&'c str, PeerError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_cause| PeerError::Malformed)?
        .ok_or(PeerError::NoUriName)?;
    let mut found = None;
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => {
                if found.replace(*uri).is_some() {
                    return Err(PeerError::SeveralUriNames);
                }
            }
            GeneralName::Invalid(_, _) => return Err(PeerError::Malformed),
            GeneralName::OtherName(_, _)
            | GeneralName::RFC822Name(_)
            | GeneralName::DNSName(_)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => {}
        }
    }
    found.ok_or(PeerError::NoUriName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_malformed_and_never_a_panic() {
        let mut garbage: Vec<u8> = vec![0x30, 0x82, 0x01, 0x00];
        for length in 0..64_u8 {
            garbage.push(length.wrapping_mul(37));
            let chain = [CertificateDer::from(garbage.clone())];

            assert_eq!(peer_identity(&chain), Err(PeerError::Malformed));
        }
    }

    #[test]
    fn an_empty_chain_is_no_certificate() {
        assert_eq!(peer_identity(&[]), Err(PeerError::NoCertificate));
    }
}
