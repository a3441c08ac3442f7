//! Hosts that stand for all hosts of a pattern.
//!
//! Hosts that no pattern tells apart behave alike, so one free label below each pattern is enough to try.

use weft_snapshot::canonical;

/// A host that `pattern` owns among the `patterns` of a table, on a listener that serves `served` (empty:
/// all hosts); the most likely one when there is none.
pub fn host_witness(pattern: &str, patterns: &[&str], served: &[&str]) -> String {
    let owned = owned_host("*", Some(pattern), patterns, served);
    owned.unwrap_or_else(|| pattern.replace('*', "x"))
}

/// A host of the pattern `within` that `owner` owns among the `patterns` of a table, on a listener that serves
/// `served` (empty: all hosts); without an owner, one that no pattern of the table has. None if there is no such host.
pub fn owned_host(
    within: &str,
    owner: Option<&str>,
    patterns: &[&str],
    served: &[&str],
) -> Option<String> {
    let owner_of = |host: &str| {
        let known = patterns.iter().copied().chain(owner);
        let best = known.filter_map(|known| Some((canonical::host_matches(known, host)?, known)));
        best.max().map(|(_, known)| known)
    };
    let hits = |pattern: &str, host: &str| canonical::host_matches(pattern, host).is_some();
    let is_served =
        |host: &str| served.is_empty() || served.iter().any(|served| hits(served, host));
    let mut candidates: Vec<&str> = owner.into_iter().chain([within]).collect();
    candidates.extend(served);
    let is_it = |host: &String| owner_of(host) == owner && is_served(host) && hits(within, host);
    for candidate in candidates {
        let Some(suffix) = candidate.strip_prefix('*') else {
            let host = candidate.to_owned();
            if is_it(&host) {
                return Some(host);
            }
            continue;
        };
        // Below `*`, a host of one label is in no other wildcard; one with a domain looks better.
        let endings: &[&str] = if suffix.is_empty() {
            &[".example", ""]
        } else {
            &[suffix]
        };
        for ending in endings {
            let labels = (0..=patterns.len().saturating_add(1)).map(|number| match number {
                0 => "x".to_owned(),
                number => format!("x{number}"),
            });
            let mut hosts = labels.map(|label| format!("{label}{ending}"));
            if let Some(host) = hosts.find(is_it) {
                return Some(host);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::owned_host;

    #[test]
    fn a_host_is_found_wherever_there_is_one() {
        let patterns = ["*.a.example", "b.a.example", "*.c.a.example"];
        let owned = |within, owner| owned_host(within, owner, &patterns, &[]);
        assert_eq!(
            owned("*", Some("*.a.example")).as_deref(),
            Some("x.a.example")
        );
        assert_eq!(owned("b.a.example", Some("*.a.example")), None);
        assert_eq!(owned("*.c.a.example", Some("*.a.example")), None);
        assert_eq!(
            owned("*.d.a.example", Some("*.a.example")).as_deref(),
            Some("x.d.a.example")
        );
        assert_eq!(owned("*", None).as_deref(), Some("x.example"));
        assert_eq!(owned("*.a.example", None), None);
        assert_eq!(owned("a.example", None).as_deref(), Some("a.example"));
        let any = owned_host("*", Some("*"), &["*", "*.example", "x"], &[]);
        assert_eq!(any.as_deref(), Some("x1"));
        let served = owned_host("*", Some("*.a.example"), &patterns, &["b.a.example"]);
        assert_eq!(served, None);
    }
}
