//! `weft check`: is this spec right?

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use weft_front::diagnostic::{Diagnostic, Format, Severity};
use weft_front::{CertificateFiles, FileRead, ReadCertificates, Surroundings};
use weft_spec::units::Date;

use super::deny::Deny;
use super::load::{self, Loaded};
use super::progress::Shown;
use super::reach::Reach;
use super::{Context, Verdict, fix, output, project};

/// The longest chain that is read, in bytes.
const CHAIN_BYTES: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder, a file, or `-` for standard input. Several are one spec together.
    #[arg(default_value = ".", value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// The day on which the spec is checked, in UTC; today by default.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// Warnings that reject the spec: a code, or `warnings` for all; may be given several times.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<String>,
    /// Make the edits that can mean nothing else, and check what comes of them; what findings propose is left to a person.
    #[arg(long)]
    fix: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut denied = arguments.deny.clone();
    for spec in &arguments.specs {
        denied.extend_from_slice(project::of_spec(spec)?.deny());
    }
    let deny = Deny::of(&denied)?;
    let (mut loaded, mut found) = judged(context, arguments, &deny)?;
    let mut mended = 0_usize;
    if arguments.fix {
        for _ in 0..fix::ROUNDS {
            match fix::round(context, &found, &loaded.sources)? {
                0 => break,
                count => mended = mended.saturating_add(count),
            }
            (loaded, found) = judged(context, arguments, &deny)?;
        }
    }
    deny.apply(&mut found);
    if 0 < mended {
        let plural = if mended == 1 { "" } else { "s" };
        output::aside(&format!("mended {mended} finding{plural}\n"))?;
    }
    if arguments.fix {
        let left = fix::proposals(context, &found);
        if 0 < left {
            let plural = if left == 1 { "" } else { "s" };
            output::aside(&format!("left {left} proposal{plural} for you to decide\n"))?;
        }
    }
    let verdict = output::findings(context, &found, &loaded.sources)?;
    let is_silent = |found: &Diagnostic| {
        found.suppressed.is_some() || (found.severity == Severity::Info && !context.shows_remarks)
    };
    if found.iter().all(is_silent) && context.format == Format::Human {
        let files = loaded.sources.iter().count();
        let plural = if files == 1 { "" } else { "s" };
        let is_shown = |found: &&Diagnostic| {
            found.suppressed.is_some()
                && (context.shows_remarks || found.severity != Severity::Info)
        };
        let suppressed = match found.iter().filter(is_shown).count() {
            0 => String::new(),
            count => format!(", {count} suppressed"),
        };
        output::people(&format!(
            "checked {files} file{plural}: nothing found{suppressed}\n"
        ))?;
    }
    Ok(verdict)
}

/// The spec as it is on disk, and what is found in it.
fn judged(
    context: &Context,
    arguments: &Arguments,
    deny: &Deny,
) -> anyhow::Result<(Loaded, Vec<Diagnostic>)> {
    let loaded = load::several(&arguments.specs, &context.values)?;
    let mut found = loaded.found.clone();
    if !has_errors(&found) {
        let shown = Shown::of(context);
        let surroundings = surroundings(context, &arguments.specs, (arguments.now, deny), &shown);
        let (sources, values) = (&loaded.sources, &loaded.values);
        found.extend(weft_tell::check_to_build(sources, values, &surroundings));
    }
    Ok((loaded, found))
}

/// What whoever judges a spec may know besides it: the day that was said, else that of the clock, and the files that the spec may name. A
/// check and a build are told the same, so that they judge alike.
pub(super) fn surroundings(
    context: &Context,
    specs: &[PathBuf],
    (now, deny): (Option<Date>, &Deny),
    shown: &Shown,
) -> Surroundings {
    Surroundings {
        today: now.or_else(today),
        certificates: Some(certificates(Reach::of_all(specs, &context.also_read))),
        snapshots: Some(super::same::snapshots(Reach::of_all(
            specs,
            &context.also_read,
        ))),
        leaves_out_remarks: !context.shows_remarks && !deny.names_codes(),
        progress: shown.progress(),
    }
}

/// A reader of certificates: what the two files hold that the spec may name.
fn certificates(reach: Reach) -> ReadCertificates {
    ReadCertificates(Rc::new(move |chain, key| {
        CertificateFiles::of(&read(&reach, chain), &read(&reach, key))
    }))
}

/// A file as a proxy would find it that is started in this folder.
fn read(reach: &Reach, path: &str) -> FileRead {
    use std::io::Read as _;

    let named = Path::new(path);
    if let Ok(file) = reach.file(named) {
        let mut bytes = Vec::new();
        let whole = file.take(CHAIN_BYTES).read_to_end(&mut bytes);
        return whole.map_or(FileRead::Unknown, |_| FileRead::Bytes(bytes));
    }
    // What is elsewhere on a machine is nothing that a spec could ask for.
    let is_inside = named
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || named.symlink_metadata().is_ok() {
        return FileRead::Unknown;
    }
    FileRead::Absent {
        is_beside_spec: reach.folder().join(named).exists(),
    }
}

/// The day that the clock shows, in UTC; none for a clock that is wrong by centuries.
pub(super) fn today() -> Option<Date> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Date::of_unix_seconds(i64::try_from(since.as_secs()).ok()?)
}

