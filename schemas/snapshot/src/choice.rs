//! Which listener of a port gets a request: the choice that proxies make and that every analysis asks.
//!
//! Listeners of one address and port are told apart by host. The one that names the host most specifically gets the
//! request, and its table alone decides: there is no fall-through to another listener. Which certificate a client gets is the same
//! choice, by the name in its handshake.
//!
//! There is one rule for ties: the first one has it. The compiler refuses two listeners of a port with one host, so that only
//! questions that leave the port open meet a tie.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::canonical::host_matches;
use crate::settings::{Listener, ListenerSecurity};

/// How specifically the best of some patterns matches a canonical host; none if no pattern does.
pub fn specificity<'a>(patterns: impl IntoIterator<Item = &'a str>, host: &str) -> Option<usize> {
    let patterns = patterns.into_iter();
    patterns
        .filter_map(|pattern| host_matches(pattern, host))
        .max()
}

/// The one that is most specific, of candidates with their specificity; of equal ones the first.
pub fn most_specific<K: Ord, T>(candidates: impl IntoIterator<Item = (Option<K>, T)>) -> Option<T> {
    let candidates = candidates.into_iter();
    let known = candidates.filter_map(|(specific, one)| Some((specific?, one)));
    // A later one has to be better: that is the rule for ties.
    let best = known.reduce(|best, next| if best.0 < next.0 { next } else { best });
    best.map(|(_, one)| one)
}

/// What the choice looks at: a listener of a slice, or of a spec that is not lowered yet.
pub trait Heard {
    /// Where it listens.
    fn place(&self) -> (IpAddr, u16);

    /// Whether clients begin with TLS.
    fn is_tls(&self) -> bool;

    /// How specifically it names a canonical host; none where it does not serve it.
    fn specificity(&self, host: &str) -> Option<usize>;
}

impl Heard for Listener {
    fn place(&self) -> (IpAddr, u16) {
        (self.address, self.port)
    }

    fn is_tls(&self) -> bool {
        match self.security {
            ListenerSecurity::Plaintext => false,
            ListenerSecurity::Tls { certificate: _ }
            | ListenerSecurity::Mtls
            | ListenerSecurity::Permissive {
                until_unix_seconds: _,
            } => true,
        }
    }

    fn specificity(&self, host: &str) -> Option<usize> {
        specificity(self.hosts.iter().map(String::as_str), host)
    }
}

/// The listener that gets the requests for a canonical host, among those of one address and port.
pub fn listener_of<'l, L: Heard>(
    listeners: impl IntoIterator<Item = &'l L>,
    host: &str,
) -> Option<&'l L> {
    let listeners = listeners.into_iter();
    most_specific(listeners.map(|one| (one.specificity(host), one)))
}

/// Whether a listener hears clients of TLS that named no host: it shows the certificate that they were shown, or names it for them. They
/// are shown the one that a listener of the port names for that, else that of the listener for all hosts; beside listeners that all show
/// one, nobody is told apart.
pub fn hears_nameless<'l>(
    port: &(impl Iterator<Item = &'l Listener> + Clone),
    listener: &Listener,
) -> bool {
    if port
        .clone()
        .all(|other| other.security == listener.security)
    {
        return true;
    }
    let named = port.clone().find_map(|one| one.default_certificate);
    let of_all_hosts = || {
        let mut port = port.clone();
        let any = port.find(|one| one.hosts.iter().any(|host| host == "*"));
        match any?.security {
            ListenerSecurity::Tls { certificate } => Some(certificate),
            ListenerSecurity::Plaintext
            | ListenerSecurity::Mtls
            | ListenerSecurity::Permissive {
                until_unix_seconds: _,
            } => None,
        }
    };
    named.or_else(of_all_hosts).is_some_and(|certificate| {
        listener.security == ListenerSecurity::Tls { certificate }
            || listener.default_certificate == Some(certificate)
    })
}

/// Where a client sends a request, as far as its URL says.
#[derive(Clone, Copy, Debug)]
pub struct Addressed<'h> {
    /// The port, if it names one.
    pub port: Option<u16>,
    /// Whether the scheme is `https`, if it names one.
    pub is_https: Option<bool>,
    /// The canonical host; none for what is no host, which is refused wherever it comes.
    pub host: Option<&'h str>,
}

/// The listener of a gateway that gets a request of a client, among all of its listeners: port and scheme fit, the port's choice is
/// this one, and where the URL leaves the port open it names the host most specifically. Of those that name it alike, the one on the
/// usual port of its scheme is meant.
pub fn addressed<'l, L: Heard>(listeners: &'l [L], to: Addressed<'_>) -> Option<&'l L> {
    let is_asked = |one: &&'l L| {
        let is_port = to.port.is_none_or(|port| port == one.place().1);
        is_port && to.is_https.is_none_or(|is_https| is_https == one.is_tls())
    };
    let gets = |one: &L, host: &str| {
        let beside = listeners
            .iter()
            .filter(|other| other.place() == one.place());
        listener_of(beside, host).is_some_and(|chosen| std::ptr::eq(chosen, one))
    };
    most_specific(listeners.iter().filter(is_asked).map(|one| {
        let specific = match to.host {
            Some(host) if gets(one, host) => one.specificity(host),
            Some(_) => None,
            None => Some(0),
        };
        let usual = if one.is_tls() { 443 } else { 80 };
        let is_usual = one.place().1 == usual;
        (specific.map(|specific| (specific, is_usual)), one)
    }))
}

