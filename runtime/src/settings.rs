//! The command line of `weft-proxy`, and the settings it becomes.
//!
//! [`Options`] is what a person typed; [`Settings`] is what the proxy runs on, checked and complete. The
//! environment is never read. What may change while the proxy runs is not here but in a snapshot.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

pub use crate::log::LogFilter;
use crate::shared::{Limits, MemoryBound};

/// Everything the proxy is told at its start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The folder with the snapshot: an OCI image layout as `weft build` writes it.
    pub snapshot: PathBuf,
    /// The tag of the snapshot in that folder; the newest generation without one.
    pub tag: Option<String>,
    /// The node this proxy is: `gateway/<name>` or `service/<name>`.
    pub node: String,
    /// Worker threads, 1 to 1,024.
    pub workers: usize,
    /// Where the node's SPIFFE certificate, key and bundle are.
    pub identity_dir: Option<PathBuf>,
    /// Where good snapshots are kept across restarts.
    pub state_dir: Option<PathBuf>,
    /// The one name server that is asked; those of `/etc/resolv.conf` without.
    pub resolver: Option<SocketAddr>,
    /// Where the admin endpoint listens.
    pub admin: AdminAddress,
    /// Where the access log goes.
    pub access_log: AccessLogTarget,
    /// How the proxy's own log looks.
    pub log_format: LogFormat,
    /// What the proxy's own log says.
    pub log_filter: LogFilter,
    /// The one generation that is accepted although it is older, or although it crashed before.
    pub allow_older_generation: Option<u64>,
    /// How long a snapshot must serve without a crash to become good.
    pub soak: Duration,
    /// How often files are looked at even if nothing said that they changed.
    pub poll: Duration,
    /// How long the proxy is not ready but serves as before, after it was asked to drain and before it does.
    pub drain_delay: Duration,
    /// Whether to take the listening sockets over from the proxy that runs.
    pub upgrade: bool,
    /// The unix socket on which a running proxy hands its listening sockets to its successor. Absent: in the
    /// state folder, or nowhere without one.
    pub upgrade_socket: Option<PathBuf>,
    /// Whether to end at once when standard input does.
    pub end_with_stdin: bool,
    /// Bounds on everything else.
    pub limits: Limits,
}

impl Settings {
    /// Settings with every default, for the node `node` and the snapshot in `snapshot`.
    ///
    /// One worker, admin on a free loopback port, no access log: what tests and demos want.
    pub fn embedded(snapshot: impl Into<PathBuf>, node: &str) -> Self {
        Self {
            snapshot: snapshot.into(),
            tag: None,
            node: node.to_owned(),
            workers: 1,
            identity_dir: None,
            state_dir: None,
            resolver: None,
            admin: AdminAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
            access_log: AccessLogTarget::Off,
            log_format: LogFormat::Text,
            log_filter: LogFilter::default(),
            allow_older_generation: None,
            soak: Duration::from_secs(10),
            poll: Duration::from_secs(2),
            drain_delay: Duration::ZERO,
            upgrade: false,
            upgrade_socket: None,
            end_with_stdin: false,
            limits: Limits::default(),
        }
    }

    /// Where sockets are handed over, when anywhere.
    pub fn upgrade_path(&self) -> Option<PathBuf> {
        let in_state = || {
            self.state_dir
                .as_ref()
                .map(|state| state.join(&self.node).join("upgrade.sock"))
        };
        self.upgrade_socket.clone().or_else(in_state)
    }

    /// Reads the command line of this process; on a mistake prints it and exits with 2.
    pub fn from_command_line() -> Self {
        Options::parse().into()
    }
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        let defaults = Limits::default();
        let given = options.limits;
        Self {
            snapshot: options.snapshot,
            tag: options.tag,
            node: options.node,
            workers: options.workers.map_or_else(all_cores, usize::from),
            identity_dir: options.identity_dir,
            state_dir: options.state_dir,
            resolver: options.resolver,
            admin: options.admin,
            access_log: options.access_log,
            log_format: options.log_format,
            log_filter: options.log_filter,
            allow_older_generation: options.allow_older_generation,
            soak: options.soak,
            poll: options.poll,
            drain_delay: options.drain_delay,
            upgrade: options.upgrade,
            upgrade_socket: options.upgrade_socket,
            end_with_stdin: options.end_with_stdin,
            limits: Limits {
                connections: count(given.max_connections, defaults.connections),
                head_time: given.head_time.unwrap_or(defaults.head_time),
                keep_alive: given.keep_alive.unwrap_or(defaults.keep_alive),
                connection_age: given.connection_age.unwrap_or(defaults.connection_age),
                streams: given.max_streams.unwrap_or(defaults.streams),
                upstream_connections: count(
                    given.max_upstream_connections,
                    defaults.upstream_connections,
                ),
                retry_buffer: count(given.retry_buffer, defaults.retry_buffer),
                drain: given.drain_time.unwrap_or(defaults.drain),
                memory: given.max_memory,
                ..defaults
            },
        }
    }
}

