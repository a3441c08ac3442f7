//! The command `weft`.

use std::process::ExitCode;

/// Parsing allocates many small texts; this allocator is faster at it than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    weft_cli::run()
}
