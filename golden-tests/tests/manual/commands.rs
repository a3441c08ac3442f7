//! `commands.md`: every command and flag of `weft` and `weft-proxy`, as their help has them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory as _};
use weft_runtime::settings::Options;

use super::{WRITTEN, cell, is_as_written, root};

/// Commands of which a page says that they are not there yet.
const PLANNED: [&str; 1] = ["ca"];

const EXIT_CODES: &str = "\
## Exit codes

| program | code | means |
|---|---|---|
| `weft` | 0 | done, and no error was found |
| `weft` | 1 | rejected: an error was found, a test failed, an assertion was refuted, or nothing has what was asked for |
| `weft` | 2 | wrong usage, or a file, folder, repository or proxy that failed |
| `weft diff --exit-code` | 0 | no request is treated otherwise |
| | 2 | changes within `--max-risk` |
| | 3 | changes above it, a broken promise, or requests of others with `--by` |
| | 4 | not all is proved |
| | 1 | anything wrong, mistyped flags too |
| `weft up -- COMMAND` | that of COMMAND | 128 and the number of the signal, if one ended it |
| `weft-proxy` | 0 | it was asked to end, and drained |
| `weft-proxy` | 1 | no usable snapshot: that of DIST was refused, and the state folder has no good one |
| `weft-proxy` | 2 | wrong usage, or a disk or socket failed; with `--upgrade`, the running proxy did not hand over |
";

#[test]
fn every_command_and_flag_is_on_its_page() {
    let mut page = format!(
        "# Commands\n\n\
         What `weft --help`, `weft COMMAND --help` and `weft-proxy --help` say, on one page; {WRITTEN}. Results go to standard output, findings for\n\
         people to standard error. `weft man` prints the same as a manual page, `weft completions SHELL` what a shell completes.\n\n{EXIT_CODES}"
    );
    let mut weft = weft_cli::definition();
    weft.build();
    section(&weft, "weft", &mut page);
    for command in weft.get_subcommands() {
        if command.get_name() != "help" {
            section(command, &format!("weft {}", command.get_name()), &mut page);
        }
    }
    let mut proxy = Options::command();
    proxy.build();
    section(&proxy, "weft-proxy", &mut page);
    is_as_written("commands.md", &page);
}

fn section(command: &Command, name: &str, page: &mut String) {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    write!(page, "\n## {name}\n\n{}\n\n    {usage}\n", about.trim_end()).unwrap();
    let is_shown = |argument: &&Arg| {
        let is_everywhere = matches!(argument.get_id().as_str(), "help" | "version");
        // The flags of all commands stand at the first one.
        let is_inherited = argument.is_global_set() && name != "weft";
        !argument.is_hide_set() && !is_everywhere && !is_inherited
    };
    let arguments: Vec<&Arg> = command.get_arguments().filter(is_shown).collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| | default | |\n|---|---|---|\n");
    for argument in arguments {
        let (written, default, help) = (written(argument), default(argument), help(argument));
        writeln!(page, "| {written} | {default} | {help} |").unwrap();
    }
}

fn written(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let values: Vec<&str> = values.iter().map(clap::builder::Str::as_str).collect();
    let takes = argument.get_action().takes_values();
    let value = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let flags: Vec<String> = [short, long].into_iter().flatten().collect();
    let flags = flags.join("`, `");
    match (flags.is_empty(), value.is_empty()) {
        (true, _) => format!("`{value}`"),
        (false, true) => format!("`{flags}`"),
        (false, false) => format!("`{flags} {value}`"),
    }
}

fn default(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let values = argument.get_default_values();
    let values: Vec<String> = values
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    values.join(", ")
}

/// The help of a flag, with the values that it takes.
fn help(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = cell(&help.map(ToString::to_string).unwrap_or_default());
    let values = argument.get_possible_values();
    let values: Vec<String> = values
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!(
                "`{}` ({})",
                value.get_name(),
                cell(&help.to_string()).trim_end_matches('.')
            ),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if values.is_empty() {
        help
    } else {
        format!(
            "{}. One of {}",
            help.trim_end_matches('.'),
            values.join(", ")
        )
    }
}

/// The flags of commands, and the names of those of `weft`.
fn known() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut flags, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut weft = weft_cli::definition();
    weft.build();
    let mut proxy = Options::command();
    proxy.build();
    for command in weft.get_subcommands().chain([&weft, &proxy]) {
        names.insert(command.get_name().to_owned());
        let long = command.get_arguments().filter_map(Arg::get_long);
        flags.extend(long.map(str::to_owned));
    }
    (flags, names)
}

#[test]
fn every_flag_and_command_that_a_page_names_is_there() {
    let (flags, names) = known();
    let mut wrong = Vec::new();
    let mut pages: Vec<PathBuf> = vec![root().join("README.md"), root().join("SECURITY.md")];
    for folder in ["docs", "docs/how-to"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    for page in pages.iter().filter(|page| page.is_file()) {
        let text = fs::read_to_string(page).unwrap();
        // What stands between backticks or on a line of a block that begins with one of our commands.
        let quoted = text.split('`').skip(1).step_by(2);
        for command in quoted.chain(text.lines()).map(str::trim) {
            let command = command.trim_start_matches("$ ");
            let mut words = command.split_whitespace();
            let is_ours = match words.next() {
                Some("weft") => {
                    let name = words.next().unwrap_or("weft");
                    let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase());
                    if is_name && !names.contains(name) && !PLANNED.contains(&name) {
                        wrong.push(format!("{}: {command}", page.display()));
                    }
                    true
                }
                Some("weft-proxy") => true,
                _ => false,
            };
            // What follows `--` or a bar is a command of somebody else, and so is what stands within another.
            let words = words.take_while(|word| {
                is_ours && !matches!(*word, "--" | "|") && !word.starts_with("$(")
            });
            for flag in words.filter_map(|word| word.strip_prefix("--")) {
                let is_over = |letter: char| {
                    !letter.is_ascii_lowercase() && !letter.is_ascii_digit() && letter != '-'
                };
                let flag = flag.split(is_over).next().unwrap_or_default();
                if !flags.contains(flag) {
                    wrong.push(format!("{}: --{flag} in {command}", page.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
