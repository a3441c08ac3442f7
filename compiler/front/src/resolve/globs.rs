//! Globs of paths: `*` stands for anything within a segment, `?` for one byte of it, `**` for any number of segments.
//!
//! globset matches them. Its other signs, `[...]`, `{...}` and `\`, are text here: names of folders may hold them, and a list of globs
//! says alternatives more plainly.

use globset::{GlobBuilder, GlobMatcher};
use weft_space::work;

/// The bytes of a glob; paths of a system are not longer. What globset makes of one is many times as large.
const LONGEST: usize = 4_096;

/// What it costs to make what matches a glob, and for each of its bytes (`weft_space::work`).
const MADE_STEPS: usize = 4_000;
const BYTE_STEPS: usize = 100;

/// What matches a glob; none for one that is too long, which matches no file, and where there are no steps left to make it.
pub(super) fn matcher(glob: &str) -> Option<GlobMatcher> {
    if LONGEST < glob.len() {
        return None;
    }
    let steps = glob.len().saturating_mul(BYTE_STEPS);
    if !work::spend(steps.saturating_add(MADE_STEPS)) {
        return None;
    }
    let text: String = glob.chars().map(literal).collect();
    let mut builder = GlobBuilder::new(&text);
    let glob = builder.literal_separator(true).backslash_escape(false);
    Some(glob.build().ok()?.compile_matcher())
}

/// A symbol that means itself, in a class of its own where globset would read a sign.
fn literal(symbol: char) -> String {
    match symbol {
        '[' | ']' | '{' | '}' => format!("[{symbol}]"),
        symbol => symbol.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use weft_testing::{Random, rounds};

    use super::matcher;

    fn matches(glob: &str, path: &str) -> bool {
        matcher(glob).is_some_and(|matcher| matcher.is_match(path))
    }

    #[test]
    fn stars_stay_within_a_segment_and_double_stars_do_not() {
        assert!(matches("payments/**", "payments/a/b.yaml"));
        assert!(matches("payments/**", "payments/a.yaml"));
        assert!(matches("**/pay-*.yaml", "pay-a.yaml"));
        assert!(matches("**/pay-*.yaml", "x/y/pay-a.yaml"));
        assert!(matches("a/**/b.yaml", "a/b.yaml"));
        assert!(matches("**", "a/b.yaml"));
        assert!(matches("a/?.yaml", "a/b.yaml"));
        assert!(matches("*.yaml", ".hidden.yaml"));
        assert!(!matches("payments/*", "payments/a/b.yaml"));
        assert!(!matches("payments/**", "payments-old/a.yaml"));
        assert!(!matches("a/?.yaml", "a/bc.yaml"));
        assert!(!matches("a?b.yaml", "a/b.yaml"));
    }

    #[test]
    fn a_glob_that_is_longer_than_a_path_is_not_made() {
        assert!(matcher(&"*".repeat(4_096)).is_some());
        assert!(matcher(&"*".repeat(4_097)).is_none());
    }

    #[test]
    fn other_signs_of_globs_are_text() {
        for name in [
            "{a,b}.yaml",
            "[ab].yaml",
            "[!a].yaml",
            "a]{.yaml",
            "a\\*.yaml",
        ] {
            assert!(matches(name, name), "{name}");
        }
        for glob in ["{a,b}.yaml", "[ab].yaml", "[!b].yaml", "\\a.yaml"] {
            assert!(!matches(glob, "a.yaml"), "{glob}");
        }
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let text = "a".repeat(5_000);
        assert!(!matches(&"*a".repeat(1_000), &format!("{text}b")));
    }

    /// The meaning by its words.
    fn plain(glob: &[&str], path: &[&str]) -> bool {
        match (glob.split_first(), path.split_first()) {
            (None, Some(_)) | (Some(_), None) => false,
            // At the end there is at least one.
            (None, None) | (Some((&"**", [])), Some(_)) => true,
            (Some((&"**", rest)), Some((_, later))) => plain(rest, path) || plain(glob, later),
            (Some((one, rest)), Some((segment, later))) => {
                within(one.as_bytes(), segment.as_bytes()) && plain(rest, later)
            }
        }
    }

    fn within(glob: &[u8], text: &[u8]) -> bool {
        match (glob.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => within(rest, text),
            (Some((b'*', rest)), Some((_, later))) => within(rest, text) || within(glob, later),
            (Some((b'?', rest)), Some((_, later))) => within(rest, later),
            (Some((one, rest)), Some((byte, later))) => one == byte && within(rest, later),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    #[test]
    fn a_glob_means_what_its_words_say() {
        let (mut met, mut missed) = (0, 0);
        for seed in 0..rounds(3_000) {
            let mut random = Random::new(u64::from(seed) + 19_000_000);
            let mut drawn = |parts: &[&str]| -> Vec<String> {
                let segments = 1 + random.below(4);
                let segment = |_| -> String {
                    let length = 1 + random.below(3);
                    (0..length).map(|_| random.pick(parts)).collect()
                };
                (0..segments).map(segment).collect()
            };
            let glob = drawn(&["a", "b", "*", "?", "[", "{"]);
            let path = drawn(&["a", "b", "[", "{"]);
            let told = matches(&glob.join("/"), &path.join("/"));
            let glob: Vec<&str> = glob.iter().map(String::as_str).collect();
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            assert_eq!(told, plain(&glob, &path), "{glob:?} {path:?}");
            met += u32::from(told);
            missed += u32::from(!told);
        }
        assert!(20 < met && 200 < missed, "{met}, {missed}");
    }
}
