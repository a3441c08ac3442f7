//! Origins, manifests and indexes of any bytes: reading them never panics.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use weft_snapshot::layout::{Index, Known, Manifest, Which, check_layout, choose};
use weft_snapshot::origins::Origins;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(origins) = Origins::check(bytes.to_vec()) {
        let node = Arc::new(origins).node("gateway/public");
        for route in 0..4 {
            std::hint::black_box(node.setting(route, "timeout.request").is_some());
        }
    }
    std::hint::black_box((check_layout(bytes).is_ok(), Manifest::parse(bytes).is_ok()));
    if let Ok(index) = Index::parse(bytes) {
        // Every blob that it names is itself again.
        let chosen = choose(&index, Which::Newest, &mut Known::default(), |_, _| {
            Ok::<_, std::convert::Infallible>(bytes.to_vec())
        });
        std::hint::black_box(chosen.is_ok());
    }
});
