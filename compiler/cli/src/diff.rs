//! `weft diff`: what a change does to requests.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_back::emit::{Made, emit_beside};
use weft_back::lower::Lowering;
use weft_back::snapshot::Snapshot;
use weft_front::Surroundings;
use weft_front::diagnostic::Format;
use weft_front::parse::Before;
use weft_front::settings::risk::{Facet, Risk};
use weft_snapshot::limits;
use weft_tell::diff::{
    Gate, Inputs, Report, Side, compare_sides, github, markdown, report, sarif, short, text,
};

use super::load::{self, Loaded};
use super::progress::Shown;
use super::revision::Revision;
use super::stored::{self, Place};
use super::{Context, Verdict, output, paint};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What was: a snapshot, a spec, or a git revision; `A..B` gives both sides.
    old: String,
    /// What is to be; the spec in the work tree when OLD is one revision.
    new: Option<String>,
    /// Where the spec is in the revisions; `.` by default.
    #[arg(last = true)]
    path: Option<PathBuf>,
    /// Report by exit code too: 0 nothing changes, 2 changes within `--max-risk`, 3 changes above it, or a broken
    /// promise, or requests of others with `--by`, 4 not all
    /// is proved, 1 anything wrong.
    #[arg(long)]
    exit_code: bool,
    /// The gravest accepted class of change: S1, S2, S3, G1, A1, A2, R1, R2, T1 or C0.
    #[arg(long, value_name = "CLASS", default_value = "A2", value_parser = risk)]
    max_risk: Risk,
    /// Only changes of this facet: route, security, reliability, transform or limits.
    #[arg(long, value_name = "FACET", value_parser = facet)]
    facet: Option<Facet>,
    /// A team that has approved: changes of S classes that concern no other team are accepted. May be given several times.
    #[arg(long, value_name = "TEAM")]
    approved_by: Vec<String>,
    /// The team that makes the change: what alters the requests of other teams is not accepted unless they approve.
    #[arg(long, value_name = "TEAM")]
    by: Option<String>,
    /// Print Markdown, for a pull request.
    #[arg(long)]
    markdown: bool,
}

fn risk(text: &str) -> Result<Risk, String> {
    Risk::parse(text).ok_or_else(|| {
        let all = Risk::ALL.map(|risk| format!("{risk:?}"));
        format!("no class of change; there are {}", all.join(", "))
    })
}

fn facet(text: &str) -> Result<Facet, String> {
    let mut all = Facet::ALL.into_iter();
    all.find(|facet| facet.name() == text).ok_or_else(|| {
        let all = Facet::ALL.map(Facet::name);
        format!("no facet; there are {}", all.join(", "))
    })
}

/// A run, and what the side that was read first came to. The other one has most of it too.
struct Run<'run> {
    context: &'run Context,
    before: RefCell<(Before, Made)>,
}

/// Compares and judges; a side that does not compile is printed with its findings.
///
/// With `--exit-code` what goes wrong is 1, because 2 says something about the change.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    match judged(context, arguments) {
        Err(error) if arguments.exit_code => {
            output::failure(context.format, &error);
            Ok(Verdict::Rejected)
        }
        judged => judged,
    }
}

fn judged(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let (Some(old), Some(new)) = sides(context, arguments)? else {
        return Ok(Verdict::Rejected);
    };
    let mut found = report(&old, &new, &compare_sides(&old, &new));
    let gate = Gate {
        max_risk: arguments.max_risk,
        approved_by: arguments.approved_by.clone(),
        by: arguments.by.clone(),
    };
    are_teams(arguments, &old, &new)?;
    found.keep(&gate);
    if let Some(facet) = arguments.facet {
        found.only(facet);
    }
    found.judge(&gate);
    let printed = printed(context, arguments, &found)?;
    match context.format {
        Format::Human if !arguments.markdown => output::painted(&printed, paint::diff)?,
        Format::Human | Format::Json | Format::Sarif | Format::Github => output::result(&printed)?,
    }
    Ok(if arguments.exit_code {
        Verdict::Code(found.exit)
    } else {
        Verdict::Clean
    })
}