/// Host patterns with something each, so that the most specific one of a host takes a look-up for each of its labels.
#[derive(Clone, Debug)]
pub struct HostIndex<T> {
    /// By the pattern without its `*`: the whole name, `.suffix`, or nothing. No canonical host begins with a dot.
    entries: BTreeMap<Box<str>, T>,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }
}

impl<T> HostIndex<T> {
    /// Adds a pattern; of equal ones the first counts.
    pub fn insert(&mut self, pattern: &str, value: T) {
        let key = pattern.strip_prefix('*').unwrap_or(pattern);
        self.entries.entry(key.into()).or_insert(value);
    }

    /// What belongs to the most specific pattern that matches a canonical host, and how specifically it does.
    pub fn best(&self, host: &str) -> Option<(usize, &T)> {
        let found = |key: &str| self.entries.get(key);
        let is_name = !host.is_empty() && !host.starts_with('.');
        if let Some(own) = found(host).filter(|_| is_name) {
            return Some((usize::MAX, own));
        }
        // From the most specific on: each dot begins a suffix, and a suffix counts without its dot.
        let dots = host.match_indices('.').filter(|(dot, _)| 0 < *dot);
        let mut suffixes = dots.filter_map(|(dot, _)| host.get(dot..));
        suffixes
            .find_map(|suffix| Some((suffix.len().saturating_sub(1), found(suffix)?)))
            .or_else(|| Some((0, found("")?)))
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many different patterns there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What belongs to each pattern.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.values()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Addressed, Heard, HostIndex, addressed, most_specific, specificity};
    use crate::canonical::host_matches;

    /// Port, whether it begins with TLS, and a host.
    struct Small(u16, bool, &'static str);

    impl Heard for Small {
        fn place(&self) -> (IpAddr, u16) {
            (Ipv4Addr::UNSPECIFIED.into(), self.0)
        }

        fn is_tls(&self) -> bool {
            self.1
        }

        fn specificity(&self, host: &str) -> Option<usize> {
            host_matches(self.2, host)
        }
    }

    #[test]
    fn a_url_leads_to_the_listener_that_gets_it() {
        let listeners = [
            Small(8080, false, "*"),
            Small(80, false, "*"),
            Small(81, false, "*.a"),
            Small(81, false, "x.a"),
            Small(443, true, "*"),
            Small(8443, true, "y.a"),
        ];
        let chosen = |port, is_https, host| {
            let to = Addressed {
                port,
                is_https,
                host: Some(host),
            };
            let chosen = addressed(&listeners, to)?;
            listeners.iter().position(|one| std::ptr::eq(one, chosen))
        };
        // The usual port goes first among those that name the host alike.
        assert_eq!(chosen(None, Some(false), "b"), Some(1));
        assert_eq!(chosen(None, None, "b"), Some(1));
        assert_eq!(chosen(None, Some(true), "b"), Some(4));
        // A closer name goes before the usual port.
        assert_eq!(chosen(None, Some(true), "y.a"), Some(5));
        assert_eq!(chosen(None, Some(false), "z.a"), Some(2));
        assert_eq!(chosen(Some(81), None, "x.a"), Some(3));
        assert_eq!(chosen(Some(80), None, "x.a"), Some(1));
        assert_eq!(chosen(Some(80), Some(true), "x.a"), None);
        assert_eq!(chosen(Some(81), None, "b"), None);
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let ports: [&[&str]; 3] = [&["*"], &["*.a.example", "c.example"], &["b.a.example"]];
        let chosen = |host: &str, from: usize| {
            let some = ports.iter().enumerate().skip(from);
            most_specific(some.map(|(at, one)| (specificity(one.iter().copied(), host), at)))
        };
        assert_eq!(chosen("x.example", 0), Some(0));
        assert_eq!(chosen("x.a.example", 0), Some(1));
        assert_eq!(chosen("c.example", 0), Some(1));
        assert_eq!(chosen("b.a.example", 0), Some(2));
        assert_eq!(chosen("a.example", 0), Some(0));
        assert_eq!(chosen("a.example", 1), None);
    }

    #[test]
    fn of_equal_ones_the_first_has_it() {
        let candidates = [(Some(1), "a"), (Some(2), "b"), (None, "c"), (Some(2), "d")];
        assert_eq!(most_specific(candidates), Some("b"));
        let mut index = HostIndex::default();
        index.insert("*.example", 'a');
        index.insert("*.example", 'b');
        assert_eq!(index.best("x.example"), Some((7, &'a')));
    }

    #[test]
    fn the_index_says_what_the_patterns_say() {
        let patterns = [
            "*",
            "*.a",
            "a",
            "*.b.a",
            "b.a",
            "c.b.a",
            "*.c.b.a",
            "[::1]",
            "127.0.0.1",
        ];
        let hosts = [
            "",
            ".a",
            "a",
            "b",
            "b.a",
            "c.a",
            "c.b.a",
            "d.c.b.a",
            "e.d.c.b.a",
            "xa",
            "[::1]",
            "127.0.0.1",
            "1.127.0.0.1",
            "x.y",
        ];
        // Every subset of the patterns, so that each is once the best and once missing.
        for subset in 0..1_u32 << patterns.len() {
            let some = (0..)
                .zip(patterns)
                .filter(|(at, _)| subset & (1 << at) != 0);
            let some: Vec<&str> = some.map(|(_, pattern)| pattern).collect();
            let mut index = HostIndex::default();
            for pattern in &some {
                index.insert(pattern, *pattern);
            }
            for host in hosts {
                let plain = some
                    .iter()
                    .filter_map(|one| Some((host_matches(one, host)?, one)));
                let plain = plain.max_by_key(|(specific, _)| *specific);
                assert_eq!(index.best(host), plain, "{host} of {some:?}");
            }
        }
    }
}
