//! The metrics of what was refused and lost, and why.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::Door;
use super::metrics::{Read, counter, gauge};
use crate::log;

/// Why a connection of a client was closed before anything was read from it.
const REFUSED: [(&str, Read); 3] = [
    ("too-many", |it| &it.connections_refused),
    ("descriptors", |it| &it.connections_refused_descriptors),
    ("memory", |it| &it.connections_refused_memory),
];

/// Writes the metrics of what is behind `door`.
pub(super) fn encode(door: &Door, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = encoder.encode_descriptor(
        "weft_connections_refused",
        "Downstream connections closed at once, by reason",
        None,
        MetricType::Counter,
    )?;
    for (reason, read) in REFUSED {
        let counts = door.shared.counters.iter().map(|it| read(it).value());
        let count = counts.fold(0, u64::wrapping_add);
        family
            .encode_family(&[("reason", reason)])?
            .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
    }
    let dropped = door.access_log.lost();
    counter(
        encoder,
        "weft_access_log_dropped",
        "Access log lines lost",
        dropped,
    )?;
    let help = "Lines of the own log lost because they were not taken in time";
    counter(encoder, "weft_log_dropped", help, log::dropped())?;
    let help = "Lines of the own log left out because they repeat others";
    counter(encoder, "weft_log_left_out", help, log::left_out())?;
    let help = "Failures to write the state folder";
    counter(
        encoder,
        "weft_state_folder_failures",
        help,
        door.state.failures(),
    )?;
    if let Some(bound) = door.shared.limits.memory {
        gauge(
            encoder,
            "weft_memory_max_bytes",
            "The bound of `--max-memory`",
            bound.bytes(),
        )?;
        let step = door.shared.pressure.shedding().code();
        let help = "0 nothing is shed, 1 connections, 2 requests too, 3 buffers too";
        gauge(encoder, "weft_memory_shedding", help, u64::from(step))?;
    }
    Ok(())
}
