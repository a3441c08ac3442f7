//! Who owns what, as the mesh says it: teams, the platform, and the owner of each file.
//!
//! Globs are relative to the file of the mesh, so the same files belong to the same owners whatever folder a command is given. What
//! is unclear is an error and never the platform's by default: whoever adds a file must not get more than their team has.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use globset::GlobMatcher;
use weft_space::work;
use weft_spec::{FileId, Span, Spanned, mesh};

use super::codes::{DUPLICATE_DEFINITION, EMPTY_GLOB, UNCLEAR_OWNER};
use super::names::{Names, follow, unique};
use super::{globs, shown};
use crate::diagnostic::{Diagnostic, Diagnostics, TOO_LARGE};
use crate::model::owners::PLATFORM;
use crate::model::{self, Mesh, Table, TeamId};
use crate::source::{SourceFile, Sources};

/// For so many globs that match nothing it is looked which was meant: each is held against every file.
const MEANT: usize = 8;

/// Adds the teams, what the platform keeps for itself, and the owner of each file.
pub(super) fn resolve<'spec>(
    names: &mut Names<'spec>,
    written: &'spec Spanned<mesh::Mesh>,
    mesh: &mut Mesh,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    (mesh.teams, mesh.platform) = teams(names, written, diagnostics);
    mesh.file_teams = file_teams(mesh, (sources, STEPS), diagnostics);
}

/// The teams and what the platform keeps for itself.
fn teams<'spec>(
    names: &mut Names<'spec>,
    mesh: &'spec Spanned<mesh::Mesh>,
    diagnostics: &mut Diagnostics,
) -> (Table<model::Team>, model::Team) {
    let mut teams = Table::default();
    let sorted = unique("team", mesh.value.teams.iter(), diagnostics);
    for (key, (name, written)) in sorted {
        let team = team(names, name.clone(), &written.value, diagnostics);
        names.teams.insert(key, teams.push(team));
    }
    let name = model::Team::platform().name;
    let platform = team(names, name, &mesh.value.platform, diagnostics);
    given_twice(&teams, &platform, diagnostics);
    (teams, platform)
}

fn team(
    names: &Names<'_>,
    name: Spanned<String>,
    written: &mesh::Team,
    diagnostics: &mut Diagnostics,
) -> model::Team {
    let mesh::Team {
        files,
        services,
        hosts,
    } = written;
    let known = services.iter();
    let known =
        known.filter(|service| follow("service", &names.services, service, diagnostics).is_some());
    model::Team {
        name,
        files: files.clone(),
        services: known.cloned().collect(),
        hosts: hosts.clone(),
    }
}

/// Reports services and hosts that two owners list.
fn given_twice(teams: &Table<model::Team>, platform: &model::Team, diagnostics: &mut Diagnostics) {
    let mut first: BTreeMap<(&str, &str), (&str, Span)> = BTreeMap::new();
    for team in teams.values().chain([platform]) {
        let services = team.services.iter();
        let services = services.map(|one| (("service", one.value.as_str()), one.span));
        let hosts = team.hosts.iter();
        let hosts = hosts.map(|one| (("host", one.value.as_str()), one.span));
        let owner = team.name.value.as_str();
        for ((kind, name), span) in services.chain(hosts) {
            let (other, before) = *first.entry((kind, name)).or_insert((owner, span));
            if other != owner {
                let message = format!("{kind} `{name}` is given to `{other}` and to `{owner}`");
                diagnostics.push(
                    Diagnostic::new(&DUPLICATE_DEFINITION, span, message)
                        .saying("given again here")
                        .label(before, format!("given to `{other}` here"))
                        .help("keep one of them"),
                );
            }
        }
    }
}

/// A glob, and where the folder of the mesh is.
struct Glob<'spec> {
    /// None is the platform.
    owner: Option<TeamId>,
    written: &'spec Spanned<String>,
    /// The folder that it starts from; none where it leads out of the spec.
    folder: Option<String>,
    /// The glob below it, as written.
    text: &'spec str,
    /// What matches the rest of a path below it; made when a path begins as the glob does.
    rest: OnceCell<Option<GlobMatcher>>,
}

impl<'spec> Glob<'spec> {
    fn new(owner: Option<TeamId>, written: &'spec Spanned<String>, folder: &str) -> Self {
        let mut rest = written.value.as_str();
        let mut folder = Some(folder);
        while let Some(after) = rest.strip_prefix("../") {
            rest = after;
            folder = folder.and_then(parent);
        }
        let text = rest.strip_prefix("./").unwrap_or(rest);
        Self {
            owner,
            written,
            folder: folder.map(str::to_owned),
            text,
            rest: OnceCell::new(),
        }
    }

