//! The project file: what else would be flags of every command.
//!
//! It is `weft.yaml` in the folder of a spec, with the fields `values`, `dist` and `deny`, and no part of the spec. A file of that name with
//! `weft: v1` and nothing of these is one of the spec as any other, and so is one with fields of the spec that forgets its version.
//! Whoever may change the spec is not whoever may write on the machine, so its paths stay below its folder.

use weft_spec::FileId;
use weft_spec::schema::is_field_of_file;

use crate::diagnostic::{Diagnostics, nearest};
use crate::parse::yaml::{self, Kind, NodeId, Tree};

/// Its name.
pub const PROJECT_FILE: &str = "weft.yaml";
/// The ending with which it is not read, although files of the spec are.
pub const OTHER_ENDING: &str = "weft.yml";
const FIELDS: [&str; 3] = ["deny", "dist", "values"];
/// What is said of one that is wrong.
const WHAT_IT_IS: &str = "the project file, which has `values`, `dist` and `deny`";

/// What a project file says; nothing by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Project {
    /// Files of values, from the folder of the file; later ones win.
    pub values: Vec<String>,
    /// Where the snapshot is written, from the folder of the file.
    pub dist: Option<String>,
    /// Warnings that reject the spec: codes, or `warnings` for all.
    pub deny: Vec<String>,
}

impl Project {
    /// Reads a file of that name; nothing if it is no project file.
    ///
    /// # Errors
    ///
    /// What is wrong, with the line.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let mut found = Diagnostics::default();
        let trees = yaml::read(FileId(0), text, &mut found);
        if trees.is_empty() && !found.has_errors() {
            return Ok(Some(Self::default()));
        }
        let [tree] = trees.as_slice() else {
            return Ok(None);
        };
        let Some(root) = tree.root() else {
            return Ok(None);
        };
        let reading = Reading { tree, text };
        if !matches!(tree.kind(root), Kind::Mapping) {
            return Err(reading.wrong(root, &format!("this is {WHAT_IT_IS}, each as `name: …`")));
        }
        if is_of_spec(tree, root) {
            return Ok(None);
        }
        if let Some(wrong) = found.sorted().first() {
            return Err(reading.at_line(wrong.primary.span.start, &wrong.message));
        }
        let mut project = Self::default();
        let mut version = None;
        for (key, value) in tree.entries(root) {
            match tree.text(key).unwrap_or_default() {
                "values" => project.values = reading.paths(value)?,
                "dist" => project.dist = reading.paths(value)?.into_iter().next(),
                "deny" => project.deny = reading.texts(value)?,
                "weft" => version = Some(key),
                other => return Err(reading.unknown(key, other)),
            }
        }
        if let Some(key) = version {
            return Err(reading.versioned(key));
        }
        Ok(Some(project))
    }
}

/// Whether a file of that name is one of the spec: it has a field of one or the version, and none that a project file has or nearly has.
fn is_of_spec(tree: &Tree<'_>, root: NodeId) -> bool {
    let keys = || tree.entries(root).filter_map(|(key, _)| tree.text(key));
    let is_nearly = |key: &str| FIELDS.contains(&key) || nearest(key, FIELDS).is_some();
    if keys().next().is_none() {
        return true;
    }
    keys().any(is_field_of_file) && !keys().any(|key| !is_field_of_file(key) && is_nearly(key))
}

struct Reading<'t> {
    tree: &'t Tree<'t>,
    text: &'t str,
}

