//! `language.md`: all that can be written in a spec, from the types of the language.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde_json::{Map, Value};
use weft_spec::schema;

use super::{WRITTEN, cell, is_as_written};

/// The definitions, and which of them are still to be written.
struct Page<'s> {
    definitions: &'s Map<String, Value>,
    seen: BTreeSet<String>,
    next: VecDeque<String>,
    text: String,
}

#[test]
fn every_field_of_the_language_is_on_its_page() {
    let root = schema::draft07();
    let definitions = ["$defs", "definitions"]
        .into_iter()
        .find_map(|key| root.get(key)?.as_object());
    let mut page = Page {
        definitions: definitions.unwrap(),
        seen: BTreeSet::new(),
        next: VecDeque::new(),
        text: format!(
            "# The language\n\n\
             Everything that can be written in a file of a spec, from the types that read it; {WRITTEN}. What settings do, where they may be\n\
             written and what is built in stands in [settings](settings.md); how requests are read and matched in [requests](requests.md).\n\n\
             A spec is a folder of YAML files. Every file starts with `weft: v1`; any number of files in any folders make one mesh, and a name that is\n\
             defined twice is an error. Names are compared as they are written. An unknown field is an error. `no` is a text, not `false`; anchors and\n\
             tags are refused. A scalar may be `{{{{ an expression }}}}` over the values of `--values FILE`.\n\n\
             ## A file\n\n"
        ),
    };
    page.fields(&root);
    while let Some(name) = page.next.pop_front() {
        page.definition(&name);
    }
    is_as_written("language.md", &page.text);
}

impl Page<'_> {
    fn definition(&mut self, name: &str) {
        let definition = &self.definitions[name];
        write!(self.text, "\n## {name}\n\n").unwrap();
        let described = text(definition, "description");
        if !described.is_empty() {
            write!(self.text, "{}\n\n", sentence(&described)).unwrap();
        }
        if definition.get("properties").is_some() {
            self.fields(definition);
        } else {
            let options = options(definition);
            if options.is_empty() {
                let shape = self.shape(definition);
                writeln!(self.text, "Written as {shape}.").unwrap();
            } else {
                self.text.push_str("| written | means |\n|---|---|\n");
                for (option, meaning) in options {
                    writeln!(self.text, "| `{option}` | {meaning} |").unwrap();
                }
            }
        }
    }

    fn fields(&mut self, object: &Value) {
        let required: BTreeSet<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        self.text.push_str("| field | is | |\n|---|---|---|\n");
        for (name, field) in object["properties"].as_object().unwrap() {
            let shape = self.shape(field);
            let must = if required.contains(name.as_str()) {
                " (must be said)"
            } else {
                ""
            };
            let described = cell(&text(field, "description"));
            writeln!(self.text, "| `{name}`{must} | {shape} | {described} |").unwrap();
        }
    }

    /// What a value looks like, with links to definitions, which will be written too.
    fn shape(&mut self, value: &Value) -> String {
        if let Some(reference) = reference(value) {
            if self.seen.insert(reference.clone()) {
                self.next.push_back(reference.clone());
            }
            return format!("[{reference}](#{})", reference.to_lowercase());
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(several) = value.get(key).and_then(Value::as_array) {
                let shapes = several.iter().filter(|one| !is_expression(one));
                let mut shapes: Vec<String> = shapes.map(|one| self.shape(one)).collect();
                shapes.dedup();
                return shapes.join(", or ");
            }
        }
        if let Some(only) = value.get("const") {
            return format!("`{}`", scalar(only));
        }
        if let Some(names) = value.get("enum").and_then(Value::as_array) {
            let names = names.iter().map(|name| format!("`{}`", scalar(name)));
            return names.collect::<Vec<String>>().join(", ");
        }
        self.plain(value)
    }

    fn plain(&mut self, value: &Value) -> String {
        if let Some(items) = value.get("items") {
            return format!("a list of {}", self.shape(items));
        }
        if let Some(fields) = value.get("properties").and_then(Value::as_object) {
            let fields = fields.iter();
            let fields = fields.map(|(name, field)| format!("`{name}:` {}", self.shape(field)));
            return format!("{{{}}}", fields.collect::<Vec<String>>().join(", "));
        }
        if let Some(values) = value
            .get("additionalProperties")
            .filter(|one| one.is_object())
        {
            return format!("a map of names, each with {}", self.shape(values));
        }
        match value.get("type") {
            Some(Value::String(name)) => word(name).to_owned(),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str).map(word);
                names.collect::<Vec<&str>>().join(" or ")
            }
            _ => "any value".to_owned(),
        }
    }
}

/// The name of the definition that a value refers to.
fn reference(value: &Value) -> Option<String> {
    let direct = value.get("$ref").and_then(Value::as_str);
    let only = || {
        let several = value.get("allOf")?.as_array()?;
        (several.len() == 1).then(|| several[0].get("$ref")?.as_str())?
    };
    let name = direct.or_else(only)?.rsplit('/').next()?;
    Some(name.to_owned())
}

/// Whether this is the `{{ }}` that every scalar may be.
fn is_expression(value: &Value) -> bool {
    text(value, "pattern") == "\\{\\{"
}

/// The words that a definition lists, each with what it means.
fn options(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in ["anyOf", "oneOf"] {
        for one in value
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            match one.get("const") {
                Some(only) => found.push((scalar(only), cell(&text(one, "description")))),
                None => found.extend(options(one)),
            }
        }
    }
    found.retain(|(_, meaning)| !meaning.is_empty());
    found
}

fn word(name: &str) -> &str {
    match name {
        "string" => "a text",
        "integer" | "number" => "a number",
        "boolean" => "`true` or `false`",
        other => other,
    }
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A description as a sentence: some are written to stand within one.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
