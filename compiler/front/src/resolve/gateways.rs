//! Gateways and certificates.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use weft_spec::Spanned;
use weft_spec::gateway::{self, Certificate};

use super::names::{Names, follow};
use crate::diagnostic::Diagnostics;
use crate::model;
use crate::settings::{Received, Said};

/// A certificate; nothing in it refers to anything.
pub(super) fn certificate(name: &Spanned<String>, certificate: &Certificate) -> model::Certificate {
    let Certificate { chain, key, names } = certificate;
    model::Certificate {
        name: name.clone(),
        chain: chain.clone(),
        key: key.clone(),
        names: names.clone(),
    }
}

/// A gateway with its listeners.
pub(super) fn gateway(
    names: &Names<'_>,
    (name, gateway): &(Spanned<String>, Spanned<gateway::Gateway>),
    diagnostics: &mut Diagnostics,
) -> model::Gateway {
    let gateway::Gateway { team, listeners } = &gateway.value;
    let sorted: BTreeMap<&str, &(Spanned<String>, Spanned<gateway::Listener>)> = listeners
        .iter()
        .map(|listener| (listener.0.value.as_str(), listener))
        .collect();
    model::Gateway {
        name: name.clone(),
        team: super::team(names, team.as_ref(), diagnostics),
        listeners: sorted
            .into_values()
            .map(|listener| self::listener(names, listener, diagnostics))
            .collect(),
    }
}

fn listener(
    names: &Names<'_>,
    (name, listener): &(Spanned<String>, Spanned<gateway::Listener>),
    diagnostics: &mut Diagnostics,
) -> model::Listener {
    let gateway::Listener {
        address,
        port,
        protocol,
        hosts,
        tls,
        // Settings are read by `Said`.
        ..
    } = &listener.value;
    let said = Said::by_listener(&listener.value);
    let any_address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let mut certificate = |name: &Spanned<String>| {
        let id = follow("certificate", &names.certificates, name, diagnostics)?;
        Some(Spanned::new(id, name.span))
    };
    let default = tls.as_ref().and_then(|tls| tls.value.default.as_ref());
    let default_certificate = default.and_then(&mut certificate);
    let tls = match tls {
        None => model::ListenerTls::Absent,
        Some(tls) => certificate(&tls.value.certificate)
            .map_or(model::ListenerTls::Unknown, model::ListenerTls::Certificate),
    };
    model::Listener {
        name: name.clone(),
        address: address.unwrap_or(Spanned::built_in(any_address)),
        port: *port,
        protocol: *protocol,
        hosts: hosts.clone(),
        tls,
        default_certificate,
        received: Received::by(&said),
        said,
    }
}
