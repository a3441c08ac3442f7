//! The files of a spec as they are in a git revision, asked of the `git` command.
//!
//! A revision is what its commit says and nothing else: no file is written, none of the work tree is read, nothing is
//! fetched, and objects are not replaced by others. Paths are those of the repository, wherever in it the command was started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::{Context as _, bail};
use weft_front::parse::{MAX_FILE_BYTES, MAX_TOTAL_BYTES};

use super::disk::Kind;
use super::tree::Tree;

/// What every call of `git` is told. Sources: git(1), git-config(1).
const SETTINGS: [&str; 9] = [
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    // A folder that looks like a repository is part of somebody's change; only one that was named is used.
    "-c",
    "safe.bareRepository=explicit",
];
/// The environment that every call gets.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// A commit, as a person named it.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    /// Where `git` is asked.
    folder: PathBuf,
    name: String,
    commit: String,
    /// The path of that folder in the repository, empty or with a slash at its end.
    prefix: String,
}

/// What a revision has at a path.
#[derive(Debug)]
pub(super) enum Found<'revision> {
    File(Vec<u8>),
    Folder(Listing<'revision>),
}

/// A folder of a revision with everything below it.
#[derive(Debug)]
pub(super) struct Listing<'revision> {
    revision: &'revision Revision,
    root: String,
    folders: BTreeMap<OsString, Vec<(OsString, Kind)>>,
    objects: BTreeMap<OsString, Object>,
}

/// A file of a revision.
#[derive(Clone, Debug)]
struct Object {
    id: String,
    size: usize,
}

/// One line of `git ls-tree`.
struct Entry {
    path: OsString,
    kind: Kind,
    object: Option<Object>,
}

