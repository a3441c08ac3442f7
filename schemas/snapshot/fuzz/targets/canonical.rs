//! Hosts and paths of any text: the canonical form of a canonical form is itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_snapshot::canonical;
use weft_snapshot::settings::{PathRules, Slashes};

fuzz_target!(|text: &str| {
    for keep_escaped_slashes in [false, true] {
        for slashes in [Slashes::Merge, Slashes::Keep, Slashes::Refuse] {
            let rules = PathRules { keep_escaped_slashes, refuse_dot_segments: false, slashes };
            if let Ok(once) = canonical::path(text, rules) {
                assert_eq!(canonical::path(&once, rules).as_deref(), Ok(once.as_ref()));
            }
        }
    }
    let once = canonical::query(text);
    assert_eq!(canonical::query(&once), once);
    assert_eq!(canonical::parameter(&once, "a"), canonical::parameter(text, "a"));
    if let Ok(once) = canonical::host(text) {
        assert_eq!(canonical::host(&once).as_deref(), Ok(once.as_ref()));
    }
});
