//! What endpoints reach, as far as the spec says: an address with a port, whichever way it is written.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use weft_front::model::{Endpoints, Service};
use weft_snapshot::admin;
use weft_spec::{Span, Spanned};

/// What a connection reaches: an address, in one of its forms. The loopback address of IPv6 is that of IPv4, because names for a machine
/// itself stand for both.
pub(super) fn reached(address: SocketAddr) -> SocketAddr {
    let (reached, port) = admin::reached(address);
    let is_loopback = matches!(reached, IpAddr::V6(address) if address.is_loopback());
    let reached = if is_loopback {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        reached
    };
    SocketAddr::new(reached, port)
}

/// What the endpoints of a service reach, those of its versions included; of names those that stand for an address everywhere.
pub(super) fn endpoints(service: &Service) -> impl Iterator<Item = (SocketAddr, Span)> {
    let versions = service.versions.iter().map(|version| &version.endpoints);
    service.endpoints.iter().chain(versions).flat_map(of_list)
}

fn of_list(endpoints: &Spanned<Endpoints>) -> Vec<(SocketAddr, Span)> {
    match &endpoints.value {
        Endpoints::Static(addresses) => {
            let addresses = addresses.iter();
            addresses
                .map(|one| (reached(one.value), one.span))
                .collect()
        }
        Endpoints::Dns(name) => {
            let host = name.value.host.trim_end_matches('.').to_ascii_lowercase();
            // RFC 6761, section 6.3: names under `localhost` are loopback addresses.
            let address = if host == "localhost" || host.ends_with(".localhost") {
                Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
            } else {
                host.parse().ok()
            };
            let address = address.map(|address| SocketAddr::new(address, name.value.port));
            address
                .map(|address| (reached(address), name.span))
                .into_iter()
                .collect()
        }
        Endpoints::File(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn every_way_to_write_the_machine_itself_is_one() {
        let of = |text: &str| reached(text.parse().unwrap());
        for text in ["0.0.0.0:80", "[::]:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(of(text), of("127.0.0.1:80"), "{text}");
        }
        assert_ne!(of("127.0.0.2:80"), of("127.0.0.1:80"));
        assert_ne!(of("127.0.0.1:81"), of("127.0.0.1:80"));
    }
}
