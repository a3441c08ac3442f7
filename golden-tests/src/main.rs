//! All commands in one executable, chosen by the name it is called by: `weft`, `weft-proxy` or `weft-demo`.
//!
//! Tests start it, so that they need no other executable, and never an old one.

use std::path::Path;
use std::process::ExitCode;

use weft_examples::{demo, proxy};

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called)
        .file_name()
        .and_then(|name| name.to_str())
    {
        Some("weft") => weft_cli::run(),
        Some("weft-demo") => demo::main(),
        Some(_) | None if proxy::is_wanted() => proxy::main(),
        Some(_) | None => ExitCode::from(2),
    }
}
