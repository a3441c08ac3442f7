//! What a SPIFFE ID is, as strict as the SPIFFE ID and X509-SVID standards together.
//!
//! There is one spelling of each identity, so that comparing the whole text is the only comparison
//! anybody needs. Nothing is decoded, lower-cased or trimmed: a second spelling is refused.

use std::fmt;
use std::sync::Arc;

/// The longest accepted SPIFFE ID, in bytes.
const LONGEST_ID: usize = 2_048;
/// The longest accepted trust domain, in bytes.
const LONGEST_TRUST_DOMAIN: usize = 255;
/// How every SPIFFE ID starts.
pub(super) const PREFIX: &str = "spiffe://";

/// Why a text is not the SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpiffeIdError {
    /// It has more than 2,048 bytes.
    #[error("the SPIFFE ID is longer than 2048 bytes")]
    TooLong,
    /// It does not start with `spiffe://`, in lower case.
    #[error("the SPIFFE ID does not start with `spiffe://`")]
    BadScheme,
    /// The trust domain is empty, too long, or has anything but `a-z`, `0-9`, `.`, `-` and `_`.
    #[error("the trust domain is not made of lower-case letters, digits, `.`, `-` and `_`")]
    BadTrustDomain,
    /// There is no path, so it names the trust domain and not a workload.
    #[error("the SPIFFE ID has no path")]
    NoPath,
    /// A segment of the path is empty; a trailing slash makes one too.
    #[error("the path of the SPIFFE ID has an empty segment")]
    EmptySegment,
    /// A segment of the path is `.` or `..`.
    #[error("the path of the SPIFFE ID has a dot segment")]
    DotSegment,
    /// The path has anything but letters, digits, `.`, `-` and `_`: an escape, a query, a fragment.
    #[error(
        "the path of the SPIFFE ID has a character other than letters, digits, `.`, `-` and `_`"
    )]
    BadCharacter,
}

/// The name of a trust domain, such as `shop.example`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// Accepts `name` when it can stand in a SPIFFE ID.
    ///
    /// # Errors
    ///
    /// [`SpiffeIdError::BadTrustDomain`] otherwise.
    pub fn parse(name: &str) -> Result<Self, SpiffeIdError> {
        let fits = !name.is_empty() && name.len() <= LONGEST_TRUST_DOMAIN;
        if fits && name.bytes().all(is_trust_domain_byte) {
            Ok(Self(Arc::from(name)))
        } else {
            Err(SpiffeIdError::BadTrustDomain)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The identity of a workload: `spiffe://<trust domain>/<path>`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpiffeId {
    text: Arc<str>,
    trust_domain: TrustDomain,
}

impl SpiffeId {
    /// Accepts `text` when it is the one spelling of a workload's SPIFFE ID.
    ///
    /// # Errors
    ///
    /// The first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if LONGEST_ID < text.len() {
            return Err(SpiffeIdError::TooLong);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(SpiffeIdError::BadScheme)?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (rest, None),
        };
        let trust_domain = TrustDomain::parse(authority)?;
        let path = path
            .filter(|path| !path.is_empty())
            .ok_or(SpiffeIdError::NoPath)?;
        path.split('/').try_for_each(check_segment)?;
        Ok(Self {
            text: Arc::from(text),
            trust_domain,
        })
    }

    /// The identity of the node `node` (`service/orders`) of a trust domain.
    ///
    /// # Errors
    ///
    /// When `node` cannot be the path of a SPIFFE ID.
    pub fn of_node(trust_domain: &TrustDomain, node: &str) -> Result<Self, SpiffeIdError> {
        Self::parse(&format!("{PREFIX}{trust_domain}/{node}"))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trust domain that vouches for it.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The whole text, shared.
    pub fn into_text(self) -> Arc<str> {
        self.text
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_trust_domain_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}

fn check_segment(segment: &str) -> Result<(), SpiffeIdError> {
    if segment.is_empty() {
        return Err(SpiffeIdError::EmptySegment);
    }
    if segment == "." || segment == ".." {
        return Err(SpiffeIdError::DotSegment);
    }
    if segment
        .bytes()
        .all(|byte| is_trust_domain_byte(byte) || byte.is_ascii_uppercase())
    {
        Ok(())
    } else {
        Err(SpiffeIdError::BadCharacter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_identity_is_accepted_whole() {
        let id = SpiffeId::parse("spiffe://shop.example/service/Orders_2.x-y").unwrap();

        assert_eq!(id.as_str(), "spiffe://shop.example/service/Orders_2.x-y");
        assert_eq!(id.trust_domain().as_str(), "shop.example");
    }

    #[test]
    fn every_second_spelling_is_refused() {
        let long = format!("spiffe://a/{}", "b".repeat(2_038));
        let cases = [
            (long.as_str(), SpiffeIdError::TooLong),
            ("", SpiffeIdError::BadScheme),
            ("http://a/b", SpiffeIdError::BadScheme),
            ("SPIFFE://a/b", SpiffeIdError::BadScheme),
            ("spiffe:/a/b", SpiffeIdError::BadScheme),
            (" spiffe://a/b", SpiffeIdError::BadScheme),
            ("spiffe:///b", SpiffeIdError::BadTrustDomain),
            ("spiffe://A/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://a:1/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://u@a/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://a%2e/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://a?q/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://[::1]/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://ä/b", SpiffeIdError::BadTrustDomain),
            ("spiffe://a", SpiffeIdError::NoPath),
            ("spiffe://a/", SpiffeIdError::NoPath),
            ("spiffe://a//b", SpiffeIdError::EmptySegment),
            ("spiffe://a/b/", SpiffeIdError::EmptySegment),
            ("spiffe://a/./b", SpiffeIdError::DotSegment),
            ("spiffe://a/../b", SpiffeIdError::DotSegment),
            ("spiffe://a/b?c", SpiffeIdError::BadCharacter),
            ("spiffe://a/b#c", SpiffeIdError::BadCharacter),
            ("spiffe://a/%62", SpiffeIdError::BadCharacter),
            ("spiffe://a/b\0", SpiffeIdError::BadCharacter),
            ("spiffe://a/b\n", SpiffeIdError::BadCharacter),
            ("spiffe://a/b ", SpiffeIdError::BadCharacter),
            ("spiffe://a/b*", SpiffeIdError::BadCharacter),
            ("spiffe://a/b\\c", SpiffeIdError::BadCharacter),
            ("spiffe://a/ü", SpiffeIdError::BadCharacter),
        ];
        for (text, expected) in cases {
            assert_eq!(SpiffeId::parse(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn the_longest_identity_is_accepted() {
        let text = format!("spiffe://a/{}", "b".repeat(2_037));

        assert_eq!(text.len(), 2_048);
        assert!(SpiffeId::parse(&text).is_ok());
    }
}
