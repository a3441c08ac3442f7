//! Sets of addresses and names: `[10.0.0.0/8, "*.internal"]`.

use std::net::IpAddr;

use weft_front::model::guardrail::Maximum;
use weft_space::host_covers;
use weft_spec::units::HostPattern;

/// What a list of networks and names looks like.
pub(in crate::rules) const EXPECTED: &str =
    "a list of networks such as `10.0.0.0/8` and of names such as `*.internal`";

/// Networks for addresses, patterns for names.
#[derive(Clone, Debug, Default)]
pub(in crate::rules) struct Networks {
    /// Each with the number of leading bits that count.
    networks: Vec<(IpAddr, u8)>,
    names: Vec<HostPattern>,
}

impl Networks {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// What one looks like.
    pub(in crate::rules) fn parse(written: &Maximum) -> Result<Self, &'static str> {
        let mut networks = Self::default();
        for text in &written.texts {
            if let Some(network) = network(text) {
                networks.networks.push(network);
            } else if text.contains('/') || is_like_an_address(text) {
                return Err(EXPECTED);
            } else {
                networks
                    .names
                    .push(text.parse().map_err(|_error| EXPECTED)?);
            }
        }
        let is_empty = written.texts.is_empty();
        (!is_empty).then_some(networks).ok_or(EXPECTED)
    }

    /// How many there are.
    pub(in crate::rules) fn len(&self) -> usize {
        self.networks.len().saturating_add(self.names.len())
    }

    /// Whether an address lies in one of the networks.
    pub(in crate::rules) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut networks = self.networks.iter();
        networks.any(|(network, bits)| cut(address, *bits) == Some(*network))
    }

    /// Whether a name is one of those that are listed.
    pub(in crate::rules) fn names(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let mut names = self.names.iter();
        names.any(|pattern| host_covers(pattern.as_str(), &name))
    }
}

/// Whether a text has numbers in front as an address has, and is none: no name is like that.
fn is_like_an_address(text: &str) -> bool {
    let numbers = text
        .split('.')
        .take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    2 < numbers.count()
}

/// A network; the bits that do not count are zero, because a person who sets one means something else.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all && cut(address, bits) == Some(address)).then_some((address, bits))
}

/// An address with its first bits alone; none where it has fewer.
fn cut(address: IpAddr, bits: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let zeros = 32_u32.checked_sub(bits.into())?;
            let mask = u32::MAX.checked_shl(zeros).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let zeros = 128_u32.checked_sub(bits.into())?;
            let mask = u128::MAX.checked_shl(zeros).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    })
}

#[cfg(test)]
mod tests {
    use weft_front::model::guardrail::Maximum;

    use super::Networks;

    #[test]
    fn networks_have_their_addresses_however_those_are_written() {
        let texts = ["10.0.0.0/8", "fd00::/8", "192.168.1.1", "*.internal"];
        let texts = texts.map(str::to_owned).to_vec();
        let networks = Networks::parse(&Maximum { texts }).unwrap();
        let has = |text: &str| networks.has(text.parse().unwrap());
        assert!(has("10.255.0.1") && has("::ffff:10.0.0.1") && has("fd12::1"));
        assert!(has("192.168.1.1") && !has("192.168.1.2") && !has("11.0.0.0"));
        assert!(!has("fe80::1") && !has("::1"));
        assert!(networks.names("a.b.Internal.") && !networks.names("internal"));
        let all = Maximum {
            texts: vec!["0.0.0.0/0".to_owned()],
        };
        let all = Networks::parse(&all).unwrap();
        assert!(all.has("255.1.1.1".parse().unwrap()) && !all.has("::1".parse().unwrap()));
    }
}