/// Where the admin endpoint listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdminAddress {
    /// Nowhere.
    Off,
    /// On a loopback address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// On a unix socket at this path.
    Unix(PathBuf),
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("`unix:` needs a path".to_owned());
            }
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let address: SocketAddr = text
            .parse()
            .map_err(|_error| "use `127.0.0.1:PORT`, `unix:PATH` or `off`".to_owned())?;
        if !address.ip().is_loopback() {
            return Err(format!(
                "`{}` is not a loopback address; the admin endpoint is not for the network",
                address.ip()
            ));
        }
        Ok(Self::Tcp(address))
    }
}

/// Where the access log goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccessLogTarget {
    /// Nowhere; requests then cost nothing for it.
    Off,
    /// To standard output.
    Stdout,
    /// Appended to a file, which is opened again on SIGHUP.
    File(PathBuf),
}

impl FromStr for AccessLogTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("use a path, `-` or `off`".to_owned()),
            "off" => Ok(Self::Off),
            "-" => Ok(Self::Stdout),
            path => Ok(Self::File(PathBuf::from(path))),
        }
    }
}

/// How the proxy's own log looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// A line a person reads.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Obeys a compiled Weft snapshot: routes, retries, mTLS. Reloads it without losing a request.
///
/// Exit code 0 after a clean drain, 1 without a usable snapshot, 2 on wrong usage or a failing disk or socket.
#[derive(Clone, Debug, Parser)]
#[command(name = "weft-proxy", version)]
pub struct Options {
    /// Folder with the snapshot, as `weft build` writes it, or `DIST:TAG`; watched
    #[arg(long, value_name = "DIST")]
    snapshot: PathBuf,
    /// The tag of the snapshot in DIST [default: the newest generation, whatever its tag]
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The node to be, e.g. `gateway/public` or `service/orders`
    #[arg(long, value_parser = node)]
    node: String,
    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Folder with `svid.pem`, `svid_key.pem` and `svid_bundle.pem`; watched
    #[arg(long, value_name = "DIR")]
    identity_dir: Option<PathBuf>,
    /// Folder that keeps the last good snapshots across restarts
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Ask this name server instead of those in `/etc/resolv.conf`; names are taken as they are, without its search list
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Option<SocketAddr>,
    /// Admin endpoint: a loopback `ADDRESS:PORT`, `unix:PATH` or `off`
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:15000")]
    admin: AdminAddress,
    /// Access log: a path, `-` for standard output, or `off`
    #[arg(long, value_name = "WHERE", default_value = "-")]
    access_log: AccessLogTarget,
    /// Format of the proxy's own log on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// What that log says: a level for Weft's own lines, `CRATE=LEVEL` for others, with commas between
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_filter: LogFilter,
    /// Accept generation N although a newer one was served, or although it crashed
    #[arg(long, value_name = "N")]
    allow_older_generation: Option<u64>,
    /// How long a snapshot serves without a crash before it counts as good
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = seconds_to_a_day)]
    soak: Duration,
    /// How often files are looked at although nothing said they changed
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = poll)]
    poll: Duration,
    /// How long to be not ready, but to go on accepting, before a drain begins
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = nothing_to_a_day)]
    drain_delay: Duration,
    /// Take the listening sockets over from the proxy that runs, which then drains; start alone if none runs
    #[arg(long)]
    upgrade: bool,
    /// Unix socket that hands the listening sockets to a successor [default: in the state folder]
    #[arg(long, value_name = "PATH")]
    upgrade_socket: Option<PathBuf>,
    /// End at once when standard input does: for a program that starts proxies and must not leave any behind
    #[arg(long)]
    end_with_stdin: bool,
    #[command(flatten)]
    limits: LimitOptions,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Resident memory, such as `512MiB`; below it new connections, then new requests, then the connections
    /// that hold the most are shed [default: no bound]
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<MemoryBound>,
    /// Downstream connections per worker [default: 8192]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: Option<u32>,
    /// Concurrent HTTP/2 streams per connection [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_streams: Option<u32>,
    /// HTTP/1.1 connections per worker and endpoint [default: 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_upstream_connections: Option<u32>,
    /// Bytes of a request body kept for a retry [default: 65536]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=16_777_216))]
    retry_buffer: Option<u32>,
    /// From the first byte of a request to its whole head [default: 15s]
    #[arg(long, value_name = "TIME", value_parser = seconds_to_a_day)]
    head_time: Option<Duration>,
    /// How long a connection without a request is kept [default: 75s]
    #[arg(long, value_name = "TIME", value_parser = seconds_to_a_day)]
    keep_alive: Option<Duration>,
    /// The age at which a connection is asked to close [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = seconds_to_a_day)]
    connection_age: Option<Duration>,
    /// How long running requests may go on after a drain began [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = seconds_to_a_day)]
    drain_time: Option<Duration>,
}

