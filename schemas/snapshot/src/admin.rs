//! Where a proxy has its admin endpoint, and which addresses lead there.
//!
//! The proxy never connects to it on behalf of a request, and the compiler finds specs that ask for it; both mean the same by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where it is unless `--admin` says otherwise.
pub const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 15_000);

/// What a connection to `address` reaches: an address of IPv4 inside of one of IPv6 is itself, and the unspecified
/// address is this machine's loopback.
pub fn reached(address: SocketAddr) -> (IpAddr, u16) {
    let address_reached = match address.ip().to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    };
    (address_reached, address.port())
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, reached};

    #[test]
    fn every_way_to_write_the_loopback_address_is_the_same() {
        let of = |text: &str| reached(text.parse().unwrap());
        assert_eq!(of("127.0.0.1:15000"), reached(DEFAULT));
        assert_eq!(of("0.0.0.0:15000"), of("127.0.0.1:15000"));
        assert_eq!(of("[::ffff:127.0.0.1]:15000"), of("127.0.0.1:15000"));
        assert_eq!(of("[::]:15000"), of("[::1]:15000"));
        assert_ne!(of("127.0.0.1:15001"), of("127.0.0.1:15000"));
        assert_ne!(of("127.0.0.2:15000"), of("127.0.0.1:15000"));
    }
}
