//! The command `weft`: arguments, files, and what is printed. All IO of the compiler is here.
//!
//! One file per command. Results go to standard output, findings for people to standard error; findings
//! for machines (`--format json`, `sarif`, `github`) are results, and so is what keeps a command from its work. Exit code 0 says clean, 1 rejected, 2
//! wrong usage or failing IO.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line is where IO happens"
)]

mod bounded;
mod build;
#[cfg(test)]
mod build_tests;
mod calls;
mod check;
mod completions;
#[cfg(test)]
mod damage_tests;
mod deny;
mod dev;
mod diff;
mod disk;
mod explain;
mod fix;
mod fmt;
mod history;
mod ignore;
mod init;
mod inspect;
mod load;
pub mod local;
mod man;
mod mistaken;
mod numbers;
mod output;
mod paint;
mod progress;
mod project;
mod proofs;
mod published;
mod reach;
mod rename;
mod revision;
mod rewrite;
mod rollback;
mod same;
mod schema;
mod store;
mod stored;
mod subject;
mod test;
mod test_formats;
#[cfg(test)]
mod tests;
mod tree;
mod up;
mod whole;
mod why;
mod witness;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use weft_front::diagnostic::Format;

/// Checks and compiles the configuration of a gateway and service mesh.
///
/// A spec is a folder: every `*.yaml` and `*.yml` below it, except hidden files and folders, files given
/// by `--values`, and what a file named `.weftignore` says: nothing in it means its folder, else its lines are patterns as in
/// `.gitignore`. A file `weft.yaml` with `values`, `dist` and `deny` spares those flags.
#[derive(Debug, Parser)]
#[command(name = "weft", version, propagate_version = true, max_term_width = 100)]
struct Arguments {
    /// How findings and results are printed.
    #[arg(long, global = true, value_enum, default_value_t = FormatArgument::Human)]
    format: FormatArgument,
    /// A YAML file with values for `{{ }}` expressions; may be given several times, later ones win.
    #[arg(long, global = true, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// A folder outside of the spec in which certificates and snapshots are read that it names; may be given several times.
    #[arg(long, global = true, value_name = "FOLDER")]
    also_read: Vec<PathBuf>,
    /// Show remarks too: findings that many good specs have.
    #[arg(long, global = true)]
    info: bool,
    /// The most findings of each severity that are shown, 0 for all; 50 for people and all for machines, by default.
    #[arg(long, global = true, value_name = "N", value_parser = numbers::from_zero, allow_negative_numbers = true)]
    max_errors: Option<usize>,
    /// One line for each finding, change of a diff, proxy of an answer, or test that fails.
    #[arg(long, global = true)]
    short: bool,
    /// Whether results have colours.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorArgument::Auto)]
    color: ColorArgument,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorArgument {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in files and pipes.
    Always,
    /// Nowhere.
    Never,
}

impl ColorArgument {
    fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArgument {
    /// Text for people.
    Human,
    /// One JSON object a line.
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// `JUnit` XML, of `weft test` alone.
    Junit,
}

impl FormatArgument {
    /// How findings are printed then.
    fn of_findings(self) -> Format {
        match self {
            Self::Human | Self::Junit => Format::Human,
            Self::Json => Format::Json,
            Self::Sarif => Format::Sarif,
            Self::Github => Format::Github,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a spec and print what is wrong with it.
    Check(check::Arguments),
    /// Compile a spec to a snapshot.
    Build(build::Arguments),
    /// Publish what a folder of snapshots held before, as its newest generation.
    Rollback(rollback::Arguments),
    /// Print a snapshot as JSON.
    Inspect(inspect::Arguments),
    /// Say what happens to a request, and which lines of the spec decide it.
    Why(why::Arguments),
    /// Say what a change does to requests: two snapshots, specs or git revisions, compared exactly.
    Diff(diff::Arguments),
    /// Say who can call a service: what is allowed, what is declared, and where.
    Callers(calls::Callers),
    /// Say whom a service or gateway can call.
    Calls(calls::Calls),
    /// Run the tests of a spec, and say what they do not look at.
    Test(test::Arguments),
    /// Print requests that stand for every route, each with the route that takes it.
    Witness(witness::Arguments),
    /// Explain a kind of finding, a reason of an answer, or a class of changes.
    Explain(explain::Arguments),
    /// Print the JSON Schema of a spec file, or of a project file.
    Schema(schema::Arguments),
    /// Write a small commented spec to start from.
    Init(init::Arguments),
    /// Lay out the files of a spec in one way; comments stay.
    Fmt(fmt::Arguments),
    /// Give a service another name, wherever it is named.
    Rename(rename::Arguments),
    /// Watch a spec and rebuild the snapshot on every change.
    Dev(dev::Arguments),
    /// Run all nodes of a spec on this machine, with throw-away identities, and follow edits.
    Up(up::Arguments),
    /// Print the completions of a shell.
    Completions(completions::Arguments),
    /// Print the manual page.
    Man(man::Arguments),
}

/// What every command may need.
#[derive(Debug, Default)]
struct Context {
    format: Format,
    /// Whether `weft test` prints `JUnit`.
    is_junit: bool,
    values: Vec<PathBuf>,
    also_read: Vec<PathBuf>,
    shows_remarks: bool,
    max_errors: Option<usize>,
    is_short: bool,
}

/// How a command ended, when it could do its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Clean,
    Rejected,
    /// An exit code with a meaning of its own.
    Code(u8),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    run_with(std::env::args_os())
}

fn run_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // There, 2 says that a change is harmless, which a mistyped flag must not.
    let asks_for_codes = arguments.iter().any(|one| one == "--exit-code");
    let format = format_of(&arguments);
    let parsed = Arguments::try_parse_from(&arguments);
    let arguments = match parsed.map_err(|error| mistaken::explained(error, &arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do when even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() {
                let said = error.to_string();
                let said = said.lines().next().unwrap_or_default();
                let said = said.strip_prefix("error: ").unwrap_or(said);
                let _ = output::failure_for_machines(format, said);
                ExitCode::from(if asks_for_codes { 1 } else { 2 })
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    arguments.color.apply();
    let (context, command) = arguments.parts();
    match execute(&context, &command) {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Rejected) => ExitCode::from(1),
        Ok(Verdict::Code(code)) => ExitCode::from(code),
        Err(error) => {
            output::failure(context.format, &error);
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    /// What every command may need, and the command.
    fn parts(self) -> (Context, Command) {
        let context = Context {
            format: self.format.of_findings(),
            is_junit: matches!(self.format, FormatArgument::Junit),
            values: self.values,
            also_read: self.also_read,
            shows_remarks: self.info,
            max_errors: self.max_errors,
            is_short: self.short,
        };
        (context, self.command)
    }
}

/// The format that is asked for among arguments that are wrong somewhere: who reads them is a machine all the same.
fn format_of(arguments: &[OsString]) -> Format {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    let mut words = words.skip_while(|word| word != "--format" && !word.starts_with("--format="));
    let value = words.next().and_then(|word| match word.split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => words.next().map(std::borrow::Cow::into_owned),
    });
    let format = value.and_then(|value| FormatArgument::from_str(&value, false).ok());
    format.map_or(Format::Human, FormatArgument::of_findings)
}

fn execute(context: &Context, command: &Command) -> anyhow::Result<Verdict> {
    if context.is_junit && !matches!(command, Command::Test(_)) {
        anyhow::bail!("`junit` is a format of `weft test` alone");
    }
    if let Some(missing) = context.also_read.iter().find(|path| !path.is_dir()) {
        anyhow::bail!(
            "no folder at `{}`, which `--also-read` names",
            missing.display()
        );
    }
    match command {
        Command::Check(arguments) => check::run(context, arguments),
        Command::Build(arguments) => build::run(context, arguments),
        Command::Rollback(arguments) => rollback::run(context, arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Why(arguments) => why::run(context, arguments),
        Command::Diff(arguments) => diff::run(context, arguments),
        Command::Callers(arguments) => calls::callers(context, arguments),
        Command::Calls(arguments) => calls::calls(context, arguments),
        Command::Test(arguments) => test::run(context, arguments),
        Command::Witness(arguments) => witness::run(context, arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Fmt(arguments) => fmt::run(context, arguments),
        Command::Rename(arguments) => rename::run(context, arguments),
        Command::Dev(arguments) => dev::run(context, arguments),
        Command::Up(arguments) => up::run(context, arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}

/// The definition of the command line, for completions and the manual.
pub fn definition() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
