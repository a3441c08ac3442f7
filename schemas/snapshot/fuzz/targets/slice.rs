//! A slice of any bytes: checking it, reading it back and deciding with it never panics and always ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_snapshot::{HeaderList, Request, Slice};

fuzz_target!(|bytes: &[u8]| {
    let Ok(slice) = Slice::check(bytes.to_vec()) else { return };
    let plan = slice.plan();
    let headers = HeaderList(vec![("x-a".to_owned(), "1".to_owned())]);
    for path in ["/", "/a", "/a/b/ab/v1", "/v1/a/"] {
        let request = Request { method: "GET", host: "b.a.x", path, query: Some("x-a=1"), headers: &headers };
        for table in 0..plan.tables.len() {
            if let Ok(Some(route)) = slice.decide(u32::try_from(table).unwrap_or(0), &request)
                && let Some(rewrite) = route.outcome().path()
            {
                rewrite.apply(path);
            }
        }
        slice.authorize("spiffe://m/a", "GET", path);
    }
});