    /// What every path that it matches begins with, and which ends with a slash or is a whole path; none where it matches nothing.
    fn beginning(&self) -> Option<String> {
        let literal = match self.text.find(['*', '?']) {
            Some(wild) => folder(self.text.get(..wild).unwrap_or_default()),
            None => self.text,
        };
        Some(format!("{}{literal}", self.folder.as_deref()?))
    }

    fn has(&self, path: &str) -> bool {
        // The names of folders above are no part of the glob: a `*` in one of them means itself.
        let below = self
            .folder
            .as_deref()
            .and_then(|folder| path.strip_prefix(folder));
        let rest = || self.rest.get_or_init(|| globs::matcher(self.text)).as_ref();
        below.is_some_and(|below| {
            let is_affordable = work::spend(below.len().saturating_add(MATCH_STEPS));
            is_affordable && rest().is_some_and(|rest| rest.is_match(below))
        })
    }
}

/// The folder of a file or a folder, with a slash behind it; empty for the root of the spec.
fn folder(path: &str) -> &str {
    let end = path.rfind('/').map_or(0, |slash| slash.saturating_add(1));
    path.get(..end).unwrap_or_default()
}

fn parent(folder: &str) -> Option<&str> {
    Some(self::folder(folder.strip_suffix('/')?))
}

/// What it costs to hold a glob against a path, beside the length of the path (`weft_space::work`).
const MATCH_STEPS: usize = 16;
/// The steps that it may take to find the owners of all files.
const STEPS: usize = 100_000_000;

/// Globs by what their paths begin with, so that a file of one of a thousand teams is held against few of them.
struct Globs<'spec> {
    all: Vec<Glob<'spec>>,
    by_beginning: BTreeMap<String, Vec<usize>>,
}

impl<'spec> Globs<'spec> {
    fn new(all: Vec<Glob<'spec>>) -> Self {
        let mut by_beginning: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, glob) in all.iter().enumerate() {
            if let Some(beginning) = glob.beginning() {
                by_beginning.entry(beginning).or_default().push(position);
            }
        }
        Self { all, by_beginning }
    }

    /// Those that match a path, with their positions, in the order in which they are written.
    fn of<'run>(&'run self, path: &str) -> Vec<(usize, &'run Glob<'spec>)> {
        let slashes = path.match_indices('/');
        let folders = slashes.filter_map(|(at, _)| path.get(..=at));
        let folders = [""].into_iter().chain(folders).chain([path]);
        // `a/**` has a file that is called `a`, too.
        let beyond = format!("{path}/");
        let beginnings = folders.chain([beyond.as_str()]);
        let listed = beginnings.filter_map(|beginning| self.by_beginning.get(beginning));
        let positions: BTreeSet<usize> = listed.flatten().copied().collect();
        let globs = positions.into_iter();
        let globs = globs.filter_map(|position| Some((position, self.all.get(position)?)));
        globs.filter(|(_, glob)| glob.has(path)).collect()
    }
}

/// The owner of each file, by position; none is the platform. Without teams everything is the platform's.
fn file_teams(
    mesh: &Mesh,
    (sources, steps): (&Sources, usize),
    diagnostics: &mut Diagnostics,
) -> Vec<Option<TeamId>> {
    let of_mesh = mesh.name.span.file;
    let base = sources.file(of_mesh).map_or("", |file| folder(&file.path));
    let of_teams = mesh.teams.iter().flat_map(|(id, team)| {
        let files = team.files.iter();
        files.map(move |glob| (Some(id), glob))
    });
    let of_platform = mesh.platform.files.iter().map(|glob| (None, glob));
    let globs = of_teams
        .chain(of_platform)
        .map(|(owner, written)| Glob::new(owner, written, base));
    let globs = Globs::new(globs.collect());
    let mut claims = Claims {
        mesh,
        used: vec![false; globs.all.len()],
        disputes: BTreeSet::new(),
        unowned: Vec::new(),
        diagnostics,
    };
    let owned = || {
        let files = sources.iter().take_while(|_| !work::is_spent());
        let owner = |(id, file): (FileId, &SourceFile)| {
            claims.file((id, id == of_mesh), &file.path, &globs)
        };
        files.map(owner).collect()
    };
    let (owners, spent): (Vec<Option<TeamId>>, _) = work::within(steps, owned);
    if spent.is_exceeded {
        diagnostics.push(too_many(mesh));
        return owners;
    }
    let (used, unowned) = (claims.used, claims.unowned);
    let unused = globs.all.iter().zip(used).filter(|(_, used)| !used);
    let empties = unused.enumerate().map(|(position, (glob, _))| {
        let meant = || meant(&glob.written.value, (base, sources));
        empty(glob, (position < MEANT).then(meant).flatten())
    });
    let mut empties = empties.peekable();
    // A glob that matches nothing may have been meant for the files that nobody owns.
    if empties.peek().is_none() {
        diagnostics.extend(unowned);
    }
    diagnostics.extend(empties);
    owners
}