fn all_cores() -> usize {
    std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(1_024)
}

fn count(given: Option<u32>, default: usize) -> usize {
    given
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(default)
}

fn node(text: &str) -> Result<String, String> {
    let name = text
        .strip_prefix("gateway/")
        .or_else(|| text.strip_prefix("service/"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match name {
        Some(name) if !name.is_empty() && name.len() <= 253 && name.bytes().all(allowed) => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err("use `gateway/NAME` or `service/NAME`".to_owned()),
    }
}

fn seconds_to_a_day(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), Duration::from_hours(24))
}

fn nothing_to_a_day(text: &str) -> Result<Duration, String> {
    duration(text, Duration::ZERO, Duration::from_hours(24))
}

fn poll(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(50), Duration::from_hours(1))
}

fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let form = || "use a whole number with `ms`, `s`, `m` or `h`, such as `800ms`".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(form)?;
    let number: u64 = number.parse().map_err(|_error| form())?;
    let unit_millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(form()),
    };
    let time = number
        .checked_mul(unit_millis)
        .map(Duration::from_millis)
        .ok_or_else(form)?;
    if time < least || most < time {
        return Err(format!("must be from {least:?} to {most:?}"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Settings, clap::Error> {
        let always = [
            "weft-proxy",
            "--snapshot",
            "dist",
            "--node",
            "gateway/public",
        ];
        Options::try_parse_from(always.iter().chain(arguments)).map(Settings::from)
    }

    #[test]
    fn defaults_are_those_of_the_limits() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.limits, Limits::default());
        assert_eq!(
            settings.admin,
            AdminAddress::Tcp(weft_snapshot::admin::DEFAULT)
        );
        assert_eq!(settings.access_log, AccessLogTarget::Stdout);
        assert_eq!(settings.soak, Duration::from_secs(10));
    }

    #[test]
    fn limits_are_taken_from_the_command_line() {
        let settings = read(&["--drain-time", "800ms", "--max-streams", "7"]).unwrap();

        assert_eq!(settings.limits.drain, Duration::from_millis(800));
        assert_eq!(settings.limits.streams, 7);
    }

    #[test]
    fn sockets_are_handed_over_in_the_state_folder_unless_said_otherwise() {
        assert_eq!(read(&[]).unwrap().upgrade_path(), None);
        assert_eq!(
            read(&["--state-dir", "/s"]).unwrap().upgrade_path(),
            Some(PathBuf::from("/s/gateway/public/upgrade.sock"))
        );
        let both = ["--state-dir", "/s", "--upgrade-socket", "/run/a.sock"];
        assert_eq!(
            read(&both).unwrap().upgrade_path(),
            Some(PathBuf::from("/run/a.sock"))
        );
    }

    #[test]
    fn a_drain_begins_at_once_unless_a_delay_is_given() {
        assert_eq!(read(&[]).unwrap().drain_delay, Duration::ZERO);
        let delayed = read(&["--drain-delay", "5s"]).unwrap();
        assert_eq!(delayed.drain_delay, Duration::from_secs(5));
    }

    #[test]
    fn the_admin_endpoint_stays_off_the_network() {
        for address in [
            "0.0.0.0:15000",
            "10.0.0.1:1",
            "[::]:1",
            "localhost:1",
            "unix:",
        ] {
            assert!(read(&["--admin", address]).is_err(), "{address}");
        }
        assert_eq!(read(&["--admin", "off"]).unwrap().admin, AdminAddress::Off);
        assert!(read(&["--admin", "[::1]:0"]).is_ok());
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for wrong in [
            ["--workers", "0"],
            ["--workers", "2000"],
            ["--soak", "2d"],
            ["--soak", "25h"],
            ["--poll", "1ms"],
            ["--drain-time", "s"],
            ["--drain-time", "99999999999999999999s"],
            ["--node", "public"],
            ["--node", "gateway/"],
            ["--node", "gateway/../x"],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
