//! The public half of a private key, as far as its file shows it without arithmetic.
//!
//! Source: PKCS #8 (RFC 5958), RSA keys (RFC 8017, appendix A.1.2), keys on curves (RFC 5915).

use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::der_parser::der::{DerObject, parse_der};
use x509_parser::pem::Pem;

/// What a certificate for a key holds too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicHalf {
    /// The modulus of an RSA key, without leading zeros.
    Modulus(Vec<u8>),
    /// The point of a key on a curve.
    Point(Vec<u8>),
}

/// The public half of the first private key in PEM; nothing where the file does not show it.
pub(super) fn public_half(bytes: &[u8]) -> Option<PublicHalf> {
    Pem::iter_from_buffer(bytes).find_map(|pem| {
        let pem = pem.ok()?;
        match pem.label.as_str() {
            "PRIVATE KEY" => of_any(&pem.contents),
            "RSA PRIVATE KEY" => of_rsa(&pem.contents),
            "EC PRIVATE KEY" => of_curve(&pem.contents),
            _ => None,
        }
    })
}

/// `SEQUENCE {version, algorithm, OCTET STRING key, ...}`.
fn of_any(der: &[u8]) -> Option<PublicHalf> {
    let key = part(der, 2)?.as_slice().ok()?;
    of_rsa(key).or_else(|| of_curve(key))
}

/// `SEQUENCE {version, INTEGER modulus, INTEGER exponent, ...}`.
fn of_rsa(der: &[u8]) -> Option<PublicHalf> {
    let modulus = part(der, 1)?;
    if modulus.header.tag() != Tag::Integer {
        return None;
    }
    Some(PublicHalf::Modulus(magnitude(modulus.as_slice().ok()?)))
}

/// `SEQUENCE {version, OCTET STRING secret, [0] curve, [1] BIT STRING point}`.
fn of_curve(der: &[u8]) -> Option<PublicHalf> {
    let parts = parse_der(der).ok()?.1;
    let parts = parts.as_sequence().ok()?;
    let mut optional = parts.iter().skip(2);
    let point =
        optional.find(|part| part.header.tag() == Tag(1) && part.header.is_contextspecific())?;
    let point = parse_der(point.as_slice().ok()?).ok()?.1;
    let point = point.as_bitstring().ok()?;
    Some(PublicHalf::Point(point.data.to_vec()))
}

fn part(der: &[u8], position: usize) -> Option<DerObject<'_>> {
    let whole = parse_der(der).ok()?.1;
    whole.as_sequence().ok()?.get(position).cloned()
}

/// A positive number without leading zeros.
pub(super) fn magnitude(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.iter().skip(zeros).copied().collect()
}
