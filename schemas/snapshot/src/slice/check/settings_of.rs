//! Decodes the settings and checks what their types leave open.

use std::collections::BTreeSet;

use crate::canonical;
use crate::limits;
use crate::number::wide;
use crate::settings::{Endpoints, ListenerSecurity, NodeSettings};
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
        if listener.hosts.is_empty() || !listener.hosts.iter().all(|host| is_pattern(host)) {
            return Err(bad(format!(
                "listener `{name}` has no hosts, or one that is no pattern"
            )));
        }
    }
    Ok(())
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
    }
    Ok(())
}
