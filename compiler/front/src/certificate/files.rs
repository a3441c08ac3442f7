//! What the files of a certificate hold, before anything in them is understood.
//!
//! People mix up the two files, and give texts for paths. What is in a file is told by the labels of its PEM blocks (RFC 7468), because
//! that is what a proxy looks for as well.

use super::CertificateFacts;

/// What came of reading a file that a spec names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum FileRead {
    /// Nobody knows: it may not be opened here, or is not where specs are checked.
    #[default]
    Unknown,
    /// Its path is not absolute, and nothing is there.
    Absent {
        /// Whether it is there from the folder of the spec, from which no proxy looks.
        is_beside_spec: bool,
    },
    /// Its bytes.
    Bytes(Vec<u8>),
}

/// The two files of a certificate.
#[derive(Clone, Debug, Default)]
pub struct CertificateFiles {
    /// What the certificate says, if there is one.
    pub facts: Option<CertificateFacts>,
    /// What is wrong with the file of the chain.
    pub chain: Option<WrongFile>,
    /// What is wrong with the file of the key.
    pub key: Option<WrongFile>,
}

/// Why a file cannot be what it is named as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WrongFile {
    /// As in [`FileRead`].
    Absent {
        /// As there.
        is_beside_spec: bool,
    },
    /// It holds something else.
    Holds(Content),
}

impl FileRead {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unknown | Self::Absent { .. } => None,
        }
    }
}

/// What is in a file that is no chain, or no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// A certificate where a key belongs.
    Certificate,
    /// A certificate that cannot be read.
    BrokenCertificate,
    /// DER, the form without texts.
    Der,
    /// A private key under a password.
    EncryptedKey,
    /// A private key where a certificate belongs.
    Key,
    /// Nothing.
    Nothing,
    /// No block of PEM that is for either.
    Other,
    /// A public key alone.
    PublicKey,
    /// The request for a certificate.
    Request,
}

impl Content {
    /// What it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate and no private key",
            Self::BrokenCertificate => "a certificate that cannot be read",
            Self::Der => "DER and no PEM",
            Self::EncryptedKey => "a private key under a password, which no proxy knows",
            Self::Key => "a private key and no certificate",
            Self::Nothing => "nothing",
            Self::Other => "nothing in PEM that is a certificate or a private key",
            Self::PublicKey => "a public key alone",
            Self::Request => "the request for a certificate, and not the certificate",
        }
    }
}

impl CertificateFiles {
    /// What the two files come to.
    pub fn of(chain: &FileRead, key: &FileRead) -> Self {
        let facts = chain
            .bytes()
            .and_then(|chain| CertificateFacts::of_pem(chain, key.bytes()));
        let of_chain = |bytes: &[u8]| match (labelled(bytes, is_certificate), &facts) {
            (true, Some(_)) => None,
            (true, None) => Some(Content::BrokenCertificate),
            (false, _) => Some(content(bytes)),
        };
        let of_key = |bytes: &[u8]| (!labelled(bytes, is_key)).then(|| content(bytes));
        Self {
            chain: wrong(chain, of_chain),
            key: wrong(key, of_key),
            facts,
        }
    }
}

fn wrong(file: &FileRead, content: impl Fn(&[u8]) -> Option<Content>) -> Option<WrongFile> {
    match file {
        FileRead::Unknown => None,
        FileRead::Absent { is_beside_spec } => Some(WrongFile::Absent {
            is_beside_spec: *is_beside_spec,
        }),
        FileRead::Bytes(bytes) => content(bytes).map(WrongFile::Holds),
    }
}

fn is_certificate(label: &str) -> bool {
    label == "CERTIFICATE"
}

/// The labels that a proxy reads: PKCS #8, RSA and SEC 1.
fn is_key(label: &str) -> bool {
    matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY")
}

fn content(bytes: &[u8]) -> Content {
    let is = |name: &str| labelled(bytes, |label| label == name);
    match bytes {
        [] => Content::Nothing,
        // The first byte of a sequence (X.690, section 8.9).
        [0x30, ..] => Content::Der,
        _ if is("ENCRYPTED PRIVATE KEY") => Content::EncryptedKey,
        _ if labelled(bytes, is_key) => Content::Key,
        _ if labelled(bytes, is_certificate) => Content::Certificate,
        _ if is("CERTIFICATE REQUEST") || is("NEW CERTIFICATE REQUEST") => Content::Request,
        _ if is("PUBLIC KEY") => Content::PublicKey,
        _ => Content::Other,
    }
}

/// Whether a block of PEM has such a label.
fn labelled(bytes: &[u8], is_it: impl Fn(&str) -> bool) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.lines().any(|line| {
        let label = line.trim().strip_prefix("-----BEGIN ");
        label
            .and_then(|label| label.strip_suffix("-----"))
            .is_some_and(&is_it)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> FileRead {
        FileRead::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn a_file_is_what_its_labels_say() {
        let (chain, key) = (include_str!("pem/curve.pem"), include_str!("pem/curve.key"));
        let both = format!("{chain}{key}");
        let cut = chain.get(..chain.len() / 2).unwrap();
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
        let asked = "-----BEGIN CERTIFICATE REQUEST-----\n";
        let holds = |content| Some(WrongFile::Holds(content));
        for (chain, key, expected) in [
            (chain, key, (None, None)),
            (both.as_str(), both.as_str(), (None, None)),
            (
                key,
                chain,
                (holds(Content::Key), holds(Content::Certificate)),
            ),
            (
                cut,
                locked,
                (
                    holds(Content::BrokenCertificate),
                    holds(Content::EncryptedKey),
                ),
            ),
            (
                asked,
                "",
                (holds(Content::Request), holds(Content::Nothing)),
            ),
            (
                "0\u{2}",
                "hello\n",
                (holds(Content::Der), holds(Content::Other)),
            ),
        ] {
            let found = CertificateFiles::of(&bytes(chain), &bytes(key));
            assert_eq!((found.chain, found.key), expected);
        }
        let unknown = CertificateFiles::of(&FileRead::Unknown, &bytes(key));
        assert_eq!((unknown.chain, unknown.key), (None, None));
        assert!(unknown.facts.is_none());
    }
}
