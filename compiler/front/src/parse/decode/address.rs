//! What to write in place of an address that is none.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use weft_spec::units::Nearly;

/// What was probably meant by the text of a field, from the message of the type that refused it.
pub(super) fn meant(text: &str, message: &str, field: &str) -> Option<Nearly> {
    let wants_port = match message {
        "invalid socket address syntax" => true,
        "invalid IP address syntax" => false,
        _ => return None,
    };
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.trim_end_matches('/');
    let (host, port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    let is_address = |text: &str| {
        text.parse::<SocketAddr>().is_ok() || (!wants_port && text.parse::<IpAddr>().is_ok())
    };
    if let Some(local) =
        local(text, (bare, host, port), wants_port).filter(|local| is_address(local))
    {
        return Some(Nearly::Write(local));
    }
    if wants_port {
        Some(with_port(bare, (host, port), field))
    } else {
        Some(Nearly::Advice(without_port(bare)))
    }
}

/// An address of this machine by another name, or without what does not belong to it.
fn local(text: &str, (bare, host, port): (&str, &str, &str), wants_port: bool) -> Option<String> {
    match (host, port) {
        ("localhost" | "", port) if !port.is_empty() && wants_port => {
            Some(format!("127.0.0.1:{port}"))
        }
        ("localhost", "") if !wants_port => Some("127.0.0.1".to_owned()),
        ("*", port) if !port.is_empty() && wants_port => Some(format!("0.0.0.0:{port}")),
        ("*", "") if !wants_port => Some("0.0.0.0".to_owned()),
        _ if !wants_port && bare.starts_with('[') => Some(bare.trim_matches(['[', ']']).to_owned()),
        _ => (bare != text).then(|| bare.to_owned()),
    }
}

fn with_port(bare: &str, (host, port): (&str, &str), field: &str) -> Nearly {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    if host.contains(':') && host.parse::<Ipv6Addr>().is_ok() && is_port(port) {
        return Nearly::Advice(format!(
            "an IPv6 address has brackets in front of its port: `[{host}]:{port}`"
        ));
    }
    if bare.parse::<IpAddr>().is_ok() {
        return Nearly::Advice("add the port behind a `:`".to_owned());
    }
    if is_port(bare) {
        return Nearly::Write(format!("127.0.0.1:{bare}"));
    }
    if !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_err()
    {
        return Nearly::Advice("a port is a number from 1 to 65535".to_owned());
    }
    if let Some(why) = no_ipv4(host) {
        return Nearly::Advice(why);
    }
    let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if !is_name || !is_port(port) {
        return Nearly::Advice(
            "write an address and its port: `127.0.0.1:8080`, or `[::1]:8080`".to_owned(),
        );
    }
    Nearly::Advice(match field {
        "app" => {
            format!("the sidecar reaches its process on the same machine: write `127.0.0.1:{port}`")
        }
        "inbound" | "outbound" => format!(
            "write an address of the machine: `0.0.0.0:{port}` for all, `127.0.0.1:{port}` for itself alone"
        ),
        _ => format!("write an address; names are for `endpoints: {{dns: {bare}}}`"),
    })
}

fn without_port(bare: &str) -> String {
    if let Ok(address) = bare.parse::<SocketAddr>() {
        let (ip, port) = (address.ip(), address.port());
        return format!("write `{ip}`, and the port as `port: {port}`");
    }
    if let Some(why) = no_ipv4(bare) {
        return why;
    }
    if bare.contains('/') {
        return "write one address of the machine, or `0.0.0.0` for all of them".to_owned();
    }
    "write an address of the machine: `0.0.0.0` for all, `127.0.0.1` for itself alone".to_owned()
}

/// Why four numbers are no address.
fn no_ipv4(host: &str) -> Option<String> {
    let parts: Vec<&str> = host.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.iter().all(is_number) || parts.len() < 2 {
        return None;
    }
    if parts.len() != 4 {
        return Some(format!(
            "an address has four numbers, and `{host}` has {}",
            parts.len()
        ));
    }
    if let Some(part) = parts.iter().find(|part| part.parse::<u8>().is_err()) {
        return Some(format!(
            "the numbers of an address are 0 to 255, and `{part}` is not"
        ));
    }
    let plain = parts
        .iter()
        .map(|part| part.parse::<u8>().unwrap_or_default().to_string());
    let plain: Vec<String> = plain.collect();
    let plain = plain.join(".");
    (plain != host).then(|| format!("write its numbers without zeros in front: `{plain}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, wants_port: bool, field: &str) -> String {
        let message = if wants_port {
            "invalid socket address syntax"
        } else {
            "invalid IP address syntax"
        };
        match meant(text, message, field) {
            Some(Nearly::Write(text)) => format!("write {text}"),
            Some(Nearly::Advice(text)) => text,
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn each_text_that_is_no_address_says_what_to_write() {
        for (text, wants_port, field, meant) in [
            ("localhost:80", true, "app", "write 127.0.0.1:80"),
            ("http://127.0.0.1:80/", true, "app", "write 127.0.0.1:80"),
            ("9000", true, "app", "write 127.0.0.1:9000"),
            ("hello:9000", true, "app", "`127.0.0.1:9000`"),
            ("hello:9000", true, "endpoints", "{dns: hello:9000}"),
            ("::1:9000", true, "app", "`[::1]:9000`"),
            ("127.0.0.1:70000", true, "app", "from 1 to 65535"),
            ("10.0.1.300:80", true, "app", "`300`"),
            ("127.0.0.01:80", true, "app", "`127.0.0.1`"),
            ("10.0.1:80", true, "app", "four numbers"),
            ("127.0.0.1", true, "app", "add the port"),
            ("localhost", false, "address", "write 127.0.0.1"),
            ("*", false, "address", "write 0.0.0.0"),
            ("[::]", false, "address", "write ::"),
            ("127.0.0.1:8080", false, "address", "`port: 8080`"),
            ("127.0.0.0/8", false, "address", "`0.0.0.0` for all"),
            ("gateway", false, "address", "`0.0.0.0` for all"),
        ] {
            let told = told(text, wants_port, field);
            assert!(told.contains(meant), "{text} {told}");
        }
    }
}