/// Whose requests are altered is known of specs alone, and teams must be some of theirs: a misspelt one would approve nothing.
fn are_teams(arguments: &Arguments, old: &Side, new: &Side) -> anyhow::Result<()> {
    let snapshot = [old, new].into_iter().find(|side| side.teams().is_none());
    match snapshot {
        Some(side) if arguments.by.is_some() => bail!(
            "`--by` needs a spec on both sides, and `{}` is a snapshot",
            side.name
        ),
        // Nobody knows what teams there are.
        Some(_) => return Ok(()),
        None => {}
    }
    let teams = new.teams().unwrap_or_default();
    let mut asked = arguments.by.iter().chain(&arguments.approved_by);
    let is_known = |team: &String| {
        let sides = [old, new].into_iter().filter_map(Side::teams);
        sides.flatten().any(|known| known == team)
    };
    match asked.find(|team| !is_known(team)) {
        Some(team) => bail!("there is no team `{team}`; there are {}", teams.join(", ")),
        None => Ok(()),
    }
}

fn printed(context: &Context, arguments: &Arguments, found: &Report) -> anyhow::Result<String> {
    Ok(match context.format {
        Format::Human if arguments.markdown => markdown(found),
        Format::Human if context.is_short => short(found),
        Format::Human => text(found),
        Format::Json => format!("{}\n", serde_json::to_string(found)?),
        Format::Sarif => sarif(found),
        Format::Github => github(found),
    })
}

/// Both sides; a missing one did not compile, which was said.
fn sides(context: &Context, arguments: &Arguments) -> anyhow::Result<(Option<Side>, Option<Side>)> {
    let context = &Run {
        context,
        before: RefCell::default(),
    };
    let here = Path::new(".");
    let path = arguments.path.as_deref().unwrap_or(here);
    let old = arguments.old.as_str();
    // A path may hold two dots; only what is none can be a range, and what is both is asked about.
    let is_path = Path::new(old).exists();
    let range = old.split_once("..").filter(|(from, to)| {
        let is_revision = |end: &str| matches!(Revision::find(here, end), Ok(Ok(_)));
        let mut ends = [from, to]
            .into_iter()
            .filter(|end| !end.is_empty())
            .peekable();
        !is_path || (ends.peek().is_some() && ends.all(|end| is_revision(end)))
    });
    match (range, &arguments.new) {
        (Some(_), _) if is_path => {
            bail!("`{old}` is both a path and a range of revisions; write `./{old}` for the path")
        }
        (Some((from, to)), _) if !is_path && to.starts_with('.') => {
            let to = to.trim_start_matches('.');
            let base = format!("$(git merge-base {from} {to})");
            bail!("`{old}` is no range of two sides; write `{base}..{to}` for what {to} adds")
        }
        (Some(_), Some(_)) if !is_path => {
            bail!("`{old}` is no path, and as a range it names both sides; leave the other one out")
        }
        (Some((from, to)), None) if !is_path => {
            let to = if to.is_empty() { "HEAD" } else { to };
            let from = if from.is_empty() { "HEAD" } else { from };
            let from = of_revision(context, &revision(from)?, path)?;
            Ok((from, of_revision(context, &revision(to)?, path)?))
        }
        (_, Some(new)) => {
            let from = of_name(context, (old, new), path)?;
            Ok((from, of_name(context, (new, old), path)?))
        }
        (_, None) => {
            let from = of_name(context, (old, ""), path)?;
            Ok((from, of_spec((context, &context.context.values), path)?))
        }
    }
}

/// A snapshot, a spec, or else a revision.
///
/// A file of values inside the other spec stands for the file of the same name inside this one.
fn of_name(
    run: &Run<'_>,
    (name, other): (&str, &str),
    path: &Path,
) -> anyhow::Result<Option<Side>> {
    let folder = Path::new(name);
    if !folder.exists() {
        let place = Place::named(folder);
        return if place.has_index() {
            alone(place.dist())?;
            of_snapshot(folder).map(Some)
        } else {
            of_revision(run, &revision(name)?, path)
        };
    }
    // Whoever wrote the change can add a folder that is called as a branch, and what was meant is not known.
    if matches!(Revision::find(Path::new("."), name), Ok(Ok(_))) {
        bail!(
            "`{name}` is both a path and a revision; write `./{name}`, or `{name}^0` for the revision"
        )
    }
    if folder.join("index.json").exists() {
        alone(folder)?;
        return of_snapshot(folder).map(Some);
    }
    let values = run.context.values.iter();
    let values = values.map(|file| own(file, Path::new(other), folder));
    of_spec((run, &values.collect::<Vec<_>>()), folder)
}

