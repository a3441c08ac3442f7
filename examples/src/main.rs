//! `weft-demo`: runs the example `01-shop` for real and shows what Weft does with it.
//!
//! The proxies are processes of their own, but no other executable is needed: called by the name
//! `weft-proxy`, this one is the proxy.

use std::process::ExitCode;

use weft_examples::{demo, proxy};

fn main() -> ExitCode {
    if proxy::is_wanted() {
        proxy::main()
    } else {
        demo::main()
    }
}
