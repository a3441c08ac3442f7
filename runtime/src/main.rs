//! `weft-proxy`: reads the command line, hardens the process, and runs the proxy until it is drained.

use std::process::ExitCode;

use weft_runtime::settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    weft_runtime::control::run(Settings::from_command_line())
}