/// A change that adds a snapshot of what was before would else be compared as what was before.
fn alone(folder: &Path) -> anyhow::Result<()> {
    if load::holds_spec(folder) {
        bail!(
            "`{}` holds a snapshot and files of a spec; give each a folder of its own",
            folder.display()
        )
    }
    Ok(())
}

fn revision(name: &str) -> anyhow::Result<Revision> {
    match Revision::find(Path::new("."), name)? {
        Ok(revision) => Ok(revision),
        Err(said) => {
            let said = if said.is_empty() {
                said
            } else {
                format!(": {said}")
            };
            bail!("`{name}` is neither a snapshot, a spec nor a git revision{said}")
        }
    }
}

fn of_snapshot(dist: &Path) -> anyhow::Result<Side> {
    let Some(found) = stored::read(dist)? else {
        bail!("no snapshot at `{}`", dist.display());
    };
    let blob = |digest: &_| stored::unverified(&found.dist, *digest, limits::SLICE_BYTES).ok();
    let snapshot = Snapshot::read(&found.manifest, blob)?;
    let digest = found.manifest.digest();
    Ok(Side::new(
        dist.display().to_string(),
        (digest, snapshot),
        None,
    ))
}

fn of_revision(run: &Run<'_>, revision: &Revision, path: &Path) -> anyhow::Result<Option<Side>> {
    let loaded = load::revision(revision, path, &run.context.values)?;
    let commit = Some(revision.commit().to_owned());
    side(run, (loaded, revision.name().to_owned()), commit)
}

