//! An endpoint file: a JSON list of `address:port`.

use std::net::SocketAddr;
use std::path::Path;

use crate::source::file::read_bounded;

/// Bytes of an endpoint file: 1 MiB.
const BYTES: u64 = 1 << 20;

/// Reads the addresses in `path`. An empty list is an error: it is far more often a mistake than a wish.
pub(super) fn read(path: &Path) -> Result<Vec<SocketAddr>, String> {
    let bytes = read_bounded(path, BYTES).map_err(|error| error.to_string())?;
    let addresses: Vec<SocketAddr> = serde_json::from_slice(&bytes)
        .map_err(|error| format!("not a JSON list of `address:port`: {error}"))?;
    if addresses.is_empty() {
        return Err("the list is empty".to_owned());
    }
    Ok(addresses)
}