impl Reading<'_> {
    /// A text or a list of texts.
    fn texts(&self, id: NodeId) -> Result<Vec<String>, String> {
        let text = |id: NodeId| {
            match self.tree.kind(id) {
            Kind::Scalar { text, .. } => Ok(text.to_owned()),
            Kind::Sequence | Kind::Mapping => Err(self.wrong(
                id,
                "a text is needed here, or a list of texts: `values: [values.yaml]`, `dist: dist`, `deny: [warnings]`",
            )),
        }
        };
        match self.tree.kind(id) {
            Kind::Sequence => self.tree.children(id).map(text).collect(),
            Kind::Scalar { .. } | Kind::Mapping => Ok(vec![text(id)?]),
        }
    }

    fn paths(&self, id: NodeId) -> Result<Vec<String>, String> {
        let paths = self.texts(id)?;
        let leaves =
            |path: &&String| path.starts_with('/') || path.split('/').any(|part| part == "..");
        match paths.iter().find(leaves) {
            Some(path) => Err(self.wrong(
                id,
                &format!("`{path}` is not below the folder of this file; a flag may name what is elsewhere"),
            )),
            None => Ok(paths),
        }
    }

    fn unknown(&self, key: NodeId, name: &str) -> String {
        let near = match nearest(name, FIELDS) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        self.wrong(
            key,
            &format!("unknown field `{name}` of {WHAT_IT_IS}{near}"),
        )
    }

    /// Of the version of the language.
    fn versioned(&self, key: NodeId) -> String {
        let remedy = "remove the line, or give the file another name if it is one of the spec";
        self.wrong(
            key,
            &format!("`weft` is for files of the spec, and this is {WHAT_IT_IS}; {remedy}"),
        )
    }

    fn wrong(&self, id: NodeId, what: &str) -> String {
        self.at_line(self.tree.span(id).start, what)
    }

    fn at_line(&self, start: u32, what: &str) -> String {
        let before = usize::try_from(start)
            .ok()
            .and_then(|start| self.text.get(..start));
        let line = 1 + before.unwrap_or_default().matches('\n').count();
        format!("line {line}: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_file_spares_the_flags() {
        let text = "values: [env/a.yaml, env/b.yaml]\ndist: out\ndeny: warnings\n";
        let project = Project::read(text).unwrap().unwrap();
        assert_eq!(project.values, ["env/a.yaml", "env/b.yaml"]);
        assert_eq!(project.dist.as_deref(), Some("out"));
        assert_eq!(project.deny, ["warnings"]);
    }

    #[test]
    fn a_file_of_the_spec_may_have_its_name() {
        for text in [
            "weft: v1\nservices: {}\n",
            "weft: v1\nservice: {}\n",
            "tests: []\n",
        ] {
            assert_eq!(Project::read(text), Ok(None), "{text}");
        }
        // One without a word is the project file all the same.
        assert_eq!(Project::read(""), Ok(Some(Project::default())));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            (
                "dist: a\nvalus: [x]\n",
                "line 2: unknown field `valus` of the project file, which has `values`, `dist` and `deny`; did you mean `values`?",
            ),
            (
                "values: [a]\nx: 1\n",
                "line 2: unknown field `x` of the project file, which has `values`, `dist` and `deny`",
            ),
            (
                "value: [x]\n",
                "line 1: unknown field `value` of the project file, which has `values`, `dist` and `deny`; did you mean `values`?",
            ),
            (
                "a: 1\n",
                "line 1: unknown field `a` of the project file, which has `values`, `dist` and `deny`",
            ),
            (
                "weft: v1\nvalue: [x]\n",
                "line 2: unknown field `value` of the project file, which has `values`, `dist` and `deny`; did you mean `values`?",
            ),
            (
                "deny: [warnings]\nweft: v1\n",
                "line 2: `weft` is for files of the spec, and this is the project file, which has `values`, `dist` and `deny`; remove the line, or give the file another name if it is one of the spec",
            ),
            (
                "dist: out\nservices: {}\n",
                "line 2: unknown field `services` of the project file, which has `values`, `dist` and `deny`",
            ),
            (
                "dist: {a: b}\n",
                "line 1: a text is needed here, or a list of texts: `values: [values.yaml]`, `dist: dist`, `deny: [warnings]`",
            ),
            (
                "- values\n",
                "line 1: this is the project file, which has `values`, `dist` and `deny`, each as `name: …`",
            ),
            (
                "values: ../a.yaml\n",
                "line 1: `../a.yaml` is not below the folder of this file; a flag may name what is elsewhere",
            ),
        ] {
            assert_eq!(Project::read(text), Err(said.to_owned()));
        }
    }
}
