//! What rules do with requests: new paths and hosts, redirects, answers, and changes of headers.
//!
//! All of it is typed: a new path is held against the pattern of its rule when names are resolved, so that who comes later has it
//! without asking whether it can be made.

use weft_snapshot::plan::PathRewrite;
pub use weft_spec::route::Scheme;
use weft_spec::{Span, Spanned};

/// The status of a redirect when nothing is said (RFC 9110 section 15.4.3).
pub const DEFAULT_REDIRECT: u16 = 302;
/// The type of a fixed body when nothing is said.
const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The path that a rule gives to its requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewPath {
    /// How it is made of the old one.
    pub made: PathRewrite,
    /// Whether it is another one for some path of the rule.
    pub is_other: bool,
}

/// Changes to the path and the host of what is forwarded.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// All of it.
    pub span: Span,
    /// The new path; the old one stays when absent.
    pub path: Option<Spanned<NewPath>>,
    /// The new host; that of the request, or the one that the service sees, when absent.
    pub host: Option<Spanned<String>>,
}

/// An answer that names another URL.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// All of it.
    pub span: Span,
    /// The scheme; that of the request when absent.
    pub scheme: Option<Spanned<Scheme>>,
    /// The host; that of the request when absent.
    pub host: Option<Spanned<String>>,
    /// The port; when absent the usual one of a new scheme, else that of the request.
    pub port: Option<Spanned<u16>>,
    /// The path; that of the request when absent.
    pub path: Option<Spanned<NewPath>>,
    /// The status, if said.
    pub code: Option<Spanned<u16>>,
}

/// A fixed answer.
#[derive(Clone, Debug)]
pub struct Respond {
    /// All of it.
    pub span: Span,
    /// The status.
    pub status: Spanned<u16>,
    /// The body; empty when absent.
    pub body: Option<Spanned<String>>,
    /// Its media type, if said.
    pub content_type: Option<Spanned<String>>,
}

/// Changes to the headers of a request or a response, in the order of the spec; names as written.
#[derive(Clone, Debug, Default)]
pub struct HeaderChanges {
    /// Headers that get a value, whatever they had.
    pub set: Vec<(Spanned<String>, Spanned<String>)>,
    /// Values that are added to those that a header has.
    pub add: Vec<(Spanned<String>, Spanned<String>)>,
    /// Headers that are taken away.
    pub remove: Vec<Spanned<String>>,
}

/// What a rule changes of what it forwards and answers, for settings that mean something by its paths.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'rule> {
    /// The path and the host.
    pub rewrite: Option<&'rule Rewrite>,
    /// The headers of the request.
    pub request_headers: Option<&'rule HeaderChanges>,
    /// The headers of the response.
    pub response_headers: Option<&'rule HeaderChanges>,
}

impl Rewrite {
    /// The new path, unless it is the old one for every path of the rule.
    pub fn other_path(&self) -> Option<&PathRewrite> {
        other(self.path.as_ref())
    }
}

impl Redirect {
    /// The status.
    pub fn status(&self) -> u16 {
        self.code.map_or(DEFAULT_REDIRECT, |code| code.value)
    }

    /// The new path, unless it is the old one for every path of the rule.
    pub fn other_path(&self) -> Option<&PathRewrite> {
        other(self.path.as_ref())
    }
}

impl Respond {
    /// The body.
    pub fn body(&self) -> &str {
        self.body.as_ref().map_or("", |body| body.value.as_str())
    }

    /// The media type of the body; empty without a body of which nothing is said.
    pub fn content_type(&self) -> &str {
        match &self.content_type {
            Some(content_type) => &content_type.value,
            None if self.body().is_empty() => "",
            None => DEFAULT_CONTENT_TYPE,
        }
    }
}

fn other(path: Option<&Spanned<NewPath>>) -> Option<&PathRewrite> {
    let path = path.filter(|path| path.value.is_other);
    path.map(|path| &path.value.made)
}
