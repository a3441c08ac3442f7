//! Which hosts: `api.shop.example`, `*.shop.example`, `*`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::{Nearly, UnitError, from_text, nearly};

/// A host in lower case: exact (`api.shop.example`), below a suffix (`*.shop.example`), or any (`*`).
///
/// At most 253 bytes; labels of letters, digits, `-` and `_`. An IP address is an exact host too; one in brackets can be written in
/// several ways and is held in one, that of RFC 5952, so that equal hosts are equal values.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostPattern {
    text: String,
}

impl HostPattern {
    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for HostPattern {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::read(text).map_err(|why| {
            // Only what is a host itself helps.
            let nearly = nearly::host(text).filter(|nearly| match nearly {
                Nearly::Write(host) => Self::read(host).is_ok(),
                Nearly::Advice(_) => true,
            });
            UnitError::new(format!("`{text}` is not a host: {why}")).nearly(nearly)
        })
    }
}

impl HostPattern {
    fn read(text: &str) -> Result<Self, &'static str> {
        let wrong = Err;
        if text == "*" {
            return Ok(Self {
                text: text.to_owned(),
            });
        }
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').unwrap_or_default();
            return match address.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Self {
                    text: format!("[{address}]"),
                }),
                Err(_) => wrong("brackets are for an IPv6 address, as `[2001:db8::1]`"),
            };
        }
        if 253 < text.len() {
            return wrong("longer than 253 bytes");
        }
        if text.contains('/') {
            return wrong("leave the scheme and the path out");
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return wrong("write it in lower case");
        }
        if text.contains(':') {
            return wrong("leave the port out");
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || byte == b'-'
                        || byte == b'_'
                })
        };
        if name.contains('*') {
            return wrong("a `*` may only be the first label");
        }
        if !name.split('.').all(is_label) {
            return wrong("labels have letters, digits, `-` and `_`, at most 63 of them");
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

from_text!(
    HostPattern,
    "a host: exact, `*.suffix` or `*`, in lower case and without a port",
    "^(\\*|\\*\\.[a-z0-9._-]+|[a-z0-9._-]+|\\[[0-9a-f:.]+\\])$"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let parsed: Result<HostPattern, UnitError> = text.parse();
        parsed
            .map(|host| host.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn exact_suffix_and_any_are_hosts() {
        for text in [
            "*",
            "api.shop.example",
            "*.shop.example",
            "localhost",
            "10.0.0.1",
            "a_b.c-d",
            "[::1]",
        ] {
            assert_eq!(read(text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn an_address_in_brackets_has_one_form() {
        for text in ["[::0001]", "[0:0:0:0:0:0:0:1]", "[::1]"] {
            assert_eq!(read(text), Ok("[::1]".to_owned()));
        }
        assert_eq!(read("[2001:DB8::0:1]"), Ok("[2001:db8::1]".to_owned()));
    }

    #[test]
    fn each_refusal_says_why() {
        let brackets = "brackets are for an IPv6 address, as `[2001:db8::1]`";
        for (text, why) in [
            ("[a]", brackets),
            ("[::1", brackets),
            ("[::1]:80", brackets),
            ("[10.0.0.1]", brackets),
            ("API.example", "write it in lower case"),
            ("a.example:80", "leave the port out"),
            ("a.*.example", "a `*` may only be the first label"),
            ("*a.example", "a `*` may only be the first label"),
            (
                "a..example",
                "labels have letters, digits, `-` and `_`, at most 63 of them",
            ),
            (
                "a.example.",
                "labels have letters, digits, `-` and `_`, at most 63 of them",
            ),
            (
                "",
                "labels have letters, digits, `-` and `_`, at most 63 of them",
            ),
            (
                "b\u{fc}cher.example",
                "labels have letters, digits, `-` and `_`, at most 63 of them",
            ),
        ] {
            assert_eq!(read(text), Err(format!("`{text}` is not a host: {why}")));
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(read(&"a".repeat(63)).is_ok());
        assert!(read(&"a".repeat(64)).is_err());
        assert!(read(&vec!["a"; 127].join(".")).is_ok());
        assert!(read(&vec!["a"; 128].join(".")).is_err());
    }
}
