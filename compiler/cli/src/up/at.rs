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
        let (name, place) = text.split_once('=').ok_or_else(|| unnamed(text))?;
        let on_loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let address = place.parse().map(on_loopback).or_else(|_| place.parse());
        let address: SocketAddr =
            address.map_err(|_error| nearly(name, place).unwrap_or_else(form))?;
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

/// What to write for an address or a port without a name.
fn unnamed(text: &str) -> String {
    format!(
        "say of what it is the address: `public/web={text}` for a listener of a gateway, `orders={text}` for a service; an address has a port, as `0.0.0.0:8080`"
    )
}

/// What to write for a place that is no address.
fn nearly(name: &str, place: &str) -> Option<String> {
    let bare = place
        .split_once("://")
        .map_or(place, |(_, rest)| rest)
        .trim_end_matches('/');
    let (host, port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    match port.parse::<u16>() {
        Ok(0) => None,
        Ok(port) if matches!(host, "localhost" | "") => Some(format!("write `{name}={port}`")),
        Ok(port) if host == "*" => Some(format!("write `{name}=0.0.0.0:{port}`")),
        Ok(_) if bare != place => Some(format!("write `{name}={bare}`")),
        Ok(_) => Some(format!(
            "`{host}` is no address of this machine, such as `127.0.0.1`"
        )),
        Err(_) if place.parse::<std::net::IpAddr>().is_ok() => {
            Some(format!("add the port: `{name}={place}:9001`"))
        }
        Err(_) if place.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some("a port is a number from 1 to 65535".to_owned())
        }
        Err(_) => None,
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
    fn a_place_that_is_no_address_says_what_to_write() {
        for (text, meant) in [
            ("0.0.0.0", "`public/web=0.0.0.0`"),
            ("hello=localhost:9001", "write `hello=9001`"),
            ("hello=:9001", "write `hello=9001`"),
            ("hello=*:9001", "write `hello=0.0.0.0:9001`"),
            ("hello=http://10.0.0.1:9001/", "write `hello=10.0.0.1:9001`"),
            ("hello=0.0.0.0", "add the port"),
            ("hello=99999", "from 1 to 65535"),
            ("hello=a:9001", "no address of this machine"),
        ] {
            let told = text.parse::<At>().unwrap_err();
            assert!(told.contains(meant), "{text} {told}");
        }
    }

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
