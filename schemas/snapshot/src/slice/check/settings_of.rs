//! Decodes the settings and checks what their types leave open.

use std::collections::BTreeSet;

use crate::canonical;
use crate::limits;
use crate::number::wide;
use crate::settings::{Endpoints, HeadLimits, Listener, ListenerSecurity, NodeSettings};
use crate::slice::SliceError;

/// The settings in `json`, for a slice with `tables` route tables.
pub(super) fn settings(json: &[u8], tables: usize) -> Result<NodeSettings, SliceError> {
    let settings: NodeSettings =
        serde_json::from_slice(json).map_err(|error| SliceError::Settings {
            message: error.to_string(),
        })?;
    listeners(&settings, tables)?;
    clusters(&settings)?;
    Ok(settings)
}

fn bad(what: String) -> SliceError {
    SliceError::BadSetting { what }
}

fn listeners(settings: &NodeSettings, tables: usize) -> Result<(), SliceError> {
    let count = settings.listeners.len();
    if count == 0 || limits::LISTENERS < count {
        return Err(bad(format!(
            "{count} listeners; 1 to {} are accepted",
            limits::LISTENERS
        )));
    }
    let (mut names, mut served) = (BTreeSet::new(), BTreeSet::new());
    for listener in &settings.listeners {
        let name = &listener.name;
        if !names.insert(name) {
            return Err(bad(format!("listener `{name}` is there twice")));
        }
        if tables <= wide(listener.table) || !served.insert(listener.table) {
            return Err(bad(format!(
                "listener `{name}` has no route table of its own"
            )));
        }
        if listener.port == 0 {
            return Err(bad(format!("listener `{name}` has port 0")));
        }
        if let ListenerSecurity::Tls { certificate } = listener.security
            && settings.certificates.len() <= wide(certificate)
        {
            return Err(bad(format!(
                "listener `{name}` shows a certificate that is not there"
            )));
        }
        default_certificate(listener, settings)?;
        head_limits(listener)?;
        if listener.hosts.is_empty() || !listener.hosts.iter().all(|host| is_pattern(host)) {
            return Err(bad(format!(
                "listener `{name}` has no hosts, or one that is no pattern"
            )));
        }
    }
    Ok(())
}

fn default_certificate(listener: &Listener, settings: &NodeSettings) -> Result<(), SliceError> {
    let Some(default) = listener.default_certificate else {
        return Ok(());
    };
    let is_shown = matches!(listener.security, ListenerSecurity::Tls { .. });
    if is_shown && wide(default) < settings.certificates.len() {
        return Ok(());
    }
    let name = &listener.name;
    Err(bad(format!(
        "listener `{name}` has a default certificate that is not there or never shown"
    )))
}

fn head_limits(listener: &Listener) -> Result<(), SliceError> {
    let HeadLimits {
        head_bytes,
        fields,
        target_bytes,
    } = listener.heads.limits;
    let is_usable = (1..=limits::HEAD_BYTES).contains(&head_bytes)
        && (1..=limits::HEAD_FIELDS).contains(&fields)
        && (1..=limits::TARGET_BYTES).contains(&target_bytes);
    if is_usable {
        return Ok(());
    }
    let name = &listener.name;
    Err(bad(format!(
        "listener `{name}` has limits of heads out of range"
    )))
}

/// Whether `pattern` is a canonical host, `*.suffix`, or `*`.
pub(super) fn is_pattern(pattern: &str) -> bool {
    let host = pattern.strip_prefix("*.").unwrap_or(pattern);
    pattern == "*" || canonical::host(host).is_ok_and(|canonical| canonical == host)
}

fn clusters(settings: &NodeSettings) -> Result<(), SliceError> {
    let count = settings.clusters.len();
    if limits::CLUSTERS < count {
        return Err(bad(format!(
            "{count} clusters; up to {} are accepted",
            limits::CLUSTERS
        )));
    }
    let mut names = BTreeSet::new();
    for cluster in &settings.clusters {
        let name = &cluster.name;
        if !names.insert(name) {
            return Err(bad(format!("cluster `{name}` is there twice")));
        }
        let is_usable = match &cluster.endpoints {
            Endpoints::Static { addresses } => {
                (1..=limits::ENDPOINTS).contains(&addresses.len())
                    && addresses.iter().all(|address| address.port() != 0)
            }
            Endpoints::Dns { host, port } => !host.is_empty() && *port != 0,
            Endpoints::File { path } => !path.is_empty(),
        };
        if !is_usable {
            return Err(bad(format!("cluster `{name}` has no usable endpoints")));
        }
        if limits::TIMEOUT_MILLIS < cluster.keep_alive_millis {
            return Err(bad(format!("cluster `{name}` keeps connections too long")));
        }
        if let Some(host) = &cluster.host
            && canonical::host(host).is_err()
        {
            return Err(bad(format!("cluster `{name}` shows a host that is none")));
        }
    }
    Ok(())
}