pub(super) fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| found.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::Verdict;
    use crate::tests::{path, started, weft};

    #[test]
    fn a_fix_makes_what_is_certain_and_leaves_what_is_near() {
        let folder = started();
        let spec = path(&folder, "spec");
        let file = path(&folder, "spec/more.yaml");
        let values = path(&folder, "values.yaml");
        fs::write(&values, "orders: {app: 127.0.0.1:9009, to: other}\n").unwrap();
        let text = |app, to, from, timeout, field| {
            format!(
                "weft: v1\nservices:\n  other:\n    protocol: http\n    app: {app}\n    endpoints: [\"10.0.0.9:15443\"]\n    {field}: {{request: {timeout}}}\n    allow: [{{from: {from}}}]\nroutes: {{other: {{listener: public/web, host: o.example, rules: [{{to: {to}}}]}}}}\n"
            )
        };
        let fixed = |before: String, after: String| {
            fs::write(&file, &before).unwrap();
            let judged = weft(&["check", &spec, "--fix", "--values", &values]);
            assert_eq!(fs::read_to_string(&file).unwrap(), after);
            judged
        };
        let app = "127.0.0.1:9009";
        let gateway = "[gateway/public]";
        // Units and the form of a word mean one thing.
        fixed(
            text(app, "other", gateway, "1.5s", "Timeout"),
            text(app, "other", gateway, "1500ms", "timeout"),
        )
        .unwrap();
        // A name that is near may be another service, and `*` everybody or too many.
        for near in [
            text(app, "other2", gateway, "2s", "timeout"),
            text(app, "other", "[\"*\"]", "2s", "timeout"),
            text("\"{{ orders.ap }}\"", "other", gateway, "2s", "timeout"),
            text(app, "other", gateway, "2s", "timeuot"),
        ] {
            assert_eq!(fixed(near.clone(), near), Ok(Verdict::Rejected));
        }
    }

    #[test]
    fn the_files_of_a_certificate_are_looked_at() {
        let folder = started();
        let spec = path(&folder, "spec");
        let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("../front/src/certificate/pem");
        for file in ["curve.pem", "curve.key", "other.key"] {
            fs::copy(pem.join(file), path(&folder, &format!("spec/{file}"))).unwrap();
        }
        let file = path(&folder, "spec/mesh.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let judged = |chain: &str, key: &str| {
            let more = format!("certificates: {{web: {{chain: {chain}, key: {key}}}}}\n");
            fs::write(&file, text.clone() + &more).unwrap();
            weft(&[
                "check",
                &spec,
                "--now",
                "2026-12-01",
                "--deny",
                "unusable-certificate",
            ])
        };
        let at = |name: &str| format!("{spec}/{name}");
        assert_eq!(
            judged(&at("curve.pem"), &at("curve.key")),
            Ok(Verdict::Clean)
        );
        // One that is not where specs are checked.
        assert_eq!(judged("/none/web.pem", "/none/web.key"), Ok(Verdict::Clean));
        for (chain, key) in [
            (at("curve.key"), at("curve.pem")),
            (at("curve.pem"), at("curve.pem")),
            (at("curve.key"), at("curve.key")),
            (at("curve.pem"), at("other.key")),
            ("certs/web.pem".to_owned(), at("curve.key")),
            // From the folder of the spec, from which no proxy looks.
            (at("curve.pem"), "curve.key".to_owned()),
            (
                "\"-----BEGIN CERTIFICATE----- MII\"".to_owned(),
                at("curve.key"),
            ),
        ] {
            assert_eq!(judged(&chain, &key), Ok(Verdict::Rejected), "{chain} {key}");
        }
    }

    #[test]
    fn a_check_and_a_build_judge_alike() {
        let folder = started();
        let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
        let pem = "../../golden-tests/cases/warn/cert-lifetime/web.pem";
        let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join(pem);
        fs::copy(pem, path(&folder, "spec/web.pem")).unwrap();
        let both = |day: &str| {
            let check = weft(&["check", &spec, "--now", day]);
            let build = weft(&["build", &spec, "-o", &dist, "--now", day]);
            assert_eq!(check, build, "on {day}");
            check
        };
        // The certificate ends on 2026-12-10.
        let (early, late) = ("2026-11-01", "2026-12-09");
        assert_eq!(
            [both(early), both(late)],
            [Ok(Verdict::Clean), Ok(Verdict::Clean)]
        );
        let more = format!(
            "certificates: {{web: {{chain: {spec}/web.pem, key: {spec}/web.key}}}}\n\
             assert: []\n"
        );
        let file = path(&folder, "spec/mesh.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + &more).unwrap();
        assert_eq!(
            [both(early), both(late)],
            [Ok(Verdict::Clean), Ok(Verdict::Rejected)]
        );
        // Without a day, both ask the same clock.
        let check = weft(&["check", &spec]);
        assert_eq!(check, weft(&["build", &spec, "-o", &dist]));
        // A gateway with nothing to do.
        fs::write(&file, fs::read_to_string(&file).unwrap().replace(&more, "")).unwrap();
        fs::remove_file(path(&folder, "spec/services/hello.yaml")).unwrap();
        assert_eq!(both(early), Ok(Verdict::Rejected));
    }
}
