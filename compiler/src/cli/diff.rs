//! `weft diff`: what a change does to requests.

use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_snapshot::limits;

use crate::diagnostic::Format;
use crate::diff::{Facet, Report, Risk, Side, compare, markdown, report, text};
use crate::why::Snapshot;

use super::revision::Checkout;
use super::{Context, Verdict, load, output, store};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What was: a snapshot, a spec, or a git revision; `A..B` gives both sides.
    old: String,
    /// What is to be; the spec in the work tree when OLD is one revision.
    new: Option<String>,
    /// Where the spec is in the revisions; `.` by default.
    #[arg(last = true)]
    path: Option<PathBuf>,
    /// Report by exit code too: 0 nothing changes, 2 changes within `--max-risk`, 3 changes above it, 4 not all is proved.
    #[arg(long)]
    exit_code: bool,
    /// The gravest accepted class of change: S1, S2, S3, A1, A2, R1, R2 or T1.
    #[arg(long, value_name = "CLASS", default_value = "A2", value_parser = risk)]
    max_risk: Risk,
    /// Only changes of this facet: route, security, reliability, transform or limits.
    #[arg(long, value_name = "FACET", value_parser = facet)]
    facet: Option<Facet>,
    /// A team that has approved; its own changes are accepted whatever their class. May be given several times.
    #[arg(long, value_name = "TEAM")]
    approved_by: Vec<String>,
    /// Print Markdown, for a pull request.
    #[arg(long)]
    markdown: bool,
}

fn risk(text: &str) -> Result<Risk, String> {
    Risk::parse(text)
        .ok_or_else(|| "no class of change; there are S1, S2, S3, A1, A2, R1, R2, T1".to_owned())
}

fn facet(text: &str) -> Result<Facet, String> {
    match text {
        "route" => Ok(Facet::Route),
        "security" => Ok(Facet::Security),
        "reliability" => Ok(Facet::Reliability),
        "transform" => Ok(Facet::Transform),
        "limits" => Ok(Facet::Limits),
        _ => Err("no facet; there are route, security, reliability, transform, limits".to_owned()),
    }
}

/// Compares and judges; a side that does not compile is printed with its findings.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let path = arguments.path.as_deref().unwrap_or(Path::new("."));
    let (old, new) = match (arguments.old.split_once(".."), &arguments.new) {
        (Some(_), Some(_)) => bail!("`A..B` names both sides; leave the other one out"),
        (Some((old, new)), None) => {
            let new = if new.is_empty() { "HEAD" } else { new };
            (
                of_revision(context, old, path)?,
                of_revision(context, new, path)?,
            )
        }
        (None, Some(new)) => (
            of_name(context, (&arguments.old, new), path)?,
            of_name(context, (new, &arguments.old), path)?,
        ),
        (None, None) => (
            of_name(context, (&arguments.old, ""), path)?,
            of_spec((context, &context.values), path, None)?,
        ),
    };
    let (Some(old), Some(new)) = (old, new) else {
        return Ok(Verdict::Rejected);
    };
    let mut found = report(&old, &new, &compare(&old.plans, &new.plans));
    if let Some(facet) = arguments.facet {
        found.only(facet);
    }
    match context.format {
        Format::Human if arguments.markdown => output::result(&markdown(&found))?,
        Format::Human => output::result(&text(&found))?,
        Format::Json => output::result(&format!("{}\n", serde_json::to_string(&found)?))?,
        Format::Sarif | Format::Github => {
            bail!("a diff is printed as human, json or with --markdown")
        }
    }
    Ok(if arguments.exit_code {
        Verdict::Code(judge(&found, arguments))
    } else {
        Verdict::Clean
    })
}

fn judge(report: &Report, arguments: &Arguments) -> u8 {
    let is_approved = |owners: &[String]| {
        !owners.is_empty()
            && owners
                .iter()
                .all(|owner| arguments.approved_by.contains(owner))
    };
    let is_above = report
        .statements
        .iter()
        .any(|one| one.risk < arguments.max_risk && !is_approved(&one.owners));
    if !report.complete {
        4
    } else if is_above {
        3
    } else if report.statements.is_empty() {
        0
    } else {
        2
    }
}

/// A snapshot, a spec, or else a revision.
///
/// A file of values inside the other spec stands for the file of the same name inside this one.
fn of_name(
    context: &Context,
    (name, other): (&str, &str),
    path: &Path,
) -> anyhow::Result<Option<Side>> {
    let folder = Path::new(name);
    if folder.join("index.json").is_file() {
        return of_snapshot(folder).map(Some);
    }
    if folder.exists() {
        let values: Vec<PathBuf> = context
            .values
            .iter()
            .map(|file| own(file, Path::new(other), folder))
            .collect();
        return of_spec((context, &values), folder, None);
    }
    of_revision(context, name, path)
}

