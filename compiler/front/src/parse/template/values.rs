//! The values that expressions may use, from the files given by `--values`.

use std::collections::BTreeMap;

use minijinja::Value;
use weft_spec::Span;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::codes;
use crate::parse::yaml::{self, Kind, NodeId, Scalar, Tree};
use crate::source::Sources;

/// Named values: texts, numbers, booleans, and lists and mappings of them.
#[derive(Clone, Debug, Default)]
pub struct Values {
    root: Value,
    names: Vec<String>,
    places: BTreeMap<String, Span>,
}

impl Values {
    /// Reads the files of values of `sources`; later ones win, mappings are merged entry by entry.
    ///
    /// A file holds one mapping. What cannot be read is reported and left out.
    pub fn read(sources: &Sources, diagnostics: &mut Diagnostics) -> Self {
        let mut merged = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (file, source) in sources.values() {
            for tree in yaml::read(file, &source.text, diagnostics) {
                let Some(root) = tree.root() else { continue };
                if let Some(version) = entry(&tree, root, "weft") {
                    diagnostics.push(no_values(tree.span(version)));
                    continue;
                }
                collect_places("", (&tree, root), &mut places);
                match plain(&tree, root) {
                    Plain::Map(entries) => merge(&mut merged, entries),
                    Plain::One(_) | Plain::List(_) => {
                        let found = Diagnostic::new(
                            &codes::WRONG_TYPE,
                            tree.span(root),
                            "a file of values is a mapping from names to values",
                        );
                        diagnostics.push(found.help("write `name: value` for each"));
                    }
                }
            }
        }
        let mut names = Vec::new();
        collect_names("", &merged, &mut names);
        Self {
            root: value(Plain::Map(merged)),
            names,
            places,
        }
    }

    /// The values as expressions see them.
    pub(super) fn root(&self) -> Value {
        self.root.clone()
    }

    /// Where a value is set, if there is one of this name.
    pub(in crate::parse) fn place(&self, name: &str) -> Option<Span> {
        self.places.get(name).copied()
    }

    /// The names of texts, numbers, booleans and lists, each with its place.
    pub(in crate::parse) fn leaves(&self) -> impl Iterator<Item = (&str, Span)> {
        self.places
            .iter()
            .map(|(name, span)| (name.as_str(), *span))
    }

    /// All names, with dots between the levels.
    pub(in crate::parse) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// Says that a file of the spec was given for one of values.
fn no_values(span: Span) -> Diagnostic {
    Diagnostic::new(
        &codes::WRONG_TYPE,
        span,
        "this is a file of the spec, and was given as one of values",
    )
    .help("give by `--values` a file with `name: value`, or leave the flag out")
}

fn entry(tree: &Tree<'_>, root: NodeId, name: &str) -> Option<NodeId> {
    let mut entries = tree.entries(root);
    entries
        .find(|(key, _)| tree.text(*key) == Some(name))
        .map(|(key, _)| key)
}

/// The places of all that is no mapping; a later file has the last word.
fn collect_places(
    prefix: &str,
    (tree, mapping): (&Tree<'_>, NodeId),
    places: &mut BTreeMap<String, Span>,
) {
    for (key, value) in tree.entries(mapping) {
        let Some(text) = tree.text(key) else { continue };
        let name = format!("{prefix}{text}");
        if let Kind::Mapping = tree.kind(value) {
            collect_places(&format!("{name}."), (tree, value), places);
        } else {
            places.insert(name, tree.span(key));
        }
    }
}

enum Plain {
    One(Value),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

fn plain(tree: &Tree<'_>, id: NodeId) -> Plain {
    match tree.kind(id) {
        Kind::Scalar { text, style } => Plain::One(match Scalar::read(text, style) {
            Scalar::Nothing => Value::from(()),
            Scalar::Boolean(value) => Value::from(value),
            Scalar::Number(value) => Value::from(value),
            Scalar::Negative(value) => Value::from(value),
            Scalar::Text(text) => Value::from(text),
        }),
        Kind::Sequence => Plain::List(tree.children(id).map(|child| plain(tree, child)).collect()),
        Kind::Mapping => Plain::Map(
            tree.entries(id)
                .filter_map(|(key, value)| Some((tree.text(key)?.to_owned(), plain(tree, value))))
                .collect(),
        ),
    }
}

fn merge(into: &mut BTreeMap<String, Plain>, from: BTreeMap<String, Plain>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Plain::Map(old)), Plain::Map(new)) => merge(old, new),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

fn collect_names(prefix: &str, values: &BTreeMap<String, Plain>, names: &mut Vec<String>) {
    for (name, value) in values {
        let name = format!("{prefix}{name}");
        if let Plain::Map(below) = value {
            collect_names(&format!("{name}."), below, names);
        }
        names.push(name);
    }
}

fn value(plain: Plain) -> Value {
    match plain {
        Plain::One(one) => one,
        Plain::List(list) => list.into_iter().map(value).collect(),
        Plain::Map(map) => {
            Value::from_pairs(map.into_iter().map(|(name, below)| (name, value(below))))
        }
    }
}