/// That some globs were not held against some files: then nobody knows who owns what.
fn too_many(mesh: &Mesh) -> Diagnostic {
    let message = "to find who owns which file would take too many steps";
    Diagnostic::new(&TOO_LARGE, mesh.name.span, message)
        .note("every glob that begins with a `*` is held against every file of its folder and of those below")
        .help("let globs begin with the folder of a team, `payments/**`")
}

/// What the globs say of files.
struct Claims<'run> {
    mesh: &'run Mesh,
    /// Whether each glob matched a file.
    used: Vec<bool>,
    /// The pairs of globs of two owners that share a file; the first file of each is told.
    disputes: BTreeSet<(usize, usize)>,
    /// What is to be said of each file that no glob matches.
    unowned: Vec<Diagnostic>,
    diagnostics: &'run mut Diagnostics,
}

impl Claims<'_> {
    fn file(
        &mut self,
        (id, is_of_mesh): (FileId, bool),
        path: &str,
        globs: &Globs<'_>,
    ) -> Option<TeamId> {
        let mut first: Option<(usize, &Glob<'_>)> = None;
        for (position, glob) in globs.of(path) {
            if let Some(used) = self.used.get_mut(position) {
                *used = true;
            }
            match first {
                None => first = Some((position, glob)),
                Some((_, other)) if other.owner == glob.owner => {}
                Some((before, other)) => {
                    if self.disputes.insert((before, position)) {
                        let found = disputed(self.mesh, path, other, glob);
                        self.diagnostics.push(found);
                    }
                }
            }
        }
        if first.is_none() && !is_of_mesh && !self.mesh.teams.is_empty() {
            let message = format!("nobody owns `{}`", shown(path));
            self.unowned.push(
                Diagnostic::new(&UNCLEAR_OWNER, Span::new(id, 0, 0), message)
                    .label(self.mesh.name.span, "no `files` of this mesh match it")
                    .help("add it to the `files` of a team, or to `mesh.platform.files`"),
            );
        }
        first?.1.owner
    }
}

fn disputed(mesh: &Mesh, path: &str, first: &Glob<'_>, second: &Glob<'_>) -> Diagnostic {
    let name = |owner: Option<TeamId>| {
        owner.map_or(PLATFORM, |id| mesh.teams.entry(id).name.value.as_str())
    };
    let (one, other) = (name(first.owner), name(second.owner));
    let message = format!("`{}` belongs to `{one}` and to `{other}`", shown(path));
    Diagnostic::new(&UNCLEAR_OWNER, second.written.span, message)
        .saying(format!("`{other}` has it by this"))
        .label(first.written.span, format!("`{one}` has it by this"))
        .help("narrow one of the two, so that each file has one owner")
}

/// The glob that was meant by one that matches nothing: with a step up, or with all that is below a folder.
fn meant(written: &str, (base, sources): (&str, &Sources)) -> Option<String> {
    let folder = written.trim_end_matches('/');
    let candidates = [
        format!("{folder}/**"),
        format!("../{written}"),
        format!("../{folder}/**"),
    ];
    let matches = |candidate: &String| {
        let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
        for part in candidate.split('/') {
            match part {
                ".." => parts.pop().map(|_| ())?,
                part => parts.push(part),
            }
        }
        let matcher = globs::matcher(&parts.join("/"))?;
        let mut files = sources.iter();
        files
            .any(|(_, file)| matcher.is_match(&file.path))
            .then_some(())
    };
    candidates
        .into_iter()
        .find(|candidate| !candidate.is_empty() && matches(candidate).is_some())
}