fn of_snapshot(dist: &Path) -> anyhow::Result<Side> {
    let Some(stored) = store::read(dist)? else {
        bail!("no snapshot at `{}`", dist.display());
    };
    let blob = |digest: &_| store::blob(dist, *digest, limits::SLICE_BYTES).ok();
    let snapshot = Snapshot::read(&stored.manifest, blob)?;
    Ok(Side::new(dist.display().to_string(), snapshot, None))
}

fn of_revision(context: &Context, revision: &str, path: &Path) -> anyhow::Result<Option<Side>> {
    let checkout = Checkout::new(revision, path)?;
    let values: Vec<PathBuf> = context
        .values
        .iter()
        .map(|file| own(file, Path::new(""), checkout.root()))
        .collect();
    of_spec((context, &values), &checkout.spec(), Some(revision))
}

/// The file in `here` that is called as `file` is in `there`, if there is one; else `file`.
fn own(file: &Path, there: &Path, here: &Path) -> PathBuf {
    let below = file.strip_prefix(there).ok().map(|name| here.join(name));
    below
        .filter(|own| own.is_file())
        .unwrap_or_else(|| file.to_owned())
}

/// The side of a spec; nothing, with its findings printed, when it does not compile.
fn of_spec(
    (context, values): (&Context, &[PathBuf]),
    spec: &Path,
    name: Option<&str>,
) -> anyhow::Result<Option<Side>> {
    let loaded = load::spec(spec, values)?;
    let mut found = loaded.found;
    let (checked, more) = crate::check_spec(
        &loaded.sources,
        &loaded.values,
        &crate::Surroundings::default(),
    );
    found.extend(more);
    let Some(checked) = checked.filter(|_| !super::check::has_errors(&found)) else {
        output::findings(context, &found, &loaded.sources)?;
        return Ok(None);
    };
    let lowered = crate::lower::lower(&checked, &loaded.sources);
    let bundle = crate::emit::emit(&lowered)?;
    let snapshot = Snapshot::of_bundle(&bundle)?;
    let name = name.map_or_else(|| spec.display().to_string(), str::to_owned);
    Ok(Some(Side::new(name, snapshot, Some(checked.mesh()))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

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
            markdown: false,
        }
    }

    fn context() -> Context {
        Context {
            format: Format::Human,
            shows_remarks: false,
            values: Vec::new(),
        }
    }

    #[test]
    fn the_exit_code_says_how_grave_a_change_is() {
        let folder = tempfile::tempdir().unwrap();
        let spec = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("spec.yaml"), text).unwrap();
            path.to_string_lossy().into_owned()
        };
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
        let mut approved = arguments(&old, Some(&deleted));
        approved.approved_by.push("platform".to_owned());
        assert_eq!(run(&context(), &approved).unwrap(), Verdict::Code(2));
        let mut security = arguments(&old, Some(&deleted));
        security.facet = Some(Facet::Security);
        assert_eq!(run(&context(), &security).unwrap(), Verdict::Code(0));
        let nothing = run(&context(), &arguments("no-such-thing", Some(&old)));
        let said = nothing.unwrap_err().to_string();
        assert!(said.contains("neither a snapshot, a spec nor"), "{said}");
    }

    #[test]
    fn a_revision_is_a_spec_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=w", "-c", "user.email=w@w.example"];
            let output = Command::new("git")
                .current_dir(folder.path())
                .args(identity)
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        fs::create_dir_all(folder.path().join("spec")).unwrap();
        let write = |text: &str| fs::write(folder.path().join("spec/a.yaml"), text).unwrap();
        git(&["init", "-q"]);
        write(SPEC);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
        write(&SPEC.replace("/old", "/older"));
        git(&["commit", "-q", "-a", "-m", "two"]);
        let of = |revision: &str| {
            let path = Path::new("spec");
            let checkout = Checkout::within(folder.path(), revision, path).unwrap();
            of_spec((&context(), &[]), &checkout.spec(), Some(revision))
                .unwrap()
                .unwrap()
        };
        let (old, new) = (of("HEAD~1"), of("HEAD"));
        let found = report(&old, &new, &compare(&old.plans, &new.plans));
        let risks: Vec<Risk> = found.statements.iter().map(|one| one.risk).collect();
        assert_eq!(risks, [Risk::S3, Risk::A1]);
        let absolute = folder.path().join("spec");
        for path in [absolute.as_path(), Path::new("../spec"), Path::new("else")] {
            assert!(Checkout::within(folder.path(), "HEAD", path).is_err());
        }
        assert!(Checkout::within(folder.path(), "--output=x", Path::new("spec")).is_err());
    }
}
