//! Which method: `GET`.

use std::fmt;
use std::str::FromStr;

use super::{Nearly, UnitError, from_text};

/// A request method: a token of RFC 9110, case-sensitive, at most 32 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Method {
    text: String,
}

impl Method {
    /// The method as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Method {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if text.is_empty() || 32 < text.len() || !text.bytes().all(is_token) {
            return Err(UnitError::new(format!(
                "`{text}` is not a method such as `GET`"
            )));
        }
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(UnitError::new(format!(
                "methods are case-sensitive: write `{}`",
                text.to_uppercase()
            ))
            .nearly(Some(Nearly::Write(text.to_uppercase()))));
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

from_text!(
    Method,
    "a method such as `GET`, in upper case",
    "^[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_token_in_upper_case() {
        for text in ["GET", "M-SEARCH", "X", &"A".repeat(32)] {
            let method: Method = text.parse().unwrap();
            assert_eq!(method.as_str(), text);
        }
    }

    #[test]
    fn lower_case_is_told_what_to_write() {
        let parsed: Result<Method, UnitError> = "get".parse();
        assert_eq!(
            parsed.unwrap_err().to_string(),
            "methods are case-sensitive: write `GET`"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "GET ", "G/T", "G\u{e9}T", &"A".repeat(33)] {
            let parsed: Result<Method, UnitError> = text.parse();
            assert!(parsed.is_err(), "{text}");
        }
    }
}
