//! Which listener of a port gets a request: the choice that proxies make and that every analysis asks.
//!
//! Listeners of one address and port are told apart by host. The one that names the host most specifically gets the
//! request, and its table alone decides: there is no fall-through to another listener.

use crate::canonical::host_matches;
use crate::settings::Listener;

/// How specifically the best of some patterns matches a canonical host; none if no pattern does.
pub fn specificity<'a>(patterns: impl IntoIterator<Item = &'a str>, host: &str) -> Option<usize> {
    let patterns = patterns.into_iter();
    patterns
        .filter_map(|pattern| host_matches(pattern, host))
        .max()
}

/// The one that is most specific, of candidates with their specificity. Equal ones are refused by the compiler; of those
/// the last one is chosen.
pub fn most_specific<T>(candidates: impl IntoIterator<Item = (Option<usize>, T)>) -> Option<T> {
    let candidates = candidates.into_iter();
    candidates
        .filter_map(|(specific, one)| specific.map(|specific| (specific, one)))
        .max_by_key(|(specific, _)| *specific)
        .map(|(_, one)| one)
}

/// The listener that gets the requests for a canonical host, among those of one address and port.
pub fn listener_of<'l>(
    listeners: impl IntoIterator<Item = &'l Listener>,
    host: &str,
) -> Option<&'l Listener> {
    let listeners = listeners.into_iter();
    most_specific(listeners.map(|one| {
        let patterns = one.hosts.iter().map(String::as_str);
        (specificity(patterns, host), one)
    }))
}

#[cfg(test)]
mod tests {
    use super::{most_specific, specificity};

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
}
