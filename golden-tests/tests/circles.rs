//! The files of a crate use one another in one direction: no circle has more than two of them.
//!
//! A folder's `mod.rs` lists its files and may hold what they share, so that a file uses the folder that it stands in counts and
//! that a folder uses its own files does not. Found by reading: `use` trees and paths with `crate`, `super` or `self`, followed
//! through re-exports; unit tests do not count. The proxy is not among them yet: its exchange is one circle still.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const CRATES: [&str; 8] = [
    "schemas/spec",
    "schemas/snapshot",
    "compiler/space",
    "compiler/front",
    "compiler/back",
    "compiler/check",
    "compiler/tell",
    "compiler/cli",
];

type Module = Vec<String>;

/// The modules of a crate with their texts, and what each hands on under which name.
#[derive(Default)]
struct Files {
    texts: BTreeMap<Module, String>,
    handed_on: BTreeMap<(Module, String), Module>,
}

impl Files {
    fn of(folder: &Path) -> Self {
        let mut files = Self::default();
        files.collect(folder, &Vec::new());
        for (module, text) in files.texts.clone() {
            for (path, name, is_public) in uses(&text) {
                let target = files.absolute(&module, &path);
                if let Some(target) = target.filter(|_| is_public) {
                    files.handed_on.insert((module.clone(), name), target);
                }
            }
        }
        files
    }

    fn collect(&mut self, folder: &Path, module: &[String]) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let within = |name: String| [module, &[name]].concat();
            if path.is_dir() {
                self.collect(&path, &within(name));
            } else if path.extension().is_some_and(|kind| kind == "rs") && name != "main" {
                let text = fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let is_folder = ["mod", "lib"].contains(&name.as_str());
                let module = if is_folder {
                    module.to_vec()
                } else {
                    within(name)
                };
                self.texts.insert(module, own.to_owned());
            }
        }
    }

    /// A path from the root of the crate; none where it leads elsewhere.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), path.get(1..)?),
            "self" => (module.clone(), path.get(1..)?),
            "super" => {
                let kept = module.len().checked_sub(ups)?;
                (module.get(..kept)?.to_vec(), path.get(ups..)?)
            }
            first => {
                let child = [module.as_slice(), &[first.to_owned()]].concat();
                self.texts.get(&child)?;
                (module.clone(), path)
            }
        };
        Some([base.as_slice(), rest].concat())
    }

    /// The file that has what a path names.
    fn home(&self, path: &[String], depth: usize) -> Option<Module> {
        let lengths = (0..=path.len()).rev();
        let mut modules = lengths.filter_map(|length| path.split_at_checked(length));
        let (module, rest) = modules.find(|(module, _)| self.texts.contains_key(*module))?;
        let next = rest.first().map(|name| (module.to_vec(), name.clone()));
        let handed = next.and_then(|key| self.handed_on.get(&key));
        match handed.filter(|_| depth < 8) {
            Some(onward) => {
                let onward = [onward.as_slice(), rest.get(1..)?].concat();
                self.home(&onward, depth + 1)
            }
            None => Some(module.to_vec()),
        }
    }

    /// Which other files each file uses.
    fn edges(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let edges = self.texts.iter().map(|(module, text)| {
            let named = uses(text)
                .into_iter()
                .filter(|(_, _, is_public)| !is_public);
            let paths = named.map(|(path, _, _)| path).chain(inline(text));
            let homes = paths.filter_map(|path| self.home(&self.absolute(module, &path)?, 0));
            let is_other = |home: &Module| home != module && !home.starts_with(module);
            (module.clone(), homes.filter(is_other).collect())
        });
        edges.filter(|(module, _)| !is_test(module)).collect()
    }
}

fn is_test(module: &Module) -> bool {
    let for_tests = ["oracle", "testing", "drawn", "unit", "precedence_tests"];
    let is_tests = |(at, part): (usize, &String)| {
        for_tests.contains(&part.as_str()) || (part == "tests" && 0 < at)
    };
    module.iter().enumerate().any(is_tests) || module.as_slice() == ["tests"]
}