impl Revision {
    /// The commit that `name` stands for in the repository of a folder; if none, what `git` says about that.
    ///
    /// # Errors
    ///
    /// When `git` cannot be run.
    pub(super) fn find(folder: &Path, name: &str) -> anyhow::Result<Result<Self, String>> {
        // It would be taken for an option.
        if name.starts_with('-') {
            return Ok(Err(String::new()));
        }
        let asked = format!("{name}^{{commit}}");
        let verified = ask(folder, &["rev-parse", "--verify", "--quiet", &asked], "")?;
        if !verified.status.success() {
            let said = String::from_utf8_lossy(&verified.stderr);
            return Ok(Err(said.trim().to_owned()));
        }
        let prefix = line(&answer(folder, &["rev-parse", "--show-prefix"], "")?)?;
        Ok(Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            commit: line(&verified.stdout)?,
            prefix,
        }))
    }

    /// The commit that `name` stands for in the repository of the current folder.
    ///
    /// # Errors
    ///
    /// When it is none, or `git` cannot be run.
    pub(super) fn named(name: &str) -> anyhow::Result<Self> {
        match Self::find(Path::new("."), name)? {
            Ok(revision) => Ok(revision),
            Err(said) if said.is_empty() => bail!("`{name}` is no git revision"),
            Err(said) => bail!("`{name}` is no git revision: {said}"),
        }
    }

    /// How a person called it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The full name of the commit.
    pub(super) fn commit(&self) -> &str {
        &self.commit
    }

    /// How a person calls what is at a path of the repository.
    pub(super) fn shown(&self, path: &str) -> String {
        format!("{}:{path}", self.name)
    }

    /// The path in the repository of what has this path from the folder of the command.
    ///
    /// # Errors
    ///
    /// When that is outside of the repository.
    pub(super) fn path(&self, path: &Path) -> anyhow::Result<String> {
        let outside = || {
            format!(
                "`{}` is not in the repository, and what belongs to `{}` comes from there",
                path.display(),
                self.name
            )
        };
        let mut parts: Vec<&str> = Vec::new();
        let below = if path.is_absolute() {
            let top = answer(&self.folder, &["rev-parse", "--show-toplevel"], "")?;
            path.strip_prefix(line(&top)?).ok().with_context(outside)?
        } else {
            parts.extend(self.prefix.split_terminator('/'));
            path
        };
        for part in below.components() {
            match part {
                Component::Normal(name) => {
                    parts.push(name.to_str().context("a path is not UTF-8")?);
                }
                Component::ParentDir => drop(parts.pop().with_context(outside)?),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        Ok(parts.join("/"))
    }

    /// What is at a path of the repository.
    ///
    /// # Errors
    ///
    /// When nothing is, or a link, or something too large.
    pub(super) fn at(&self, path: &str) -> anyhow::Result<Found<'_>> {
        let shown = self.shown(path);
        let entries = self.list(path)?;
        let own = entries.iter().find(|entry| entry.path == path);
        match own.map(|entry| (entry.kind, entry.object.clone())) {
            None if !path.is_empty() => bail!("there is no `{shown}`"),
            Some((Kind::Link | Kind::Special, _)) => {
                bail!("`{shown}` is a link, and links are not followed; name what it leads to")
            }
            Some((Kind::Repository, _)) => {
                bail!(
                    "`{shown}` is a repository of its own, of which `{}` holds the name alone",
                    self.name
                )
            }
            Some((Kind::File, object)) => {
                let object = object.with_context(|| format!("`{shown}` has no content"))?;
                let texts = self.contents(&[(shown, object)])?;
                Ok(Found::File(texts.into_iter().next().unwrap_or_default()))
            }
            None | Some((Kind::Folder, _)) => self.listing(path, entries).map(Found::Folder),
        }
    }

    fn listing(&self, root: &str, entries: Vec<Entry>) -> anyhow::Result<Listing<'_>> {
        let mut listing = Listing {
            revision: self,
            root: root.to_owned(),
            folders: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for entry in entries {
            let below = Path::new(&entry.path).strip_prefix(root);
            let Some((below, name)) = below.ok().and_then(|path| Some((path, path.file_name()?)))
            else {
                continue;
            };
            let folder = below.parent().map(Path::as_os_str).unwrap_or_default();
            let names = listing.folders.entry(folder.to_owned()).or_default();
            names.push((name.to_owned(), entry.kind));
            if let Some(object) = entry.object {
                listing.objects.insert(below.as_os_str().to_owned(), object);
            }
        }
        for names in listing.folders.values_mut() {
            names.sort();
        }
        let is_twice = |names: &Vec<(OsString, Kind)>| {
            let mut pairs = names.iter().zip(names.iter().skip(1));
            pairs.any(|(one, next)| one.0 == next.0)
        };
        // A tree that was made by hand: what of it is meant depends on who reads it.
        if let Some((folder, _)) = listing.folders.iter().find(|(_, names)| is_twice(names)) {
            let shown = listing.shown(&folder.to_string_lossy());
            bail!("`{shown}` holds one name twice; such a revision is not read");
        }
        Ok(listing)
    }

    /// Everything at and below a path. Source: git-ls-tree(1), "OUTPUT FORMAT".
    fn list(&self, path: &str) -> anyhow::Result<Vec<Entry>> {
        let mut arguments = vec!["ls-tree", "-r", "-t", "-l", "-z", "--full-tree"];
        arguments.extend([self.commit.as_str(), "--"]);
        arguments.extend((!path.is_empty()).then_some(path));
        let listed = answer(&self.folder, &arguments, "")?;
        let lines = listed.split(|byte| *byte == 0);
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(|line| self.entry(line)).collect()
    }

    fn entry(&self, line: &[u8]) -> anyhow::Result<Entry> {
        let unclear = || format!("`git ls-tree` says `{}`", String::from_utf8_lossy(line));
        let tab = line.iter().position(|byte| *byte == b'\t');
        let (head, path) = line
            .split_at_checked(tab.with_context(unclear)?)
            .with_context(unclear)?;
        let path = OsStr::from_bytes(path.get(1..).unwrap_or_default()).to_owned();
        let head = String::from_utf8_lossy(head);
        let mut words = head.split_ascii_whitespace();
        let mut word = || words.next().with_context(unclear);
        let (mode, _, id, size) = (word()?, word()?, word()?, word()?);
        let kind = match mode {
            "040000" => Kind::Folder,
            "120000" => Kind::Link,
            "160000" => Kind::Repository,
            _ if mode.starts_with("100") => Kind::File,
            _ => Kind::Special,
        };
        let object = if kind == Kind::File {
            let shown = self.shown(&path.to_string_lossy());
            let size = size.parse().ok().with_context(|| {
                format!("`{shown}` is not in this repository; fetch it, nothing is fetched here")
            })?;
            let id = id.to_owned();
            Some(Object { id, size })
        } else {
            None
        };
        Ok(Entry { path, kind, object })
    }

    /// The contents of files, in their order, asked for at once.
    ///
    /// Source: git-cat-file(1), "BATCH OUTPUT": `<object> blob <size>`, the content, and a line break for each.
    fn contents(&self, files: &[(String, Object)]) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut total = 0_usize;
        for (shown, object) in files {
            let size = object.size;
            total = total.saturating_add(size);
            if MAX_FILE_BYTES < size {
                bail!("`{shown}` has {size} bytes; at most {MAX_FILE_BYTES} are read");
            }
            if MAX_TOTAL_BYTES < total {
                bail!("the files up to `{shown}` have more than {MAX_TOTAL_BYTES} bytes together");
            }
        }
        let asked = files.iter().map(|(_, object)| format!("{}\n", object.id));
        let asked: String = asked.collect();
        let answer = answer(&self.folder, &["cat-file", "--batch"], &asked)?;
        let mut rest = answer.as_slice();
        let mut texts = Vec::with_capacity(files.len());
        for (shown, object) in files {
            let broken = || format!("`git cat-file` says nothing of `{shown}`");
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (head, after) = rest
                .split_at_checked(end.with_context(broken)?)
                .with_context(broken)?;
            if head != format!("{} blob {}", object.id, object.size).as_bytes() {
                bail!("`{shown}`: {}", String::from_utf8_lossy(head));
            }
            let content = after.get(1..).unwrap_or_default();
            let (text, next) = content.split_at_checked(object.size).with_context(broken)?;
            texts.push(text.to_vec());
            rest = next.get(1..).unwrap_or_default();
        }
        Ok(texts)
    }
}

