//! The JSON Schema of a project file, for editors.
//!
//! It is written by hand beside [`crate::project`], because a project file is read by hand: three fields, each of one text or several. What it
//! says is the same in both drafts but for their names.

use serde_json::{Value, json};

/// The schema in draft-07, which editors read best.
pub fn draft07() -> Value {
    schema(
        "http://json-schema.org/draft-07/schema#",
        "urn:weft:project:v1:draft-07",
    )
}

/// The schema in draft 2020-12.
pub fn draft2020() -> Value {
    schema(
        "https://json-schema.org/draft/2020-12/schema",
        "urn:weft:project:v1",
    )
}

fn schema(draft: &str, id: &str) -> Value {
    // Its paths stay below its folder: none is absolute, and no part is `..`.
    let path = json!({
        "type": "string",
        "not": {"pattern": "(^/|(^|/)\\.\\.(/|$))"},
    });
    let code = json!({"type": "string", "pattern": "^[a-z][a-z0-9-]*$"});
    let one_or_several = |one: &Value| json!([one, {"type": "array", "items": one}]);
    json!({
        "$schema": draft,
        "$id": id,
        "title": "A Weft project file",
        "description": "The file `weft.yaml` in the folder of a spec: what would else be flags of every command.",
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {
            "values": {
                "description": "Files with values for `{{ }}` expressions, from the folder of this file; later ones win.",
                "anyOf": one_or_several(&path),
                "examples": ["values.yaml", ["env/common.yaml", "env/test.yaml"]],
            },
            "dist": {
                "description": "Where the snapshot is written, from the folder of this file.",
                "anyOf": [path],
                "examples": ["dist"],
            },
            "deny": {
                "description": "Warnings that reject the spec: codes, or `warnings` for all.",
                "anyOf": one_or_several(&code),
                "examples": ["warnings", ["dead-route", "cert-lifetime"]],
            },
        },
    })
}
