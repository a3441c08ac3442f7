//! What `docs/settings.md` says of settings is what the schema says.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;
use weft_front::settings::{ALL, Setting, page};

/// Around the table that is made.
const BEGIN: &str = "<!-- settings -->";
const END: &str = "<!-- end of settings -->";

/// A row of the table beside: the path of the setting and its default.
struct Row {
    path: String,
    default: String,
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

fn rows() -> Vec<Row> {
    let page = read("docs/settings.md");
    let (_, beside) = page.split_once(END).unwrap();
    let rows = beside.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [path, _values, default, _why] = cells.as_slice() else {
            panic!("a row of another form: {line}");
        };
        Row {
            path: path.trim().trim_matches('`').to_owned(),
            default: default.trim().to_owned(),
        }
    });
    rows.collect()
}

/// The schema that a reference stands for.
fn followed<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let referred = schema.get("$ref").and_then(Value::as_str);
    let pointer = referred.and_then(|referred| referred.strip_prefix('#'));
    match pointer.and_then(|pointer| root.pointer(pointer)) {
        Some(found) => followed(root, found),
        None => schema,
    }
}

/// The schema of a setting, before its reference is followed, so that it has the field's own description.
fn setting<'s>(root: &'s Value, path: &str) -> Option<&'s Value> {
    let mut at = root;
    for part in path.split('.') {
        let parent = followed(root, at);
        at = match part {
            "NAME" => parent.get("additionalProperties")?,
            "RULE" => parent.get("items")?,
            field => parent.get("properties")?.get(field)?,
        };
    }
    Some(at)
}

#[test]
fn every_row_is_a_setting_with_the_default_that_the_schema_names() {
    let root: Value = serde_json::from_str(&read("schemas/weft.v1.json")).unwrap();
    let rows = rows();
    assert!(!rows.is_empty());
    for Row { path, default } in rows {
        let setting = setting(&root, &path);
        assert!(setting.is_some(), "the schema has no `{path}`");
        let described = setting.and_then(|setting| setting.get("description"));
        let described = described.and_then(Value::as_str).unwrap_or_default();
        let is_said = default == "none" || described.contains(&default);
        assert!(is_said, "`{path}`: {default} is not in: {described}");
    }
}

/// Where the schema has what a place may say.
fn paths(setting: &Setting) -> Vec<String> {
    let read = &setting.read;
    let places = [
        (read.defaults.is_some(), "mesh.defaults"),
        (read.service.is_some(), "services.NAME"),
        (read.call.is_some(), "services.NAME.calls.NAME"),
        (
            read.rule.is_some() || read.resolved.is_some(),
            "routes.NAME.rules.RULE",
        ),
        (read.listener.is_some(), "gateways.NAME.listeners.NAME"),
    ];
    let said = places.into_iter().filter(|(is_there, _)| *is_there);
    said.map(|(_, place)| format!("{place}.{}", setting.name))
        .collect()
}

#[test]
fn every_setting_is_in_the_language_where_it_says() {
    let root: Value = serde_json::from_str(&read("schemas/weft.v1.json")).unwrap();
    for one in ALL.iter() {
        let paths = paths(one);
        assert!(!paths.is_empty(), "{} is written nowhere", one.name);
        for path in paths {
            assert!(
                setting(&root, &path).is_some(),
                "the schema has no `{path}`"
            );
        }
    }
}

#[test]
fn the_table_is_the_list_of_the_compiler() {
    let text = read("docs/settings.md");
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let made = format!("\n{}", page());
    if std::env::var_os("UPDATE").is_some() {
        let whole = format!("{before}{BEGIN}{made}{END}{after}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
        fs::write(path, whole).unwrap();
    } else {
        assert!(shown == made, "write it with UPDATE=1");
    }
}
