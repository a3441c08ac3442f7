//! What `weft up` says: for people a table and a request to try, for programs a line of JSON for each event.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use weft_back::snapshot::Snapshot;
use weft_snapshot::layout::Bundle;
use weft_snapshot::settings::{ListenerSecurity, NodeSettings, Role};
use weft_tell::witness::{self, Witness};

use super::proxies::Proxy;

/// The version of these lines; it goes up when a field changes its meaning.
const FORMAT: u32 = 1;
/// The most requests that are proposed.
const PROPOSED: usize = 3;
/// How long a process that should listen may take to accept.
const ANSWER: Duration = Duration::from_millis(200);

/// All that runs, and where.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Serving<'run> {
    event: &'static str,
    format: u32,
    pub(super) generation: u64,
    /// The nodes whose slice is another one than before.
    pub(super) changed: Vec<String>,
    /// The folder with the snapshot that proxies watch.
    pub(super) snapshot: &'run Path,
    /// The certificate that signed all others.
    pub(super) authority: &'run Path,
    pub(super) proxies: Vec<ProxyLine>,
    /// Commands that ask the gateways.
    pub(super) requests: Vec<String>,
}

/// One proxy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProxyLine {
    node: String,
    instance: String,
    pid: u32,
    admin: SocketAddr,
    listeners: Vec<ListenerLine>,
    process: Option<SocketAddr>,
    identity: String,
    log: String,
    access_log: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListenerLine {
    name: String,
    address: SocketAddr,
    is_tls: bool,
    role: Role,
}

impl<'run> Serving<'run> {
    /// Nothing runs yet.
    pub(super) fn new(generation: u64, snapshot: &'run Path, authority: &'run Path) -> Self {
        Self {
            event: "serving",
            format: FORMAT,
            generation,
            changed: Vec::new(),
            snapshot,
            authority,
            proxies: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// One more proxy, and where its listeners are here.
    pub(super) fn add(
        &mut self,
        proxy: &Proxy,
        settings: &NodeSettings,
        process: Option<SocketAddr>,
    ) {
        let listeners = settings.listeners.iter();
        let text = |path: &Path| path.display().to_string();
        self.proxies.push(ProxyLine {
            node: proxy.instance.node.clone(),
            instance: proxy.instance.name(),
            pid: proxy.pid(),
            admin: proxy.admin,
            process,
            listeners: listeners
                .map(|listener| ListenerLine {
                    name: listener.name.clone(),
                    address: SocketAddr::new(listener.address, listener.port),
                    is_tls: matches!(listener.security, ListenerSecurity::Tls { .. }),
                    role: listener.role,
                })
                .collect(),
            identity: text(&proxy.identity),
            log: text(&proxy.log),
            access_log: text(&proxy.access_log),
        });
    }

    /// Where the processes of services are expected: of each node its address.
    pub(super) fn expected(&self) -> BTreeMap<String, SocketAddr> {
        let expected = self.proxies.iter();
        expected
            .filter_map(|proxy| Some((proxy.instance.clone(), proxy.process?)))
            .collect()
    }

    /// The same for people.
    pub(super) fn text(&self, spent: Duration) -> String {
        let mut text = String::new();
        self.places(&mut text, &BTreeMap::new());
        for (nth, request) in self.requests.iter().enumerate() {
            let head = if nth == 0 { "try" } else { "   " };
            let _infallible = writeln!(text, "{head}  {request}");
        }
        let _infallible = writeln!(
            text,
            "generation {} serves after {:.1} s; edits are followed, Ctrl-C ends it",
            self.generation,
            spent.as_secs_f64()
        );
        text
    }

    /// Where everything is, but for services whose process is expected where it was before.
    fn places(&self, text: &mut String, before: &BTreeMap<String, SocketAddr>) {
        let mut rows: Vec<[String; 3]> = Vec::new();
        let is_news = |proxy: &&ProxyLine| match proxy.process {
            Some(process) => before.get(&proxy.instance) != Some(&process),
            None => before.is_empty(),
        };
        for proxy in self.proxies.iter().filter(is_news) {
            let mut name = proxy.instance.as_str();
            for listener in &proxy.listeners {
                let scheme = if listener.is_tls { "https" } else { "http" };
                let what = match listener.role {
                    Role::Edge => format!("listens at {scheme}://{}", listener.address),
                    Role::Outbound => format!("sends its calls to http://{}", listener.address),
                    // Nobody but proxies need know.
                    Role::Inbound => continue,
                };
                rows.push([name.to_owned(), listener.name.clone(), what]);
                name = "";
            }
            if let Some(process) = proxy.process {
                let absent = if listens(process) {
                    ""
                } else {
                    ", where nothing listens yet: start it"
                };
                let what = format!("is expected at {process}{absent}");
                rows.push([name.to_owned(), "process".to_owned(), what]);
            }
        }
        table(&mut rows);
        for [name, part, what] in &rows {
            let _infallible = writeln!(text, "{name}  {part}  {what}");
        }
    }

    /// What an edit came to, for people, with each process that was expected elsewhere before, or not at all.
    pub(super) fn news(&self, spent: Duration, before: &BTreeMap<String, SocketAddr>) -> String {
        let changed = if self.changed.is_empty() {
            "nothing".to_owned()
        } else {
            self.changed.join(", ")
        };
        let mut text = String::new();
        if self.expected() != *before {
            self.places(&mut text, before);
        }
        // Last, as at the start: whoever reads on knows by this line that all is said.
        let _infallible = writeln!(
            text,
            "generation {} serves after {:.1} s; changed: {changed}",
            self.generation,
            spent.as_secs_f64()
        );
        text
    }
}

/// Makes the cells of a column equally long, but for the last one.
fn table(rows: &mut [[String; 3]]) {
    let width = |rows: &[[String; 3]], of: fn(&[String; 3]) -> &String| {
        rows.iter().map(|row| of(row).len()).max().unwrap_or(0)
    };
    let (first, second) = (width(rows, |[one, ..]| one), width(rows, |[_, two, _]| two));
    for [one, two, _] in rows {
        *one = format!("{one:first$}");
        *two = format!("{two:second$}");
    }
}

/// Whether something listens there now.
pub(super) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, ANSWER).is_ok()
}

