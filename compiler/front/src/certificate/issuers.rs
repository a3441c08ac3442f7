//! The authorities between a certificate and those that clients trust, as its file holds them.
//!
//! Clients follow names from the certificate upwards and take what the server sent besides it in any order; what is no part of
//! the way they leave out. A self-signed authority at its end they have themselves, or do not trust, whatever the file holds.

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::prelude::X509Certificate;

use super::{is_of_authority, serves, shown, weakness};

/// The longest way to an authority that clients follow (OpenSSL: 100, browsers: fewer).
const LONGEST: usize = 16;

/// What the certificate of an authority says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IssuerFacts {
    /// Its name, so that it can be shown.
    pub name: String,
    /// The first second at which it holds, in Unix time.
    pub not_before: i64,
    /// The last one.
    pub not_after: i64,
    /// Whether it may issue certificates at all.
    pub is_authority: bool,
    /// Whether it may issue those of servers.
    pub serves: bool,
    /// Why clients find its key or signature too weak, if they do.
    pub weakness: Option<String>,
    /// A name of the certificate for which it may not issue, if there is one (RFC 5280, section 4.2.1.10).
    pub forbids: Option<String>,
}

/// The authorities of a certificate that stand beside it, the nearest first.
pub(super) fn issuers(
    leaf: &X509Certificate<'_>,
    beside: &[X509Certificate<'_>],
) -> Vec<IssuerFacts> {
    let mut found = Vec::new();
    let (mut at, mut left): (&X509Certificate<'_>, Vec<&X509Certificate<'_>>) =
        (leaf, beside.iter().collect());
    while found.len() < LONGEST && !is_self_signed(at) {
        let candidates = left
            .iter()
            .enumerate()
            .filter(|(_, other)| is_issuer(other, at));
        // Of one that was renewed clients take the one that holds.
        let best = candidates.max_by_key(|(_, other)| other.validity().not_after.timestamp());
        let Some(position) = best.map(|(position, _)| position) else {
            break;
        };
        at = left.swap_remove(position);
        if !is_self_signed(at) {
            found.push(facts(at, leaf));
        }
    }
    found
}

fn facts(issuer: &X509Certificate<'_>, leaf: &X509Certificate<'_>) -> IssuerFacts {
    let validity = issuer.validity();
    IssuerFacts {
        name: shown(&issuer.subject().to_string()),
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        is_authority: is_of_authority(issuer),
        serves: serves(issuer),
        weakness: weakness(issuer),
        forbids: forbidden(issuer, leaf),
    }
}

fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// Whether a certificate is that of the issuer of another one, by name and, where both say it, by key.
fn is_issuer(one: &X509Certificate<'_>, of: &X509Certificate<'_>) -> bool {
    let own = one.extensions().iter().find_map(|one| {
        let ParsedExtension::SubjectKeyIdentifier(key) = one.parsed_extension() else {
            return None;
        };
        Some(key.0)
    });
    let wanted = of.extensions().iter().find_map(|one| {
        let ParsedExtension::AuthorityKeyIdentifier(key) = one.parsed_extension() else {
            return None;
        };
        key.key_identifier.as_ref().map(|key| key.0)
    });
    let is_key = own.zip(wanted).is_none_or(|(own, wanted)| own == wanted);
    one.subject().as_raw() == of.issuer().as_raw() && is_key
}

/// The first name of a certificate that the constraints of an authority forbid.
fn forbidden(issuer: &X509Certificate<'_>, leaf: &X509Certificate<'_>) -> Option<String> {
    let constraints = issuer.name_constraints().ok()??.value;
    let permitted = constraints.permitted_subtrees.iter().flatten();
    let excluded = constraints.excluded_subtrees.iter().flatten();
    let alternative = leaf.subject_alternative_name().ok()??.value;
    let is_forbidden = |name: &&GeneralName<'_>| {
        let has = |tree: &GeneralSubtree<'_>| is_within(name, &tree.base);
        let mut of_kind = permitted.clone().filter_map(has).peekable();
        let is_outside = of_kind.peek().is_some() && !of_kind.any(|is_within| is_within);
        is_outside || excluded.clone().filter_map(has).any(|is_within| is_within)
    };
    let name = alternative.general_names.iter().find(is_forbidden)?;
    if let GeneralName::DNSName(name) = name {
        return Some(shown(name));
    }
    if let GeneralName::IPAddress(bytes) = name
        && let Some(address) = address(bytes)
    {
        return Some(address.to_string());
    }
    Some(shown(&name.to_string()))
}

/// Whether a name is within one that constraints name; none if they are of different kinds.
fn is_within(name: &GeneralName<'_>, base: &GeneralName<'_>) -> Option<bool> {
    match (name, base) {
        (GeneralName::DNSName(name), GeneralName::DNSName(base)) => {
            let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
            let above = name.strip_suffix(&base);
            Some(above.is_some_and(|above| {
                above.is_empty() || base.is_empty() || base.starts_with('.') || above.ends_with('.')
            }))
        }
        (GeneralName::IPAddress(name), GeneralName::IPAddress(base)) => {
            let (network, mask) = base.split_at_checked(base.len() / 2)?;
            let mut bits = name.iter().zip(network.iter().zip(mask));
            let is_there = bits.all(|(own, (network, mask))| own & mask == network & mask);
            Some(name.len() == network.len() && is_there)
        }
        _ => None,
    }
}

/// An address as a certificate holds it.
pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    four.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}
