//! Runs named tests as libtest does: filters, `--list`, threads, and the closing line that tools read.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::anyhow;

/// One test.
pub struct Trial {
    /// Its name, `kind/case`.
    pub name: String,
    /// What it does.
    pub run: Box<dyn Fn() -> anyhow::Result<()> + Send + Sync>,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Trial")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What was asked for on the command line.
#[derive(Debug, Default)]
struct RunnerOptions {
    filters: Vec<String>,
    skips: Vec<String>,
    is_exact: bool,
    lists: bool,
    runs_ignored_only: bool,
    threads: Option<usize>,
}

impl RunnerOptions {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                Some(_) | None => (argument.as_str(), None),
            };
            let mut value = || {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or(format!("`{argument}` needs a value"))
            };
            match name {
                "--exact" => options.is_exact = true,
                "--list" => options.lists = true,
                "--ignored" => options.runs_ignored_only = true,
                "--skip" => options.skips.push(value()?),
                "--test-threads" => options.threads = value()?.parse().ok(),
                "--format" | "--color" | "-Z" => drop(value()?),
                "--nocapture" | "--no-capture" | "--show-output" | "--include-ignored"
                | "--quiet" | "-q" => {}
                _ if name.starts_with('-') => return Err(format!("unknown option `{argument}`")),
                _ => options.filters.push(argument),
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |pattern: &String| {
            if self.is_exact {
                name == pattern
            } else {
                name.contains(pattern.as_str())
            }
        };
        let is_chosen = self.filters.is_empty() || self.filters.iter().any(fits);
        is_chosen && !self.skips.iter().any(fits) && !self.runs_ignored_only
    }
}

/// Runs the tests that the command line of this process asks for.
pub fn main(trials: &[Trial]) -> ExitCode {
    let options = match RunnerOptions::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(mistake) => {
            say(&format!("error: {mistake}"));
            return ExitCode::from(2);
        }
    };
    let wanted: Vec<&Trial> = trials
        .iter()
        .filter(|trial| options.wants(&trial.name))
        .collect();
    if options.lists {
        for trial in wanted {
            say(&format!("{}: test", trial.name));
        }
        return ExitCode::SUCCESS;
    }
    run(&wanted, &options, trials.len())
}

fn run(wanted: &[&Trial], options: &RunnerOptions, all: usize) -> ExitCode {
    let began = Instant::now();
    say(&format!("\nrunning {} tests", wanted.len()));
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = options
        .threads
        .or_else(|| thread::available_parallelism().ok().map(Into::into));
    thread::scope(|scope| {
        for _ in 0..threads.unwrap_or(1).clamp(1, 16) {
            scope.spawn(|| {
                while let Some(trial) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = catch_unwind(AssertUnwindSafe(&trial.run))
                        .unwrap_or_else(|_panic| Err(anyhow!("panicked")));
                    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
                    say(&format!("test {} ... {verdict}", trial.name));
                    if let Err(error) = outcome {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        failures.push((trial.name.clone(), format!("{error:#}")));
                    }
                }
            });
        }
    });
    let mut failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    failures.sort();
    for (name, failure) in &failures {
        say(&format!("\n---- {name} ----\n{failure}"));
    }
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    let passed = wanted.len() - failures.len();
    say(&format!(
        "\ntest result: {verdict}. {passed} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        failures.len(),
        all - wanted.len(),
        began.elapsed().as_secs_f64()
    ));
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

/// Prints a line; a closed output is no reason to stop.
fn say(text: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> RunnerOptions {
        RunnerOptions::read(arguments.iter().map(|argument| (*argument).to_owned())).unwrap()
    }

    #[test]
    fn a_filter_is_a_part_of_the_name_unless_exact() {
        assert!(options(&["bad"]).wants("reject/bad-share"));
        assert!(!options(&["bad", "--exact"]).wants("reject/bad-share"));
        assert!(options(&["reject/bad-share", "--exact"]).wants("reject/bad-share"));
        assert!(!options(&["--skip", "reject"]).wants("reject/bad-share"));
    }

    #[test]
    fn options_of_libtest_are_understood_and_others_refused() {
        assert_eq!(
            options(&["--test-threads=3", "-q", "--format", "terse"]).threads,
            Some(3)
        );
        assert!(RunnerOptions::read(["--fast".to_owned()].into_iter()).is_err());
    }
}