/// Requests to the gateways that routes take, as commands for a shell: one for each listener, those first that need least.
pub(super) fn requests(bundle: &Bundle, authority: &Path) -> Vec<String> {
    let Ok(snapshot) = Snapshot::of_bundle(bundle) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (_, slice) in snapshot.gateways() {
        let (all, _) = witness::of_slice(slice);
        for listener in &slice.settings().listeners {
            let taken = all
                .iter()
                .filter(|one| one.listener == listener.name && one.route.is_some());
            let best = taken
                .min_by_key(|one| (one.variant.is_some(), one.method != "GET", one.curl.len()));
            let is_tls = matches!(listener.security, ListenerSecurity::Tls { .. });
            found.extend(best.map(|one| {
                let at = SocketAddr::new(listener.address, listener.port);
                command(one, at, is_tls.then_some(authority))
            }));
        }
    }
    found.truncate(PROPOSED);
    found
}

/// The command with what a name needs that is in no DNS.
fn command(one: &Witness, at: SocketAddr, authority: Option<&Path>) -> String {
    let mut options = String::new();
    if let Some(authority) = authority {
        let _infallible = write!(options, " --cacert {}", authority.display());
    }
    let is_known = one.host == "localhost" || one.host.ends_with(".localhost");
    if !is_known {
        let (host, port, address) = (&one.host, at.port(), at.ip());
        let _infallible = write!(options, " --resolve {host}:{port}:{address}");
    }
    one.curl.replacen("curl", &format!("curl{options}"), 1)
}

/// An event without more to say than its name and the generation that goes on.
pub(super) fn rejected(generation: u64) -> String {
    let line = serde_json::json!({"event": "rejected", "format": FORMAT, "generation": generation});
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_tells_of_processes_that_are_new_or_moved() {
        let line = |service: &str, port: u16| ProxyLine {
            node: format!("service/{service}"),
            instance: format!("service/{service}"),
            pid: 1,
            admin: SocketAddr::from(([127, 0, 0, 1], 1)),
            listeners: Vec::new(),
            process: Some(SocketAddr::from(([127, 0, 0, 9], port))),
            identity: String::new(),
            log: String::new(),
            access_log: String::new(),
        };
        let said = |now: Vec<ProxyLine>, before: Vec<ProxyLine>| {
            let serving = |proxies| Serving {
                proxies,
                ..Serving::new(2, Path::new("s"), Path::new("a"))
            };
            let before = serving(before).expected();
            serving(now).news(Duration::ZERO, &before)
        };
        let tail = "generation 2 serves after 0.0 s; changed: nothing\n";
        let at = |port: u16| {
            format!("is expected at 127.0.0.9:{port}, where nothing listens yet: start it\n")
        };
        let here = || vec![line("a", 1), line("b", 2)];
        assert_eq!(said(here(), here()), tail);
        assert_eq!(said(vec![line("a", 1)], here()), tail);
        assert_eq!(
            said(here(), vec![line("a", 1)]),
            format!("service/b  process  {}{tail}", at(2))
        );
        assert_eq!(
            said(here(), vec![line("a", 3), line("b", 2)]),
            format!("service/a  process  {}{tail}", at(1))
        );
    }
}
