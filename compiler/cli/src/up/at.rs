//! `--at NAME=ADDRESS`: where somebody wants a part of the mesh to be.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

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
