//! The proxy's own log: one line per event of the control side, on standard error.
//!
//! Never about a single request (that is the access log) and never with a secret: keys have no text form.

use tracing_subscriber::filter::LevelFilter;

use crate::settings::LogFormat;

/// Starts the log of this process. A program that embeds the proxy may have started its own: it stays.
pub(super) fn start(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
