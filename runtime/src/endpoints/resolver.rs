//! Asks DNS: one name, one kind of address, one answer with the time it holds.
//!
//! The name servers are those of `/etc/resolv.conf`, or one that the command line names; `/etc/hosts` comes first in
//! either case. Both files are read again when they change. A question is repeated over UDP without giving up the
//! earlier ones, so that an answer counts however late it comes, and asked over TCP when the answer was cut.

use std::fs::Metadata;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::config::{
    LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup_ip::LookupIp;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, TokioResolver};

/// From the start of a lookup to its failure, repeats included. Answers that come sooner are taken.
const LIMIT: Duration = Duration::from_secs(15);
/// Name servers that are asked at the same time; the C library knows no more than three either.
const SERVERS: usize = 3;
/// The files that say how names are resolved.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

impl Family {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::V4, Self::V6];
}

/// Addresses, and how long they hold according to the name server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ttl: Duration,
}

/// Why there are none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum LookupFailure {
    /// The name does not exist, and how long that holds.
    NoName(Option<Duration>),
    /// It exists and has no address of this kind, and how long that holds.
    NoAddress(Option<Duration>),
    /// The name servers say that they cannot tell.
    Server(&'static str),
    /// Nobody answered in time.
    Silence,
    /// Anything else, such as an answer that cannot be read.
    Other(String),
}

impl LookupFailure {
    /// The reason in kebab-case; one of [`super::state::LOOKUPS`].
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NoName(_) => "no-such-name",
            Self::NoAddress(_) => "no-address",
            Self::Server(_) => "server-failure",
            Self::Silence => "no-answer",
            Self::Other(_) => "other",
        }
    }

    /// Whether a name server that knows says that there is no such address.
    pub(super) fn is_definite(&self) -> bool {
        match self {
            Self::NoName(_) | Self::NoAddress(_) => true,
            Self::Server(_) | Self::Silence | Self::Other(_) => false,
        }
    }

    /// How long it holds, where the name server says so.
    pub(super) fn ttl(&self) -> Option<Duration> {
        match self {
            Self::NoName(ttl) | Self::NoAddress(ttl) => *ttl,
            Self::Server(_) | Self::Silence | Self::Other(_) => None,
        }
    }

    /// For people.
    pub(super) fn said(&self) -> String {
        match self {
            Self::NoName(_) => "the name does not exist".to_owned(),
            Self::NoAddress(_) => "the name has no address".to_owned(),
            Self::Server(code) => format!("the name server says {code}"),
            Self::Silence => "no name server answers".to_owned(),
            Self::Other(error) => error.clone(),
        }
    }
}

/// Asks for addresses. Shared by all lookups.
#[derive(Debug)]
pub(super) struct Resolver {
    server: Option<SocketAddr>,
    ready: Mutex<Ready>,
}

/// Resolvers as of what the files said.
#[derive(Clone)]
struct Ready {
    files: [Option<Stamp>; 2],
    hosts: Arc<Hosts>,
    v4: Asking,
    v6: Asking,
}

/// Two ways to ask the same.
#[derive(Clone)]
struct Asking {
    usual: Arc<TokioResolver>,
    /// Without EDNS, for servers that do not know it (RFC 6891, 7).
    plain: Arc<TokioResolver>,
}