/// The paths of all `use` declarations: the path, the name that it gets, and whether it is handed on.
fn uses(text: &str) -> Vec<(Vec<String>, String, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let (before, after) = rest.split_at(at);
        let line = before.rsplit('\n').next().unwrap().trim();
        let tree = after.split(';').next().unwrap();
        let is_use = line.is_empty() || line.starts_with("pub");
        if is_use && !tree.contains("//") {
            let tree = tree.strip_prefix("use ").unwrap();
            leaves(tree, &Vec::new(), &mut |path, name| {
                found.push((path, name, line.starts_with("pub")));
            });
        }
        rest = after.get(4..).unwrap();
    }
    found
}

/// The leaves of a `use` tree.
fn leaves(tree: &str, prefix: &[String], leaf: &mut impl FnMut(Vec<String>, String)) {
    let tree = tree.trim();
    if let Some((head, list)) = tree.split_once('{') {
        let head = head
            .split("::")
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let prefix: Vec<String> = prefix
            .iter()
            .cloned()
            .chain(head.map(str::to_owned))
            .collect();
        let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
        let (mut depth, mut start) = (0, 0);
        for (at, symbol) in list.char_indices().chain([(list.len(), ',')]) {
            match symbol {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    leaves(list.get(start..at).unwrap(), &prefix, leaf);
                    start = at + 1;
                }
                _ => {}
            }
        }
    } else if !tree.is_empty() {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let parts = path.split("::").map(|part| part.trim().to_owned());
        let mut path: Vec<String> = prefix.iter().cloned().chain(parts).collect();
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = Some(name.trim()).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| path.last().unwrap().clone(), str::to_owned);
        leaf(path, name);
    }
}

/// Paths that stand in the code itself.
fn inline(text: &str) -> impl Iterator<Item = Vec<String>> {
    let lines = text.lines().map(str::trim_start);
    let code = lines.filter(|line| !line.starts_with("//") && !line.contains("use "));
    let words = code.flat_map(|line| {
        line.split(|symbol: char| !(symbol.is_alphanumeric() || symbol == '_' || symbol == ':'))
    });
    let paths = words.filter(|word| {
        let starts = ["crate::", "super::", "self::"];
        starts.iter().any(|start| word.starts_with(start))
    });
    paths.map(|path| path.split("::").map(str::to_owned).collect())
}

/// The files that each can be reached from, on the way of what uses what.
fn reached(from: &Module, edges: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![from.clone()];
    while let Some(module) = waiting.pop() {
        for next in edges.get(&module).into_iter().flatten() {
            if found.insert(next.clone()) {
                waiting.push(next.clone());
            }
        }
    }
    found
}

/// The circles of more than two files, each as the names of its files.
fn circles(edges: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&Module, BTreeSet<Module>> = edges
        .keys()
        .map(|module| (module, reached(module, edges)))
        .collect();
    let circle = |(module, all): (&&Module, &BTreeSet<Module>)| {
        let back = |other: &&Module| reached.get(other).is_some_and(|all| all.contains(*module));
        let circle: Vec<String> = all.iter().filter(back).map(|one| one.join("/")).collect();
        (2 < circle.len()).then_some(circle)
    };
    reached.iter().filter_map(circle).collect()
}

#[test]
fn no_circle_has_more_than_two_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeMap::new();
    for folder in CRATES {
        let files = Files::of(&root.join(folder).join("src"));
        let edges = files.edges();
        let count: usize = edges.values().map(BTreeSet::len).sum();
        assert!(10 < count, "{folder}: only {count} uses were found");
        found.insert(folder, circles(&edges));
    }
    found.retain(|_, circles| !circles.is_empty());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found_through_what_is_handed_on() {
    let mut files = Files::default();
    let texts = [
        (
            "",
            "mod a;\nmod b;\nmod c;\npub use c::{One, deep::{self as d}};\n",
        ),
        ("a", "use crate::b::Two;\n"),
        ("b", "fn f() { crate::One::new() }\n"),
        ("c", "use super::{a::Three, b};\n// use crate::nothing;\n"),
    ];
    for (name, text) in texts {
        let module: Module = name
            .split('/')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect();
        files.texts.insert(module, text.to_owned());
    }
    let handed = vec!["c".to_owned(), "One".to_owned()];
    files
        .handed_on
        .insert((Vec::new(), "One".to_owned()), handed);
    let circles = circles(&files.edges());
    let found: Vec<&Vec<String>> = circles.iter().collect();
    assert_eq!(found, [&["a", "b", "c"].map(str::to_owned).to_vec()]);
}
