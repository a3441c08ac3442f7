//! Files among those of a spec that are no files of Weft: a resource of Kubernetes, values of another environment.
//!
//! Such a file says no version and has none of the fields of one. It gets one finding, whatever else is in it, and none where files of
//! values lie: beside the one that was given are those of other environments.

use weft_spec::{FileId, Span};

use super::codes;
use super::yaml::{Kind, NodeId, Tree};
use crate::diagnostic::Diagnostic;
use crate::project::PROJECT_FILE;
use crate::source::Sources;

/// The fields of a file.
const FIELDS: &[&str] = &[
    "assert",
    "certificates",
    "gateways",
    "mesh",
    "routes",
    "services",
    "suppressions",
    "tests",
    "weft",
];
/// Fields that tell what a file is, and what that is called.
const KNOWN: &[(&str, &str)] = &[
    ("apiVersion", "a resource of Kubernetes"),
    ("static_resources", "a configuration of Envoy"),
    ("openapi", "a description of an interface, in OpenAPI"),
    ("jobs", "a workflow of a build server"),
];
/// The most names of values that are looked at in such a file.
const MAX_NAMES: usize = 10_000;

/// A file that is none of Weft.
#[derive(Debug)]
pub(super) struct Foreign {
    /// Its first field.
    span: Span,
    /// What it seems to be.
    what: Option<&'static str>,
    /// What it would set as a file of values, with dots between the levels.
    names: Vec<String>,
}

impl Foreign {
    /// What the documents of a file are, if none of them is one of Weft.
    pub(super) fn of(trees: &[Tree<'_>]) -> Option<Self> {
        let roots = trees.iter().filter_map(|tree| Some((tree, tree.root()?)));
        let (first, root) = roots.clone().next()?;
        if !roots.clone().all(|(tree, root)| is_foreign(tree, root)) {
            return None;
        }
        let key = first.entries(root).next().map_or(root, |(key, _)| key);
        let mut names = Vec::new();
        for (tree, root) in roots {
            collect(tree, root, "", &mut names);
        }
        let is_there = |field: &str| names.iter().any(|name| name == field);
        let what = KNOWN.iter().find(|(field, _)| is_there(field));
        Some(Self {
            span: first.span(key),
            what: what.map(|(_, what)| *what),
            names,
        })
    }

    /// The file that it is.
    pub(super) fn file(&self) -> FileId {
        self.span.file
    }

    /// Whether it would set a value of this name.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Says that it is none of Weft.
    pub(super) fn finding(&self, sources: &Sources) -> Diagnostic {
        let shown = sources.shown_path(self.span.file);
        let path = sources.file(self.span.file).map(|file| file.path.as_str());
        let message = format!("`{shown}` is no file of Weft");
        let found = Diagnostic::new(&codes::FOREIGN_FILE, self.span, message)
            .saying(self.what.unwrap_or("no field of a file of Weft"))
            .help(format!(
                "write `/{}` into the file `.weftignore` of the folder of the spec, or move the file out of it",
                path.unwrap_or_default()
            ));
        let name = path
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        match self.what {
            _ if name.to_lowercase() == PROJECT_FILE => found
                .note("the project file is called `weft.yaml` and lies in the folder of the spec; it is read when a command is given that folder")
                .help("give the command the folder, and put the file there under that name"),
            Some(_) => found,
            None => found.note(
                "a file of Weft starts with `weft: v1`; one of values is given by `--values`",
            ),
        }
    }
}

/// No mapping at all, or one without a version and without any field of a file.
fn is_foreign(tree: &Tree<'_>, root: NodeId) -> bool {
    if !matches!(tree.kind(root), Kind::Mapping) {
        return true;
    }
    let mut keys = tree.entries(root).map(|(key, _)| tree.text(key));
    tree.entries(root).next().is_some()
        && keys.all(|key| key.is_none_or(|key| !FIELDS.contains(&key)))
}

fn collect(tree: &Tree<'_>, mapping: NodeId, prefix: &str, names: &mut Vec<String>) {
    for (key, value) in tree.entries(mapping) {
        let Some(key) = tree.text(key).filter(|_| names.len() < MAX_NAMES) else {
            continue;
        };
        let name = format!("{prefix}{key}");
        if let Kind::Mapping = tree.kind(value) {
            collect(tree, value, &format!("{name}."), names);
        }
        names.push(name);
    }
}
