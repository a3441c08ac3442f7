//! The request that is asked about.

use std::borrow::Cow;

use weft_snapshot::{Refusal, canonical};

/// What does not describe a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a request: {what}")]
pub struct NotARequest {
    /// What is wrong with it.
    pub what: String,
}

/// A request, as a person writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The method.
    pub method: String,
    /// Whether the scheme is `https`; nothing when the URL has none.
    pub is_https: Option<bool>,
    /// Host and port as in the URL; empty for a request of HTTP/1.0 without `Host`.
    pub authority: String,
    /// The port of the URL.
    pub port: Option<u16>,
    /// Path and query as in the URL.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Who sends it: `service/web`; a client of a gateway when absent.
    pub from: Option<String>,
    /// The node that receives it, when several could.
    pub node: Option<String>,
    /// The route of which is asked why it does not decide.
    pub why_not: Option<String>,
}

impl Question {
    /// Reads `GET https://api.shop.example/orders/7?x=1` and headers such as `x-beta: 1`; also `GET /health HTTP/1.0`, a
    /// request without a host.
    ///
    /// # Errors
    ///
    /// [`NotARequest`] says why.
    pub fn parse(request: &str, headers: &[String]) -> Result<Self, NotARequest> {
        let bad = |what: &str| NotARequest {
            what: what.to_owned(),
        };
        let (method, url) = match request.trim().split_once(' ') {
            Some((method, url)) => (method.to_owned(), url.trim()),
            None => ("GET".to_owned(), request.trim()),
        };
        let (is_https, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (Some(true), rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (Some(false), rest)
        } else if url.contains("://") {
            return Err(bad(
                "the scheme is neither `http` nor `https`; write `GET http://HOST/path`",
            ));
        } else {
            (None, url)
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (target, is_old) = match target.strip_suffix(" HTTP/1.0") {
            Some(target) if is_https.is_none() => (target, true),
            Some(_) | None => (target, false),
        };
        if authority.is_empty() && !is_old {
            let hint = "the URL has no host: write `GET http://HOST/path`; only `GET /path HTTP/1.0` goes without";
            return Err(bad(hint));
        }
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        let port = authority
            .rsplit_once(':')
            .filter(|(host, _)| !host.starts_with('[') || host.ends_with(']'))
            .and_then(|(_, port)| port.parse().ok());
        let headers = headers.iter().map(|header| {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                bad(&format!(
                    "the header `{}` has no `:`; write `name: value`",
                    crate::text::line(header)
                ))
            })?;
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok(Self {
            method,
            is_https,
            authority: authority.to_owned(),
            port,
            target,
            headers: headers.collect::<Result<_, NotARequest>>()?,
            from: None,
            node: None,
            why_not: None,
        })
    }

    /// The canonical host; empty without one.
    ///
    /// # Errors
    ///
    /// The refusal of a host that is none.
    pub fn host(&self) -> Result<Cow<'_, str>, Refusal> {
        host(&self.authority)
    }

    /// Says who sends it: `service/web`, or `web` for short.
    #[must_use]
    pub fn sent_by(mut self, from: Option<String>) -> Self {
        self.from = from.map(|from| {
            if from.contains('/') {
                from
            } else {
                format!("service/{from}")
            }
        });
        self
    }

    /// Says which node receives it.
    #[must_use]
    pub fn received_by(mut self, node: Option<String>) -> Self {
        self.node = node;
        self
    }
}

/// The canonical host of an authority, where none has no host.
///
/// # Errors
///
/// [`Refusal`] says what a proxy refuses it for.
pub fn host(authority: &str) -> Result<Cow<'_, str>, Refusal> {
    if authority.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    canonical::host(authority)
}

#[cfg(test)]
mod tests {
    use super::Question;

    #[test]
    fn a_request_is_read_as_a_person_writes_it() {
        let question =
            Question::parse("POST https://a.example:8443?x=1#y", &["X-A: b".to_owned()]).unwrap();
        assert_eq!(question.method, "POST");
        assert_eq!(question.authority, "a.example:8443");
        assert_eq!((question.port, question.is_https), (Some(8443), Some(true)));
        assert_eq!(question.target, "/?x=1");
        assert_eq!(question.headers, [("x-a".to_owned(), "b".to_owned())]);
        assert_eq!(Question::parse("a.example/x", &[]).unwrap().method, "GET");
        assert!(Question::parse("GET ftp://a/", &[]).is_err());
        assert!(Question::parse("GET /x", &[]).is_err());
        let old = Question::parse("GET /x?y HTTP/1.0", &[]).unwrap();
        assert_eq!((old.authority.as_str(), old.target.as_str()), ("", "/x?y"));
        assert_eq!(old.host().as_deref(), Ok(""));
    }
}
