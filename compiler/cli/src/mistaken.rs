//! Commands and flags of other products: what somebody who knows kubectl, terraform, istioctl or nginx types first.
//!
//! The parser of arguments offers what is spelled alike, which is seldom what is meant alike.

use std::ffi::OsString;

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Words for commands, and how the command is called here.
const COMMANDS: [(&[&str], &str); 14] = [
    (
        &[
            "validate",
            "lint",
            "verify",
            "analyze",
            "analyse",
            "vet",
            "test-config",
            "configtest",
        ],
        "check",
    ),
    (
        &[
            "compile", "apply", "deploy", "publish", "push", "generate", "render", "template",
            "make",
        ],
        "build",
    ),
    (&["run", "serve", "start", "proxy", "demo", "local"], "up"),
    (&["watch", "reload"], "dev"),
    (
        &["show", "describe", "get", "dump", "cat", "print"],
        "inspect",
    ),
    (&["plan", "compare", "changes", "preview"], "diff"),
    (
        &["trace", "route", "routes", "request", "debug", "curl"],
        "why",
    ),
    (&["undo", "revert", "restore"], "rollback"),
    (&["format", "tidy"], "fmt"),
    (&["new", "create", "scaffold", "bootstrap"], "init"),
    (&["mv", "move", "refactor"], "rename"),
    (&["who", "access", "permissions", "authz"], "callers"),
    (&["doc", "docs", "help-code", "error", "code"], "explain"),
    (&["completion", "complete"], "completions"),
];

/// Adds what was meant to an error about arguments.
pub(super) fn explained(mut error: Error, arguments: &[OsString]) -> Error {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let is_rename = words.iter().any(|word| word == "rename");
    match (error.kind(), invalid(&error)) {
        (ErrorKind::InvalidSubcommand, Some(word)) if is_rename && word != "rename" => {
            suggest(
                &mut error,
                "services are renamed: `weft rename service OLD NEW SPEC`",
            );
        }
        (ErrorKind::InvalidSubcommand, Some(word)) => {
            if word == "version" {
                suggest(&mut error, "`weft --version` says it");
            } else if let Some(command) = meant(&word) {
                let command = ContextValue::Strings(vec![command.to_owned()]);
                error.insert(ContextKind::SuggestedSubcommand, command);
            } else if error.get(ContextKind::SuggestedSubcommand).is_none() {
                suggest(&mut error, "`weft --help` lists the commands");
            }
        }
        (ErrorKind::UnknownArgument, Some(flag)) => {
            if let Some(told) = of_flag(&flag, &words) {
                suggest(&mut error, &told);
            }
        }
        _ => {}
    }
    error
}

/// The word that is not known.
fn invalid(error: &Error) -> Option<String> {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    kinds.into_iter().find_map(|kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    })
}

fn suggest(error: &mut Error, text: &str) {
    let text = ContextValue::StyledStrs(vec![StyledStr::from(text.to_owned())]);
    error.insert(ContextKind::Suggested, text);
}

fn meant(word: &str) -> Option<&'static str> {
    let mut commands = COMMANDS.iter();
    let found = commands.find(|(words, _)| words.contains(&word.to_lowercase().as_str()));
    found.map(|(_, command)| *command)
}

/// What is said of a flag that is not known; that it could be a path with a dash in front is never meant.
fn of_flag(flag: &str, words: &[String]) -> Option<String> {
    let command = words.iter().skip(1).find(|word| !word.starts_with('-'));
    let command = command.map_or("weft".to_owned(), |command| format!("weft {command}"));
    Some(match flag {
        "-v" | "--verbose" | "--debug" if !words.iter().any(|word| word.starts_with("-va")) => {
            "there is no other level of words; `--info` shows remarks too".to_owned()
        }
        "-f" | "--file" | "--filename" | "--config" | "-c" => {
            format!("the spec is given by its path alone: `{command} SPEC`")
        }
        "-q" | "--quiet" | "--silent" => {
            "write `--short` for one line each, or look at the exit code alone".to_owned()
        }
        "-n" | "--namespace" | "--context" => {
            "there are none; a spec is a folder: give its path".to_owned()
        }
        "--json" => "write `--format json`".to_owned(),
        "--strict" | "--deny-warnings" | "--werror" | "-Werror" => {
            "write `--deny warnings`".to_owned()
        }
        "--snapshot" => "write `--output DIST` for where a snapshot is written".to_owned(),
        // One dash in front of a long flag.
        flag if words
            .iter()
            .any(|word| 2 < word.len() && word.starts_with(flag) && !word.starts_with("--")) =>
        {
            let word = words
                .iter()
                .find(|word| 2 < word.len() && word.starts_with(flag));
            format!(
                "a long flag has two dashes: `-{}`",
                word.map_or(flag, String::as_str)
            )
        }
        flag if flag.starts_with('-') => format!("`{command} --help` lists the flags"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn told(words: &[&str]) -> String {
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        let error = crate::Arguments::command()
            .try_get_matches_from(&arguments)
            .unwrap_err();
        explained(error, &arguments).to_string()
    }

    #[test]
    fn words_of_other_products_lead_to_ours() {
        for (words, meant) in [
            (&["weft", "validate", "."][..], "'check'"),
            (&["weft", "apply", "."], "'build'"),
            (&["weft", "serve"], "'up'"),
            (&["weft", "version"], "`weft --version`"),
            (&["weft", "frobnicate"], "`weft --help`"),
            (
                &["weft", "rename", "gateway", "a", "b"],
                "`weft rename service OLD NEW SPEC`",
            ),
            (&["weft", "check", "-v", "."], "`--info`"),
            (&["weft", "check", "-f", "."], "`weft check SPEC`"),
            (&["weft", "check", "-values", "x"], "`--values`"),
            (&["weft", "check", "--json"], "`--format json`"),
            (&["weft", "build", "--generation", "-1"], "from 1 on"),
        ] {
            let told = told(words);
            assert!(told.contains(meant), "{words:?} {told}");
            assert!(!told.contains("as a value, use"), "{words:?} {told}");
        }
    }

    #[test]
    fn each_command_that_is_offered_is_there() {
        let definition = crate::Arguments::command();
        for (_, command) in COMMANDS {
            assert!(definition.find_subcommand(command).is_some(), "{command}");
        }
    }
}
