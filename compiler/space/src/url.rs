//! How a client names a listener in a URL: by its scheme, and by its port where that is not the usual one of the scheme.
//!
//! Every request that is shown as a command is made with one, so that it goes to the listener that it was found for. Which address a
//! name has is not said by a spec: `curl --connect-to ::ADDRESS:` sends a command to a proxy, whatever DNS says of the host.

use weft_snapshot::settings::{self, ListenerSecurity};

/// The scheme of a listener, and its port unless it is the usual one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListenerUrl {
    is_encrypted: bool,
    port: Option<u16>,
}

impl ListenerUrl {
    /// Of no listener that is known: plain HTTP on the usual port.
    pub const PLAIN: Self = Self {
        is_encrypted: false,
        port: None,
    };

    /// Of a listener of a plan.
    pub fn of_plan(listener: &settings::Listener) -> Self {
        let is_encrypted = match listener.security {
            ListenerSecurity::Plaintext => false,
            ListenerSecurity::Tls { .. }
            | ListenerSecurity::Mtls
            | ListenerSecurity::Permissive { .. } => true,
        };
        Self::new(is_encrypted, listener.port)
    }

    /// Of a listener by whether it is encrypted, and its port.
    pub fn new(is_encrypted: bool, port: u16) -> Self {
        let usual = if is_encrypted { 443 } else { 80 };
        Self {
            is_encrypted,
            port: Some(port).filter(|port| *port != usual),
        }
    }

    /// The URL of a host with a path and a query there: `https://a.example:8443/x`.
    pub fn to(self, host: &str, target: &str) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{scheme}://{host}{port}{target}")
    }
}

#[cfg(test)]
mod tests {
    use super::ListenerUrl;

    #[test]
    fn the_usual_port_of_a_scheme_is_not_written() {
        let url = |is_encrypted, port| ListenerUrl::new(is_encrypted, port).to("[::1]", "/a?b");
        assert_eq!(url(false, 80), "http://[::1]/a?b");
        assert_eq!(url(false, 443), "http://[::1]:443/a?b");
        assert_eq!(url(true, 443), "https://[::1]/a?b");
        assert_eq!(url(true, 8443), "https://[::1]:8443/a?b");
    }
}
