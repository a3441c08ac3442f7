//! Origins, manifests and indexes of any bytes: reading them never panics.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use weft_snapshot::layout::{Index, Manifest};
use weft_snapshot::origins::Origins;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(origins) = Origins::check(bytes.to_vec()) {
        let node = Arc::new(origins).node("gateway/public");
        for route in 0..4 {
            std::hint::black_box(node.setting(route, "timeout.request").is_some());
        }
    }
    std::hint::black_box((Index::parse(bytes).is_ok(), Manifest::parse(bytes).is_ok()));
});