fn empty(glob: &Glob<'_>, meant: Option<String>) -> Diagnostic {
    let written = glob.written;
    let message = format!("`{}` matches no file", shown(&written.value));
    let found = Diagnostic::new(&EMPTY_GLOB, written.span, message);
    if glob.folder.is_none() {
        return found
            .saying("this leads out of the folder that is read")
            .help("give the command the folder that holds all files of the spec");
    }
    let found = found.note("globs are relative to the folder of the file with `mesh`");
    if let Some(meant) = meant {
        let span = written.span;
        return found.help(format!("write `{meant}`")).propose(span, meant);
    }
    found.help("correct it, remove it, or give the command the folder that holds all files")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn every_file_has_one_owner_once_there_are_teams() {
        check(
            r#"
            # file: mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              teams:
                a: {files: [a/**]}
                b: {files: [a/b/**]}  #~ error[unclear-owner]
              platform: {files: [x.yaml, "a/c*"]}  #~ error[unclear-owner]
            # file: a/b/1.yaml
            weft: v1
            # file: a/b/2.yaml
            weft: v1
            # file: a/c.yaml
            weft: v1
            # file: x.yaml
            weft: v1
            # file: y.yaml
            weft: v1  #~ error[unclear-owner]
            "#,
        );
        check(
            r"
            # file: mesh.yaml
            mesh: {name: shop, trustDomain: shop.example}
            # file: y.yaml
            weft: v1
            ",
        );
    }

    #[test]
    fn a_path_is_held_against_each_glob_that_can_match_it() {
        let written = [
            "a/**",
            "a/*.yaml",
            "**/x.yaml",
            "a/b/?.yaml",
            "a/b/c.yaml",
            "*",
            "b/**",
            "a/**/c.yaml",
            "../a/b/**",
            "./a/b/c.yaml",
            "a",
            "**",
        ];
        let written = written.map(|text| Spanned::built_in(text.to_owned()));
        for base in ["", "a/", "m/n/"] {
            let globs = || written.iter().map(|one| Glob::new(None, one, base));
            let all: Vec<Glob<'_>> = globs().collect();
            let known = Globs::new(globs().collect());
            for path in [
                "a",
                "a/b",
                "x.yaml",
                "a/x.yaml",
                "a/b/c.yaml",
                "a/b/cc.yaml",
                "b/c",
                "a/a",
                "m/a/b/c.yaml",
                "m/n/a",
                "m/n/a/b/c.yaml",
                "m/n/x.yaml",
                "m/x.yaml",
                "c",
            ] {
                let expected = all.iter().enumerate().filter(|(_, glob)| glob.has(path));
                let expected: Vec<usize> = expected.map(|(position, _)| position).collect();
                let found: Vec<usize> = known.of(path).iter().map(|(at, _)| *at).collect();
                assert_eq!(found, expected, "{path} below {base:?}");
            }
        }
    }

    #[test]
    fn globs_are_held_against_files_within_the_steps() {
        let text = r#"
            # file: mesh.yaml
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {files: ["*a*.yaml", "*b*.yaml"]}}, platform: {files: [mesh.yaml]}}
            # file: a.yaml
            weft: v1
            # file: b.yaml
            weft: v1
        "#;
        let (checked, sources) = crate::testing::unchecked(text);
        let said = |steps: usize| {
            let mut diagnostics = Diagnostics::default();
            file_teams(checked.mesh(), (&sources, steps), &mut diagnostics);
            let found = diagnostics.sorted().into_iter();
            found.map(|one| one.message).collect::<Vec<_>>()
        };
        assert!(said(STEPS).is_empty());
        assert_eq!(
            said(20),
            ["to find who owns which file would take too many steps"]
        );
    }

    #[test]
    fn a_glob_that_matches_nothing_says_which_was_meant() {
        let file = |path: &str| SourceFile {
            path: path.to_owned(),
            text: String::new(),
        };
        let sources = Sources::new(vec![file("payments/a.yaml"), file("platform/mesh.yaml")]);
        let said = |written: &str| meant(written, ("platform", &sources));
        for (written, wanted) in [
            ("payments/**", "../payments/**"),
            ("../payments", "../payments/**"),
            ("../payments/", "../payments/**"),
        ] {
            assert_eq!(said(written).as_deref(), Some(wanted), "{written}");
        }
        assert_eq!(said("other/**"), None);
    }

    #[test]
    fn a_file_of_one_of_many_teams_meets_few_globs() {
        let written: Vec<_> = (0..1_000)
            .map(|team| Spanned::built_in(format!("teams/t{team}/**")))
            .collect();
        let globs = Globs::new(written.iter().map(|one| Glob::new(None, one, "")).collect());
        assert_eq!(globs.by_beginning["teams/t7/"], [7]);
        assert_eq!(globs.by_beginning.len(), 1_000);
        assert_eq!(globs.of("teams/t7/a/b.yaml").len(), 1);
    }
}
