//! Verifies peers in TLS handshakes: chain, leaf rules, and trust domain; the same on both sides.
//!
//! The authorities of a trust domain vouch for that trust domain and for no other, whatever a
//! certificate says. Host names play no part. Which identity is wanted is asked by the caller
//! after the handshake, of [`super::Identity::peer`], because that also holds on resumed sessions.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, PeerIncompatible,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::configs::provider;
use super::leaf::{Leaf, PeerError};
use super::spiffe_id::{PREFIX, TrustDomain};

/// Verifies peers of one trust domain against the authorities of its bundle.
#[derive(Debug)]
pub struct SpiffeVerifier {
    trust_domain: TrustDomain,
    anchors: Vec<TrustAnchor<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl SpiffeVerifier {
    /// A verifier that believes those of `bundle` that are authorities of `trust_domain` and have not
    /// expired; `None` when none is left or one is not an authority of this trust domain at all.
    pub(super) fn new(
        trust_domain: TrustDomain,
        bundle: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Self> {
        let mut anchors = Vec::with_capacity(bundle.len());
        for der in bundle {
            match authority_standing(der, &trust_domain, now)? {
                Standing::Expired => {}
                Standing::Valid => {
                    anchors.push(webpki::anchor_from_trusted_cert(der).ok()?.to_owned());
                }
            }
        }
        let algorithms = provider().signature_verification_algorithms;
        (!anchors.is_empty()).then_some(Self {
            trust_domain,
            anchors,
            algorithms,
        })
    }

    /// Whether whoever `other` believes is believed here too, as far as authorities go.
    pub(super) fn believes_all_of(&self, other: &Self) -> bool {
        self.trust_domain == other.trust_domain
            && other
                .anchors
                .iter()
                .all(|theirs| self.anchors.contains(theirs))
    }

    /// Verifies a peer, or ourselves before we show it to others.
    ///
    /// # Errors
    ///
    /// The first reason found not to believe it; the cheap rules are asked first.
    pub(super) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> Result<Leaf, rustls::Error> {
        let leaf = Leaf::parse(end_entity).map_err(refused_peer)?;
        leaf.check(&self.trust_domain, now).map_err(refused_peer)?;
        let certificate = EndEntityCert::try_from(end_entity).map_err(refused_chain)?;
        certificate
            .verify_for_usage(
                self.algorithms.all,
                &self.anchors,
                intermediates,
                now,
                usage,
                None,
                Some(&|path: &VerifiedPath<'_>| self.check_path(path)),
            )
            .map_err(refused_chain)?;
        Ok(leaf)
    }

    /// Refuses a path with an authority that is of another trust domain or may not sign certificates.
    ///
    /// The chain check looks at basic constraints only, not at the key usage of those between.
    fn check_path(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        for authority in path.intermediate_certificates() {
            let der = authority.der();
            let (_rest, parsed) =
                X509Certificate::from_der(&der).map_err(|_cause| webpki::Error::BadDer)?;
            let usage = parsed.key_usage().map_err(|_cause| webpki::Error::BadDer)?;
            if !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
                return Err(webpki::Error::UnknownIssuer);
            }
            if !speaks_for(&parsed, &self.trust_domain) {
                return Err(webpki::Error::NameConstraintViolation);
            }
        }
        Ok(())
    }
}

impl ClientCertVerifier for SpiffeVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Proxies have one certificate; naming the roots would only tell strangers about them.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, now, KeyUsage::client_auth())
            .map(|_leaf| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for SpiffeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, now, KeyUsage::server_auth())
            .map(|_leaf| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether an authority of a bundle counts today.
enum Standing {
    Valid,
    Expired,
}

/// `None` when `der` is not an authority that may speak for `trust_domain`.
fn authority_standing(
    der: &CertificateDer<'_>,
    trust_domain: &TrustDomain,
    now: UnixTime,
) -> Option<Standing> {
    let (_rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !certificate.is_ca() {
        return None;
    }
    let usage = certificate.key_usage().ok()?;
    let may_sign = usage.is_none_or(|usage| usage.value.key_cert_sign());
    if !may_sign || !speaks_for(&certificate, trust_domain) {
        return None;
    }
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if certificate.validity().not_after.timestamp() < now {
        Some(Standing::Expired)
    } else {
        Some(Standing::Valid)
    }
}

/// Whether no name of an authority belongs to another trust domain.
fn speaks_for(authority: &X509Certificate<'_>, trust_domain: &TrustDomain) -> bool {
    let Ok(names) = authority.subject_alternative_name() else {
        return false;
    };
    names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .all(|name| match name {
            GeneralName::URI(uri) => may_speak_for(uri, trust_domain),
            GeneralName::Invalid(_, _) => false,
            GeneralName::OtherName(_, _)
            | GeneralName::RFC822Name(_)
            | GeneralName::DNSName(_)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => true,
        })
}

/// Whether an authority with the URI name `uri` may vouch for `trust_domain`.
///
/// The SPIFFE ID of an authority is its trust domain without a path. Names of other schemes say nothing.
fn may_speak_for(uri: &str, trust_domain: &TrustDomain) -> bool {
    let scheme = uri.get(..PREFIX.len()).unwrap_or_default();
    !scheme.eq_ignore_ascii_case(PREFIX) || uri.strip_prefix(PREFIX) == Some(trust_domain.as_str())
}

/// Times have alerts of their own, so that the other side learns that its certificate is too old.
fn refused_peer(error: PeerError) -> rustls::Error {
    let reason = if error == PeerError::Expired {
        CertificateError::Expired
    } else if error == PeerError::NotYetValid {
        CertificateError::NotValidYet
    } else {
        CertificateError::Other(OtherError(Arc::new(error)))
    };
    reason.into()
}

fn refused_chain(error: webpki::Error) -> rustls::Error {
    // An authority of the right name with another key, as after a rotation, is no issuer of ours either.
    let is_strange = error == webpki::Error::UnknownIssuer
        || error == webpki::Error::InvalidSignatureForPublicKey;
    let reason = if is_strange {
        CertificateError::UnknownIssuer
    } else if matches!(error, webpki::Error::CertExpired { .. }) {
        CertificateError::Expired
    } else if matches!(error, webpki::Error::CertNotValidYet { .. }) {
        CertificateError::NotValidYet
    } else {
        CertificateError::Other(OtherError(Arc::new(error)))
    };
    reason.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_speaks_for_its_own_trust_domain_only() {
        let ours = TrustDomain::parse("shop.example").unwrap();

        assert!(may_speak_for("spiffe://shop.example", &ours));
        assert!(may_speak_for("https://crl.example/list", &ours));
        for uri in [
            "spiffe://shop.example/",
            "spiffe://shop.example/service/orders",
            "spiffe://shop.example.evil",
            "spiffe://other.example",
            "SPIFFE://shop.example",
        ] {
            assert!(!may_speak_for(uri, &ours), "{uri}");
        }
    }
}
