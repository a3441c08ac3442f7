//! The JSON Schema of a spec file, generated from the types.
//!
//! Draft-07 is for editors, whose YAML support is at home there; 2020-12 is for everything else. The two
//! say the same. Some things are changed on the way from the types: nothing is nullable, because an
//! empty value is a mistake in a spec; what `annotations.rs` says is added; every scalar with a form also takes an
//! expression (`"{{ port }}"`); in draft-07, whose readers see nothing beside a `$ref`, that stands in an `allOf` of its own, so that
//! the description of a field is shown; and the title is that of the language.

use std::sync::LazyLock;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RemoveRefSiblings, Transform, transform_subschemas};
use schemars::{JsonSchema as _, Schema};
use serde_json::{Map, Value, json};

use crate::annotations::annotate;
use crate::file::File;

/// The schema in draft-07, for editors.
pub fn draft07() -> Value {
    let settings = SchemaSettings::draft07();
    generate(settings, "urn:weft:spec:v1:draft-07", |schema| {
        RemoveRefSiblings::default().transform(schema);
    })
}

/// The schema in draft 2020-12.
pub fn draft2020() -> Value {
    generate(SchemaSettings::draft2020_12(), "urn:weft:spec:v1", |_| {})
}

/// The schema as it is checked in: indented, with a newline at the end.
pub fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// Made once: a spec may have a hundred thousand mistakes of which each asks for a part of it.
static SCHEMA: LazyLock<Value> = LazyLock::new(draft2020);

/// The fields that the type `name` needs, `field` being one of them; empty for an unknown type.
pub fn required_fields(name: &str, field: &str) -> Vec<String> {
    // A file may lack a hundred fields, and the schema is the same for all of them.
    let schema = &*SCHEMA;
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let root = (name == File::schema_name()).then_some(schema);
    let candidates = definitions.into_iter().flatten();
    let named = candidates
        .filter(|(key, _)| key.trim_end_matches(|last: char| last.is_ascii_digit()) == name);
    root.into_iter()
        .chain(named.map(|(_, definition)| definition))
        .map(required)
        .find(|fields| fields.iter().any(|known| known == field))
        .unwrap_or_default()
}

fn required(definition: &Value) -> Vec<String> {
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned();
    let fields = list(definition, "required").into_iter().flatten();
    // Of a field with several names or ways, the first is the one that people are told of.
    let choices = list(definition, "allOf").into_iter().flatten();
    let first = choices.filter_map(|choice| list(&choice, "oneOf")?.into_iter().next());
    let first = first.filter_map(|way| list(&way, "required")?.into_iter().next());
    let texts = first
        .chain(fields)
        .filter_map(|field| field.as_str().map(ToOwned::to_owned));
    texts.collect()
}

/// Whether a file of a spec has a field of this name.
pub fn is_field_of_file(name: &str) -> bool {
    let fields = SCHEMA.get("properties").and_then(Value::as_object);
    fields.is_some_and(|fields| fields.contains_key(name))
}

/// The fields of the type `name` that may stand instead of the field `field`.
pub fn other_ways(name: &str, field: &str) -> Vec<String> {
    let ways = SCHEMA
        .pointer(&format!("/$defs/{name}/allOf"))
        .and_then(Value::as_array);
    let choices = ways
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("oneOf")?.as_array());
    let names = choices.map(|ways| -> Vec<String> { ways.iter().flat_map(required).collect() });
    let mut found = names.filter(|names| names.iter().any(|one| one == field));
    let mut others = found.next().unwrap_or_default();
    others.retain(|one| one != field);
    others
}

fn generate(settings: SchemaSettings, id: &str, last: impl FnOnce(&mut Schema)) -> Value {
    let settings = settings
        .with_transform(NothingIsNull)
        .with_transform(Annotations)
        .with_transform(Expressions);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<File>();
    last(&mut schema);
    schema.insert("$id".to_owned(), json!(id));
    schema.insert("title".to_owned(), json!("A file of a Weft spec"));
    schema.to_value()
}

/// Adds what is built in, examples, ranges and forms.
#[derive(Clone, Debug)]
struct Annotations;

impl Transform for Annotations {
    fn transform(&mut self, schema: &mut Schema) {
        let Some(root) = schema.as_object_mut() else {
            return;
        };
        annotate(&File::schema_name(), root);
        for definitions in ["$defs", "definitions"] {
            let Some(Value::Object(definitions)) = root.get_mut(definitions) else {
                continue;
            };
            for (name, definition) in definitions {
                // The second type of a name has a number behind it.
                let name = name.trim_end_matches(|last: char| last.is_ascii_digit());
                if let Value::Object(definition) = definition {
                    annotate(name, definition);
                }
            }
        }
    }
}

/// Takes `null` out of every schema: an absent field is left out, never written as nothing.
#[derive(Clone, Debug)]
struct NothingIsNull;

impl Transform for NothingIsNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        object.retain(|key, value| !(key == "default" && value.is_null()));
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
            return;
        };
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            merge(object, only);
        }
    }
}

/// Adds what is not there yet: the description of a field beats that of its type.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        into.entry(key).or_insert(value);
    }
}

/// Lets an expression stand for every scalar that has a form.
#[derive(Clone, Debug)]
struct Expressions;

impl Transform for Expressions {
    fn transform(&mut self, schema: &mut Schema) {
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        if is_formed_scalar(object) {
            let mut form = std::mem::take(object);
            for key in ["description", "default", "examples", "title"] {
                if let Some(value) = form.remove(key) {
                    object.insert(key.to_owned(), value);
                }
            }
            let expression = json!({"type": "string", "pattern": "\\{\\{"});
            object.insert("anyOf".to_owned(), json!([form, expression]));
            return;
        }
        transform_subschemas(self, schema);
    }
}

/// Whether a plain text would be refused although the value is a scalar.
fn is_formed_scalar(object: &Map<String, Value>) -> bool {
    let is_words = |choices: &Value| {
        let all = choices.as_array();
        all.is_some_and(|all| {
            all.iter()
                .all(|choice| choice.get("const").is_some_and(Value::is_string))
        })
    };
    if object.get("oneOf").is_some_and(is_words) {
        return true;
    }
    match object.get("type").and_then(Value::as_str) {
        Some("integer" | "number" | "boolean") => true,
        Some("string") => ["pattern", "enum", "const"]
            .iter()
            .any(|key| object.contains_key(*key)),
        Some(_) | None => false,
    }
}
