//! Hosts and paths of any text: the canonical form of a canonical form is itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_snapshot::canonical;
use weft_snapshot::settings::PathRules;

fuzz_target!(|text: &str| {
    for keep_escaped_slashes in [false, true] {
        let rules = PathRules { keep_escaped_slashes, reject_unnormalized: false };
        if let Ok(once) = canonical::path(text, rules) {
            assert_eq!(canonical::path(&once, rules).as_deref(), Ok(once.as_ref()));
        }
    }
    if let Ok(once) = canonical::host(text) {
        assert_eq!(canonical::host(&once).as_deref(), Ok(once.as_ref()));
    }
});
