//! Requests that stand for a set: what an analysis shows as proof that the set is not empty.

use std::fmt::{self, Write as _};

use weft_snapshot::{Headers, Request};

use super::leaf::Kind;
use super::table::Sample;
use super::url::ListenerUrl;
use super::values::Given;

/// A canonical request, complete enough to be decided, sent, or pasted into a shell.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct WitnessRequest {
    /// The method.
    pub method: String,
    /// The canonical host.
    pub host: String,
    /// The canonical path.
    pub path: String,
    /// The query as it is sent, without `?`.
    pub query: Option<String>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The verified identity of the peer, if the set depends on it.
    pub source: Option<String>,
}

impl WitnessRequest {
    /// A request that says nothing beside method, host and path.
    pub fn plain(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: None,
            headers: Vec::new(),
            source: None,
        }
    }

    /// The request of a sample, to a host.
    pub(super) fn of_sample(host: &str, sample: &Sample) -> Self {
        let mut request = Self {
            method: "GET".to_owned(),
            host: host.to_owned(),
            path: sample.path.clone(),
            query: None,
            headers: Vec::new(),
            source: None,
        };
        for (kind, given) in &sample.point {
            let value = match given {
                Given::Absent => continue,
                Given::Value(value) => value,
                Given::Repeated => {
                    if let Kind::Header(name) = kind {
                        request.repeat(name);
                    }
                    continue;
                }
            };
            let text = || String::from_utf8_lossy(value).into_owned();
            match kind {
                Kind::Method => request.method = text(),
                Kind::Source => request.source = Some(text()).filter(|source| !source.is_empty()),
                Kind::Header(name) => request.headers.push((name.clone(), value.clone())),
                Kind::Query(name) => {
                    let query = request.query.get_or_insert_default();
                    if !query.is_empty() {
                        query.push('&');
                    }
                    escape(query, name.as_bytes());
                    query.push('=');
                    escape(query, value);
                }
            }
        }
        request
    }

    /// Gives the request two lines of a header and no others.
    pub fn repeat(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
        let lines = [b"1", b"2"].map(|value| (name.to_owned(), value.to_vec()));
        self.headers.extend(lines);
    }

    /// The request as routing looks at it.
    pub fn as_request(&self) -> Request<'_, Self> {
        Request {
            method: &self.method,
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            headers: self,
        }
    }

    /// Path and query.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// A command that sends it to a listener: `curl -X POST https://…`.
    pub fn curl(&self, listener: ListenerUrl) -> String {
        let mut text = "curl".to_owned();
        match self.method.as_str() {
            "GET" => {}
            "HEAD" => text.push_str(" -I"),
            method => {
                let _ = write!(text, " -X {}", quoted(method));
            }
        }
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value);
            // curl leaves out a header without a value unless it ends in `;`.
            let header = if value.is_empty() {
                format!("{name};")
            } else {
                format!("{name}: {value}")
            };
            let _ = write!(text, " -H {}", quoted(&header));
        }
        let url = listener.to(&self.host, &self.target());
        let _ = write!(text, " {}", quoted(&url));
        text
    }
}

impl Headers for WitnessRequest {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let wanted = name.to_owned();
        self.headers
            .iter()
            .filter(move |(name, _)| *name == wanted)
            .map(|(_, value)| value.as_slice())
    }
}

impl fmt::Display for WitnessRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}{}", self.method, self.host, self.target())?;
        for (name, value) in &self.headers {
            write!(formatter, ", {name}: {}", String::from_utf8_lossy(value))?;
        }
        if let Some(source) = &self.source {
            write!(formatter, ", from {source}")?;
        }
        Ok(())
    }
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// Quotes for a shell, where they are needed.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:%@=+,".contains(&byte);
    if text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_pasted_into_a_shell() {
        let request = WitnessRequest {
            method: "POST".to_owned(),
            host: "a.example".to_owned(),
            path: "/it's".to_owned(),
            query: Some("q=a%20b".to_owned()),
            headers: vec![("x-a".to_owned(), b"1 2".to_vec())],
            source: None,
        };
        assert_eq!(
            request.curl(ListenerUrl::PLAIN),
            r"curl -X POST -H 'x-a: 1 2' 'http://a.example/it'\''s?q=a%20b'"
        );
    }
}
