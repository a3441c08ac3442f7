//! From the listeners of a slice to sockets: which share one, whether they can, and binding it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use socket2::{Domain, Protocol, Socket, Type};
use weft_snapshot::NodeSettings;
use weft_snapshot::settings::{Listener, ListenerSecurity};

use super::trust::with_causes;
use super::upgrade::Inherited;
use crate::identity::{EdgeListener, EdgeStore};
use crate::shared::{ActivePort, PortSecurity};
use crate::source::{Reason, Refusal};

/// Connections that wait to be accepted, per socket.
const BACKLOG: i32 = 4_096;

/// The ports of `settings`, with TLS ready, in the order of their addresses.
///
/// # Errors
///
/// [`Reason::ListenerConflict`] when listeners of one address start connections in different ways;
/// [`Reason::BadCertificate`] when a certificate cannot be used.
pub(super) fn ports(settings: &NodeSettings, edge: &EdgeStore) -> Result<Vec<ActivePort>, Refusal> {
    let mut groups: std::collections::BTreeMap<SocketAddr, Vec<Listener>> =
        std::collections::BTreeMap::new();
    for listener in &settings.listeners {
        let address = SocketAddr::new(listener.address, listener.port);
        groups.entry(address).or_default().push(listener.clone());
    }
    let ready = groups.into_iter().map(|(address, listeners)| {
        let security = security(address, &listeners, settings, edge)?;
        Ok(ActivePort {
            address,
            listeners,
            security,
        })
    });
    ready.collect()
}

fn security(
    address: SocketAddr,
    listeners: &[Listener],
    settings: &NodeSettings,
    edge: &EdgeStore,
) -> Result<PortSecurity, Refusal> {
    let mut found: Option<PortSecurity> = None;
    let mut certificates = Vec::new();
    for listener in listeners {
        let one = match listener.security {
            ListenerSecurity::Plaintext => PortSecurity::Plaintext,
            ListenerSecurity::Mtls => PortSecurity::Mtls,
            ListenerSecurity::Permissive { until_unix_seconds } => {
                PortSecurity::Permissive { until_unix_seconds }
            }
            ListenerSecurity::Tls { certificate } => {
                certificates.push(edge_listener(listener, certificate, settings)?);
                continue;
            }
        };
        if found.as_ref().is_some_and(|other| !is_same(other, &one)) {
            return Err(conflict(address));
        }
        found = Some(one);
    }
    match found {
        Some(security) if certificates.is_empty() => Ok(security),
        Some(_security) => Err(conflict(address)),
        None => edge
            .config(&certificates)
            .map(PortSecurity::Edge)
            .map_err(|error| {
                let message = format!("listener at {address}: {}", with_causes(&error));
                Refusal::new(Reason::BadCertificate, message)
            }),
    }
}

fn edge_listener(
    listener: &Listener,
    certificate: u32,
    settings: &NodeSettings,
) -> Result<EdgeListener, Refusal> {
    let files = |certificate: u32| {
        let position = usize::try_from(certificate).ok();
        let certificate = position.and_then(|position| settings.certificates.get(position));
        let certificate = certificate.ok_or_else(|| {
            let message = format!("listener `{}` has no certificate", listener.name);
            Refusal::new(Reason::BadCertificate, message)
        })?;
        let files = (&certificate.chain, &certificate.key);
        Ok((PathBuf::from(files.0), PathBuf::from(files.1)))
    };
    let (chain, key) = files(certificate)?;
    Ok(EdgeListener {
        hosts: listener.hosts.clone(),
        chain,
        key,
        default: listener.default_certificate.map(files).transpose()?,
    })
}

fn conflict(address: SocketAddr) -> Refusal {
    let message = format!("listeners at {address} start connections in different ways");
    Refusal::new(Reason::ListenerConflict, message)
}

/// Whether connections start in the same way; edge ports are the same with the same configuration.
pub(super) fn is_same(one: &PortSecurity, other: &PortSecurity) -> bool {
    match (one, other) {
        (PortSecurity::Plaintext, PortSecurity::Plaintext)
        | (PortSecurity::Mtls, PortSecurity::Mtls) => true,
        (PortSecurity::Edge(one), PortSecurity::Edge(other)) => std::sync::Arc::ptr_eq(one, other),
        (
            PortSecurity::Permissive {
                until_unix_seconds: one,
            },
            PortSecurity::Permissive {
                until_unix_seconds: other,
            },
        ) => one == other,
        (
            PortSecurity::Plaintext
            | PortSecurity::Mtls
            | PortSecurity::Edge(_)
            | PortSecurity::Permissive { .. },
            _,
        ) => false,
    }
}

/// The sockets of `address` that were inherited, or else fresh ones.
///
/// # Errors
///
/// [`Reason::BindFailed`] with the address and what the kernel said.
pub(super) fn sockets(
    address: SocketAddr,
    workers: usize,
    inherited: Option<&Inherited>,
) -> Result<Vec<TcpListener>, Refusal> {
    let copies = inherited.map(|inherited| inherited.copies(address));
    match copies.transpose() {
        Ok(Some(sockets)) if !sockets.is_empty() => Ok(sockets),
        Ok(Some(_) | None) => bind(address, workers),
        Err(error) => Err(cannot_bind(address, &error)),
    }
}

/// Binds one socket per worker to `address`; the kernel spreads connections over them.
///
/// # Errors
///
/// [`Reason::BindFailed`] with the address and what the kernel said.
pub(super) fn bind(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, Refusal> {
    let sockets = (0..workers).map(|_worker| socket(address));
    sockets
        .collect::<Result<_, _>>()
        .map_err(|error| cannot_bind(address, &error))
}

fn cannot_bind(address: SocketAddr, error: &std::io::Error) -> Refusal {
    let message = format!("`{address}` cannot be bound: {error}");
    Refusal::new(Reason::BindFailed, message)
}

fn socket(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` are two listeners in the language, so they must be two sockets.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_gets_a_socket_of_the_same_address() {
        let first = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 1).unwrap();
        let address = first[0].local_addr().unwrap();

        let all = bind(address, 3).unwrap();

        assert!(
            all.iter()
                .all(|socket| socket.local_addr().unwrap() == address)
        );
    }

    #[test]
    fn a_taken_address_is_a_refusal() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let refusal = bind(taken.local_addr().unwrap(), 1).unwrap_err();
        assert_eq!(refusal.reason, Reason::BindFailed);
    }
}
