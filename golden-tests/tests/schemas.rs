//! What the compiler accepts, the schemas that editors load accept too.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weft_golden_tests::folder::Case;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validators() -> Vec<(&'static str, jsonschema::Validator)> {
    ["weft.v1.json", "weft.v1.draft-07.json"]
        .map(|name| {
            let text = fs::read_to_string(root().join("schemas").join(name)).unwrap();
            let schema: Value = serde_json::from_str(&text).unwrap();
            (name, jsonschema::validator_for(&schema).unwrap())
        })
        .into()
}

/// The spec files below a folder.
fn specs(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut specs(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
            && !path.ends_with("values.yaml")
        {
            files.push(path);
        }
    }
    files
}

fn assert_all_valid(files: &[PathBuf]) {
    assert!(!files.is_empty());
    let validators = validators();
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let document: Value = serde_yaml::from_str(&text).unwrap();
        for (name, validator) in &validators {
            let errors: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(
                errors.is_empty(),
                "{} against {name}: {errors:#?}",
                path.display()
            );
        }
    }
}

#[test]
fn every_example_is_valid() {
    assert_all_valid(&specs(&root().join("examples")));
}

#[test]
fn every_accepted_golden_case_is_valid() {
    for kind in ["warn", "lower", "route", "serve"] {
        for case in Case::all(kind).unwrap() {
            assert_all_valid(&specs(&case.path));
        }
    }
    for case in Case::all("reload").unwrap() {
        let mut files = specs(&case.path);
        files.retain(|path| !path.components().any(|part| part.as_os_str() == "changes"));
        assert_all_valid(&files);
    }
}

#[test]
fn the_schemas_of_the_project_file_are_current() {
    use weft_front::project_schema::{draft07, draft2020};

    for (name, schema) in [
        ("weft-project.v1.json", draft2020()),
        ("weft-project.v1.draft-07.json", draft07()),
    ] {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        let (path, text) = (
            root().join("schemas").join(name),
            weft_spec::schema::pretty(&schema),
        );
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            text,
            "UPDATE=1 writes it"
        );
    }
}

#[test]
fn an_unknown_field_is_invalid() {
    let document = serde_json::json!({"weft": "v1", "servces": {}});
    for (name, validator) in validators() {
        assert!(!validator.is_valid(&document), "{name}");
    }
}