impl Asking {
    async fn ask(&self, host: &str) -> Result<Answer, LookupFailure> {
        let found = match self.usual.lookup_ip(host).await {
            Err(error) if is_unknown_to_server(&error) => self.plain.lookup_ip(host).await,
            found => found,
        };
        answer(&found.map_err(|error| failure(&error))?)
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Resolver {
    /// Asks `server`, or those of the system.
    pub(super) fn new(server: Option<SocketAddr>) -> Self {
        Self {
            server,
            ready: Mutex::new(Ready::now(server)),
        }
    }

    /// Reads the files of the system again if they changed. Returns whether they did.
    pub(super) fn refresh(&self) -> bool {
        let mut ready = self.ready();
        if ready.files == stamps() {
            return false;
        }
        *ready = Ready::now(self.server);
        true
    }

    /// Asks for the addresses of `host`.
    ///
    /// # Errors
    ///
    /// Why there are none, after 15 s at most.
    pub(super) async fn lookup(&self, host: &str, family: Family) -> Result<Answer, LookupFailure> {
        let ready = self.ready().clone();
        if let Some(outcome) = known(&ready.hosts, host, family) {
            return outcome;
        }
        let asking = match family {
            Family::V4 => ready.v4,
            Family::V6 => ready.v6,
        };
        let found = tokio::time::timeout(LIMIT, asking.ask(host)).await;
        found.unwrap_or(Err(LookupFailure::Silence))
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `/etc/hosts` says, when it knows the name at all: then nobody is asked, not for the other kind either. A name
/// with one address there has one address, as for the C library.
fn known(hosts: &Hosts, host: &str, family: Family) -> Option<Result<Answer, LookupFailure>> {
    let name = Name::from_str(host).ok()?;
    let of = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let (v4, v6) = (of(RecordType::A), of(RecordType::AAAA));
    if v4.is_none() && v6.is_none() {
        return None;
    }
    let found = match family {
        Family::V4 => v4,
        Family::V6 => v6,
    };
    Some(match found {
        Some(found) => answer(&found.into()),
        None => Err(LookupFailure::NoAddress(None)),
    })
}

fn answer(found: &LookupIp) -> Result<Answer, LookupFailure> {
    let ttls = found.as_lookup().answers().iter().map(|record| record.ttl);
    let ttl = Duration::from_secs(ttls.min().unwrap_or(0).into());
    let addresses: Vec<IpAddr> = found.iter().collect();
    if addresses.is_empty() {
        return Err(LookupFailure::NoAddress(Some(ttl)));
    }
    Ok(Answer { addresses, ttl })
}

impl Ready {
    fn now(server: Option<SocketAddr>) -> Self {
        // Before the files are read: a change meanwhile is one more reason to read them again.
        let files = stamps();
        let (config, options) = match server {
            Some(server) => (alone(server), ResolverOpts::default()),
            None => read_system_conf().unwrap_or_else(|error| {
                tracing::warn!(%error, "`/etc/resolv.conf` cannot be used; names are asked of this machine");
                let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
                (alone(local), ResolverOpts::default())
            }),
        };
        let with = |strategy| {
            let mut plain = options.clone();
            plain.edns0 = false;
            let make = |options| Arc::new(resolver(config.clone(), options, strategy));
            Asking {
                usual: make(options.clone()),
                plain: make(plain),
            }
        };
        Self {
            files,
            hosts: Arc::new(Hosts::from_system().unwrap_or_default()),
            v4: with(LookupIpStrategy::Ipv4Only),
            v6: with(LookupIpStrategy::Ipv6Only),
        }
    }
}

fn stamps() -> [Option<Stamp>; 2] {
    FILES.map(|path| std::fs::metadata(path).ok().map(|it| Stamp::of(&it)))
}

/// One name server, and names as they are: no search list.
fn alone(server: SocketAddr) -> ResolverConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    ResolverConfig::from_parts(None, Vec::new(), vec![config])
}

fn resolver(
    config: ResolverConfig,
    mut options: ResolverOpts,
    strategy: LookupIpStrategy,
) -> TokioResolver {
    options.ip_strategy = strategy;
    // The registry keeps answers for as long as they hold, and asks again itself.
    options.cache_size = 0;
    options.timeout = LIMIT;
    options.attempts = 0;
    options.num_concurrent_reqs = SERVERS;
    options.use_hosts_file = ResolveHosts::Never;
    let build = |config| {
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options.clone())
            .build()
    };
    #[expect(
        clippy::expect_used,
        reason = "building fails only where TLS to name servers cannot be set up, and none is spoken"
    )]
    build(config).expect("a resolver without TLS")
}

/// Whether a name server says that it does not understand the question, as old ones do about EDNS.
fn is_unknown_to_server(error: &NetError) -> bool {
    let code = if let NetError::Dns(DnsError::NoRecordsFound(none)) = error {
        none.response_code
    } else if let NetError::Dns(DnsError::ResponseCode(code)) = error {
        *code
    } else {
        return false;
    };
    matches!(
        code,
        ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS
    )
}

fn failure(error: &NetError) -> LookupFailure {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum grows; what is new says itself what it is"
    )]
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let ttl = none
                .negative_ttl
                .map(|seconds| Duration::from_secs(seconds.into()));
            match none.response_code {
                ResponseCode::NXDomain => LookupFailure::NoName(ttl),
                ResponseCode::NoError => LookupFailure::NoAddress(ttl),
                code => LookupFailure::Server(code.to_str()),
            }
        }
        NetError::Dns(DnsError::ResponseCode(code)) => LookupFailure::Server(code.to_str()),
        NetError::Timeout => LookupFailure::Silence,
        NetError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            LookupFailure::Silence
        }
        error => LookupFailure::Other(error.to_string()),
    }
}
