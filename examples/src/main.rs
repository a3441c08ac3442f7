//! `weft-demo`: runs the example `01-shop` for real and shows what Weft does with it.
//!
//! The proxies are processes of their own, started by `weft up`, but no other executable is needed: called by the
//! name `weft-proxy`, this one is the proxy, and by the name `weft` the compiler.

use std::process::ExitCode;

use weft_examples::{demo, proxy, up};

fn main() -> ExitCode {
    if proxy::is_wanted() {
        proxy::main()
    } else if up::is_wanted() {
        weft_cli::run()
    } else {
        demo::main()
    }
}
