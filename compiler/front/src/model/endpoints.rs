//! Where the instances of a service are reached.

use std::fmt;
use std::net::SocketAddr;

use weft_spec::Spanned;

/// Where the instances of a service are reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Endpoints {
    /// A list of addresses; none where what is written is wrong.
    Static(Vec<Spanned<SocketAddr>>),
    /// A name that the proxy resolves again and again.
    Dns(Spanned<DnsEndpoint>),
    /// The path of a JSON list of addresses that the proxy watches.
    File(Spanned<String>),
}

/// A name and the port at all of its addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnsEndpoint {
    /// The name as it is written, at most 253 bytes (RFC 1035 section 2.3.4), perhaps with a dot at its end.
    pub host: String,
    /// From 1.
    pub port: u16,
}

impl DnsEndpoint {
    /// Reads `name:port`; nothing if that is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let name = host.strip_suffix('.').unwrap_or(host);
        let is_name = host.len() <= 253 && name.split('.').all(is_label);
        is_name.then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for DnsEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::DnsEndpoint;

    #[test]
    fn a_dns_endpoint_is_a_name_and_a_port() {
        let read = DnsEndpoint::parse("Orders.internal.:15443").unwrap();
        assert_eq!((read.host.as_str(), read.port), ("Orders.internal.", 15443));
        assert_eq!(read.to_string(), "Orders.internal.:15443");
        let long = format!("{}:1", "a".repeat(64));
        for wrong in [
            "orders",
            "orders:0",
            "orders:65536",
            ":1",
            "a..b:1",
            "a b:1",
            &long,
        ] {
            assert_eq!(DnsEndpoint::parse(wrong), None, "{wrong}");
        }
    }
}
