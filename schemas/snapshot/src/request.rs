//! A canonical request, as far as routing looks at it.

/// The headers of a request.
pub trait Headers {
    /// All values of the header `name` (lower case), in order.
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]>;
}

/// A request in canonical form; see [`crate::canonical`].
#[derive(Debug)]
pub struct Request<'r, H> {
    /// The method, case-sensitive.
    pub method: &'r str,
    /// The canonical host.
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
