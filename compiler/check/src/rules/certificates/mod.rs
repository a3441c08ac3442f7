//! Rules about TLS at the edge: certificates, and what is served without them.

mod cert_coverage;
mod cert_lifetime;
mod path;
mod plaintext_exposure;
mod unusable_certificate;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &cert_coverage::CODE,
        check: Some(cert_coverage::check),
    },
    Rule {
        code: &cert_lifetime::CODE,
        check: Some(cert_lifetime::check),
    },
    Rule {
        code: &plaintext_exposure::CODE,
        check: Some(plaintext_exposure::check),
    },
    Rule {
        code: &unusable_certificate::CODE,
        check: Some(unusable_certificate::check),
    },
];
