//! A canonical request, as far as routing looks at it.

use crate::canonical::{Field, field};

/// The headers of a request.
pub trait Headers {
    /// All values of the header `name` (lower case), in order.
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]>;

    /// What the header `name` (lower case) says.
    fn field<'h>(&'h self, name: &str) -> Field<'h> {
        field(name, self.values(name))
    }
}

/// A request in canonical form; see [`crate::canonical`].
#[derive(Debug)]
pub struct Request<'r, H> {
    /// The method, case-sensitive.
    pub method: &'r str,
    /// The canonical host; empty for a request of HTTP/1.0 that names none, which only the pattern `*` owns.
    pub host: &'r str,
    /// The canonical path.
    pub path: &'r str,
    /// The query as sent, without `?`.
    pub query: Option<&'r str>,
    /// The headers.
    pub headers: &'r H,
}

/// Headers as a list of names in lower case and values, for tools and tests.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeaderList(pub Vec<(String, String)>);

impl Headers for HeaderList {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let wanted = name.to_owned();
        self.0
            .iter()
            .filter(move |(name, _)| *name == wanted)
            .map(|(_, value)| value.as_bytes())
    }
}
