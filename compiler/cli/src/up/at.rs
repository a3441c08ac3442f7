//! `--at NAME=ADDRESS`: where somebody wants a part of the mesh to be.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use anyhow::bail;

/// An address that was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct At {
    /// `public/web`, `orders`, `orders@v2` or `orders/outbound`.
    pub(super) name: String,
    /// Where it is to be.
    pub(super) address: SocketAddr,
    /// The whole, as it was written.
    pub(super) written: String,
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "use `NAME=PORT` or `NAME=ADDRESS:PORT`, such as `orders=9001`".to_owned();
        let (name, place) = text.split_once('=').ok_or_else(form)?;
        let on_loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let address = place.parse().map(on_loopback).or_else(|_| place.parse());
        let address: SocketAddr = address.map_err(|_error| form())?;
        if name.is_empty() || address.port() == 0 {
            return Err(form());
        }
        Ok(Self {
            name: name.to_owned(),
            address,
            written: text.to_owned(),
        })
    }
}

/// Refuses two addresses of one thing.
///
/// # Errors
///
/// When a name is given twice.
pub(super) fn each_once(given: &[At]) -> anyhow::Result<()> {
    for (position, at) in given.iter().enumerate() {
        let mut before = given.iter().take(position);
        if let Some(other) = before.find(|other| other.name == at.name) {
            let (name, first, second) = (&at.name, &other.written, &at.written);
            bail!(
                "`--at {first}` and `--at {second}` both say where `{name}` is; leave one of them out"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_address() {
        let all = |texts: &[&str]| -> Result<(), String> {
            let given: Vec<At> = texts.iter().map(|text| text.parse().unwrap()).collect();
            each_once(&given).map_err(|error| error.to_string())
        };
        assert_eq!(all(&["orders=9001", "orders@v2=9002", "web=9001"]), Ok(()));
        assert_eq!(
            all(&["orders=9001", "web=9003", "orders=[::1]:9002"]),
            Err("`--at orders=9001` and `--at orders=[::1]:9002` both say where `orders` is; leave one of them out".to_owned())
        );
    }
}
