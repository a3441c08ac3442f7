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
        if ["*", "ANY", "ALL"].contains(&text.to_uppercase().as_str()) {
            return Err(
                UnitError::new(format!("`{text}` is no method")).nearly(Some(Nearly::Advice(
                    "leave `methods` out for all of them".to_owned(),
                ))),
            );
        }
        if let Some(several) = several(text) {
            return Err(UnitError::new(format!("`{text}` is not one method")).nearly(Some(several)));
        }
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

/// Several methods in one text: `GET|POST`, `GET, POST`.
fn several(text: &str) -> Option<Nearly> {
    let parts: Vec<&str> = text
        .split(['|', ',', ' ', '/'])
        .filter(|part| !part.is_empty())
        .collect();
    let is_word = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_list = 1 < parts.len() && parts.iter().all(is_word);
    is_list.then(|| {
        let list = parts.join(", ").to_uppercase();
        Nearly::Advice(format!("write each as an entry of the list: `[{list}]`"))
    })
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
    fn all_and_several_are_no_method() {
        for (text, meant) in [
            ("*", "leave `methods` out"),
            ("any", "leave `methods` out"),
            ("GET|HEAD", "`[GET, HEAD]`"),
            ("get, post", "`[GET, POST]`"),
        ] {
            let parsed: Result<Method, UnitError> = text.parse();
            let told = parsed.map_err(|error| error.told()).unwrap_err();
            assert!(told.contains(meant), "{text} {told}");
        }
    }

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