impl Listing<'_> {
    /// Whether the folder itself has a file of this name.
    pub(super) fn has(&self, file: &str) -> bool {
        self.objects.contains_key(OsStr::new(file))
    }

    /// The contents of files of the folder.
    ///
    /// # Errors
    ///
    /// When one is too large, or `git` does not have it.
    pub(super) fn contents(&self, files: &[String]) -> anyhow::Result<Vec<Vec<u8>>> {
        let objects = files.iter().map(|file| {
            let object = self.objects.get(OsStr::new(file));
            let shown = self.shown(file);
            let object = object.with_context(|| format!("there is no `{shown}`"))?;
            Ok((shown, object.clone()))
        });
        let objects: Vec<(String, Object)> = objects.collect::<anyhow::Result<_>>()?;
        self.revision.contents(&objects)
    }
}

impl Tree for Listing<'_> {
    fn list(&self, folder: &str) -> anyhow::Result<Vec<(OsString, Kind)>> {
        let entries = self.folders.get(OsStr::new(folder));
        Ok(entries.cloned().unwrap_or_default())
    }

    fn is_in_repository(&self) -> bool {
        true
    }

    fn read(&self, file: &str) -> anyhow::Result<Vec<u8>> {
        let texts = self.contents(&[file.to_owned()])?;
        texts.into_iter().next().context("a file has no content")
    }

    fn leads_nowhere(&self, _link: &str) -> bool {
        false
    }

    fn shown(&self, path: &str) -> String {
        let joined = Path::new(&self.root).join(path);
        let joined = joined.to_string_lossy();
        self.revision.shown(joined.trim_end_matches('/'))
    }
}

/// What `git` prints, given `input`.
fn answer(folder: &Path, arguments: &[&str], input: &str) -> anyhow::Result<Vec<u8>> {
    let output = ask(folder, arguments, input)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git {}: {}", arguments.join(" "), said.trim());
    }
    Ok(output.stdout)
}

fn ask(folder: &Path, arguments: &[&str], input: &str) -> anyhow::Result<Output> {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(SETTINGS)
        .args(arguments)
        .envs(ENVIRONMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("running `git`; a revision needs it")?;
    let stdin = child.stdin.take();
    let input = input.as_bytes().to_vec();
    // It may answer before it has read all, so both happen at once.
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let output = child.wait_with_output().context("running `git`")?;
    // A reader that went away says why on its own.
    let _written = writer.join();
    Ok(output)
}

fn line(answer: &[u8]) -> anyhow::Result<String> {
    let text = std::str::from_utf8(answer).context("`git` answers with what is not UTF-8")?;
    Ok(text.strip_suffix('\n').unwrap_or(text).to_owned())
}
