//! The kinds of cases, each in its file.

mod diff;
mod hostile;
mod lower;
mod reject;
mod reload;
mod route;
mod serve;
mod transcript;

use std::path::PathBuf;

use crate::folder::Case;
use crate::runner::Trial;

type Run = fn(&Case, &PathBuf) -> anyhow::Result<()>;

const KINDS: [(&str, Run); 13] = [
    ("reject", |case, _executable| reject::is_rejected(case)),
    ("warn", |case, _executable| {
        reject::is_accepted_with_warnings(case)
    }),
    ("info", |case, _executable| reject::is_remarked_on(case)),
    ("diff", |case, _executable| diff::run(case)),
    ("hostile", |case, executable| hostile::run(case, executable)),
    ("lower", |case, _executable| lower::run(case)),
    ("route", |case, _executable| route::run(case)),
    ("serve", |case, executable| serve::run(case, executable)),
    ("reload", |case, executable| reload::run(case, executable)),
    ("why", |case, executable| transcript::run(case, executable)),
    ("test", |case, executable| transcript::run(case, executable)),
    ("callers", |case, executable| {
        transcript::run(case, executable)
    }),
    ("witness", |case, executable| {
        transcript::run(case, executable)
    }),
];

/// A test for every case folder; proxies are made of `executable`.
///
/// # Errors
///
/// When a folder of cases cannot be read.
pub fn trials(executable: &str) -> anyhow::Result<Vec<Trial>> {
    let executable = PathBuf::from(executable);
    let mut trials = Vec::new();
    for (kind, run) in KINDS {
        for case in Case::all(kind)? {
            let executable = executable.clone();
            trials.push(Trial {
                name: case.name.clone(),
                run: Box::new(move || run(&case, &executable)),
            });
        }
    }
    Ok(trials)
}
