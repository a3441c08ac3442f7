//! Which identities an entry of an access rule names: one, or all below a place.
//!
//! `spiffe://shop.example/service/web` names itself, `spiffe://shop.example/service/*` every identity one segment below
//! `service`, and `spiffe://shop.example/**` every identity of the trust domain. No identity holds a `*` (SPIFFE-ID, section 2.2),
//! so no entry can be taken for another kind. Apart, because the proxy looks such entries up and the analyses of the compiler ask
//! whom they name.

/// The end of an entry that names all identities one segment below a place.
pub const ANY_NAME: &str = "/*";
/// The end of an entry that names all identities below a place.
pub const ANY_BELOW: &str = "/**";

/// Whether an entry names more than one identity.
pub fn is_pattern(entry: &str) -> bool {
    entry.ends_with(ANY_NAME) || entry.ends_with(ANY_BELOW)
}

/// Whether an entry names an identity.
pub fn names(entry: &str, identity: &str) -> bool {
    let below = |place: &str| {
        let rest = identity.strip_prefix(place)?.strip_prefix('/')?;
        Some(rest).filter(|rest| !rest.is_empty())
    };
    if let Some(place) = entry.strip_suffix(ANY_BELOW) {
        below(place).is_some()
    } else if let Some(place) = entry.strip_suffix(ANY_NAME) {
        below(place).is_some_and(|rest| !rest.contains('/'))
    } else {
        entry == identity
    }
}

/// Whether an entry names all identities that another one names.
pub fn covers(entry: &str, other: &str) -> bool {
    // A `*` is no name, so what names it names all that stand there.
    match other.strip_suffix(ANY_BELOW) {
        Some(place) => names(entry, &[place, ANY_NAME, ANY_NAME].concat()),
        None => names(entry, other),
    }
}

/// The entries that name more than an identity and it as well, each in two parts: a place and an end.
pub(crate) fn patterns_of(identity: &str) -> impl Iterator<Item = (&str, &'static str)> {
    let places = identity.match_indices('/').filter_map(|(at, _)| {
        let (place, rest) = identity.split_at_checked(at)?;
        (1 < rest.len()).then_some(place)
    });
    let parent = identity.rsplit_once('/');
    let parent = parent.filter(|(_, name)| !name.is_empty());
    let below = places.map(|place| (place, ANY_BELOW));
    below.chain(parent.map(|(place, _)| (place, ANY_NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_one_identity_or_all_below_a_place() {
        let web = "spiffe://m/service/web";
        for (entry, is_named) in [
            (web, true),
            ("spiffe://m/service/*", true),
            ("spiffe://m/**", true),
            ("spiffe://m/service/**", true),
            ("spiffe://m/*", false),
            ("spiffe://m/gateway/*", false),
            ("spiffe://m.other/**", false),
            ("spiffe://m/service/web/**", false),
            ("spiffe://m/service/we", false),
        ] {
            assert_eq!(names(entry, web), is_named, "{entry}");
        }
        assert!(!names("spiffe://m/service/*", "spiffe://m/service/a/b"));
        assert!(!names("spiffe://m/service/*", "spiffe://m/service/"));
        assert!(!names("spiffe://m/**", "spiffe://m"));
        assert!(!names("spiffe://m/**", "spiffe://m/"));
    }

    #[test]
    fn a_wider_entry_covers_a_narrower_one() {
        let entries = [
            "spiffe://m/a/b",
            "spiffe://m/a/*",
            "spiffe://m/a/**",
            "spiffe://m/**",
        ];
        for (at, wide) in entries.iter().enumerate() {
            for (other, narrow) in entries.iter().enumerate() {
                assert_eq!(covers(wide, narrow), other <= at, "{wide} {narrow}");
            }
        }
        assert!(!covers("spiffe://m/*", "spiffe://m/a/*"));
    }

    #[test]
    fn the_patterns_of_an_identity_are_those_that_name_it() {
        for identity in ["spiffe://m/a", "spiffe://m/a/b/c", "spiffe://m/a/", "", "x"] {
            for (place, end) in patterns_of(identity) {
                assert!(names(&[place, end].concat(), identity), "{identity}");
            }
        }
        let found: Vec<String> = patterns_of("spiffe://m/a/b")
            .map(|(place, end)| [place, end].concat())
            .collect();
        for pattern in ["spiffe://m/**", "spiffe://m/a/**", "spiffe://m/a/*"] {
            assert!(found.iter().any(|one| one == pattern), "{pattern}");
        }
    }
}