/// The side of a spec on disk.
fn of_spec((run, values): (&Run<'_>, &[PathBuf]), spec: &Path) -> anyhow::Result<Option<Side>> {
    let loaded = load::spec(spec, values)?;
    side(run, (loaded, spec.display().to_string()), None)
}

/// The file in `here` that is called as `file` is in `there`; a file of neither is that of both.
fn own(file: &Path, there: &Path, here: &Path) -> PathBuf {
    let below = (!there.as_os_str().is_empty()).then(|| file.strip_prefix(there));
    below
        .and_then(Result::ok)
        .map_or_else(|| file.to_owned(), |name| here.join(name))
}

/// The side of a spec; nothing, with its findings printed, when it does not compile.
fn side(
    run: &Run<'_>,
    (loaded, name): (Loaded, String),
    commit: Option<String>,
) -> anyhow::Result<Option<Side>> {
    let mut found = loaded.found;
    let shown = Shown::of(run.context);
    let surroundings = Surroundings {
        progress: shown.progress(),
        // Of findings, warnings are compared.
        leaves_out_remarks: true,
        ..Surroundings::default()
    };
    let (before, made) = &mut *run.before.borrow_mut();
    let (sources, values) = (&loaded.sources, &loaded.values);
    let (checked, more) = weft_tell::check_side(sources, values, &surroundings, before);
    found.extend(more);
    let Some(checked) = checked.filter(|_| !super::check::has_errors(&found)) else {
        drop(shown);
        output::findings(run.context, &found, sources)?;
        return Ok(None);
    };
    let lowering = Lowering::new(&checked, sources);
    // What is compared is not written, so that nobody waits for a proof of it.
    let compiled = emit_beside(&lowering, made, &surroundings.progress)?;
    drop(lowering);
    let snapshot = (compiled.digest, Snapshot::of_compiled(compiled)?);
    let spec = Some((&checked, sources));
    let side = Side::new(name, snapshot, spec)
        .with_findings(&found, sources)
        .with_inputs(Inputs::of(sources, commit));
    Ok(Some(side))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SPEC: &str = r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {cart: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes: {api: {on: public/web, host: "*", rules: [{path: /cart/**, to: cart}, {path: /old, to: cart}]}}
"#;

    fn arguments(old: &str, new: Option<&str>) -> Arguments {
        Arguments {
            old: old.to_owned(),
            new: new.map(str::to_owned),
            path: None,
            exit_code: true,
            max_risk: Risk::A2,
            facet: None,
            approved_by: Vec::new(),
            by: None,
            markdown: false,
        }
    }

    fn context() -> Context {
        Context::default()
    }

    fn spec_in(folder: &Path, name: &str, text: &str) -> String {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("spec.yaml"), text).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn the_exit_code_says_how_grave_a_change_is() {
        let folder = tempfile::tempdir().unwrap();
        let spec = |name: &str, text: &str| spec_in(folder.path(), name, text);
        let old = spec("old", SPEC);
        let deleted = spec("deleted", &SPEC.replace(", {path: /old, to: cart}", ""));
        let slower = SPEC.replace("to: cart}]", "to: cart, timeout: {request: 5s}}]");
        let slower = spec("slower", &slower);
        let broken = spec("broken", &SPEC.replace("to: cart}]", "to: crt}]"));
        let verdict = |new: &str| run(&context(), &arguments(&old, Some(new))).unwrap();
        assert_eq!(verdict(&old), Verdict::Code(0));
        assert_eq!(verdict(&slower), Verdict::Code(2));
        assert_eq!(verdict(&deleted), Verdict::Code(3));
        assert_eq!(verdict(&broken), Verdict::Rejected);
        // No team can approve that requests are lost.
        let mut approved = arguments(&old, Some(&deleted));
        approved.approved_by.push("platform".to_owned());
        assert_eq!(run(&context(), &approved).unwrap(), Verdict::Code(3));
        // What is exposed, its owner can.
        let mut exposed = arguments(&deleted, Some(&old));
        assert_eq!(run(&context(), &exposed).unwrap(), Verdict::Code(3));
        exposed.approved_by.push("platform".to_owned());
        assert_eq!(run(&context(), &exposed).unwrap(), Verdict::Code(2));
        let mut security = arguments(&old, Some(&deleted));
        security.facet = Some(Facet::Security);
        assert_eq!(run(&context(), &security).unwrap(), Verdict::Code(0));
        // A mistyped side does not pass for a harmless change.
        let mut nothing = arguments("no-such-thing", Some(&old));
        assert_eq!(run(&context(), &nothing).unwrap(), Verdict::Rejected);
        nothing.exit_code = false;
        let said = run(&context(), &nothing).unwrap_err().to_string();
        assert!(said.contains("neither a snapshot, a spec nor"), "{said}");
    }

    #[test]
    fn two_dots_in_a_path_are_no_range() {
        let folder = tempfile::tempdir().unwrap();
        let spec = |name: &str| format!("{}/../{name}", spec_in(folder.path(), name, SPEC));
        let (old, new) = (spec("old"), spec("new"));
        let verdict = run(&context(), &arguments(&old, Some(&new))).unwrap();
        assert_eq!(verdict, Verdict::Code(0));
        let mut three = arguments("main...HEAD", None);
        three.exit_code = false;
        let said = run(&context(), &three).unwrap_err().to_string();
        assert!(said.contains("$(git merge-base main HEAD)..HEAD"), "{said}");
    }

    #[test]
    fn an_edit_cannot_approve_itself() {
        let folder = tempfile::tempdir().unwrap();
        let spec = |name: &str, team: &str, rules: &str| {
            let teams = "teams: {shop: {files: [], services: [cart]}, other: {files: []}}}";
            let text = SPEC
                .replace(
                    "timeout: {request: 15s}}}",
                    &format!("timeout: {{request: 15s}}}}, {teams}"),
                )
                .replace("on: public/web", &format!("team: {team}, on: public/web"))
                .replace(", {path: /old, to: cart}", rules);
            spec_in(folder.path(), name, &text)
        };
        let old = spec("old", "shop", "");
        let new = spec("new", "other", ", {path: /old, to: cart}");
        let mut asked = arguments(&old, Some(&new));
        asked.approved_by = vec!["other".to_owned(), "platform".to_owned()];
        assert_eq!(run(&context(), &asked).unwrap(), Verdict::Code(3));
        asked.approved_by.push("shop".to_owned());
        assert_eq!(run(&context(), &asked).unwrap(), Verdict::Code(2));
        asked.approved_by.push("shopp".to_owned());
        asked.exit_code = false;
        let said = run(&context(), &asked).unwrap_err().to_string();
        assert!(said.starts_with("there is no team `shopp`"), "{said}");
    }
}
