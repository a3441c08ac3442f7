//! One test for every folder below `cases/`.

use std::process::ExitCode;

use weft_golden_tests::{kinds, runner};

fn main() -> ExitCode {
    match kinds::trials(env!("CARGO_BIN_EXE_weft-tested")) {
        Ok(trials) => runner::main(&trials),
        Err(error) => runner::main(&[runner::Trial {
            name: "cases".to_owned(),
            run: Box::new(move || Err(anyhow::anyhow!("{error:#}"))),
        }]),
    }
}
