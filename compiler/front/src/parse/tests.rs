//! The pass as a whole: what comes out, in which order, and every mistake in one run.

use super::*;

fn sources(files: &[(&str, &str)]) -> Sources {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    Sources::new(files.iter().map(file).collect())
}

fn run(files: &[(&str, &str)]) -> (Vec<(FileId, File)>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let parsed = parse(&sources(files), &Values::default(), &mut diagnostics);
    (parsed, diagnostics.sorted())
}

#[test]
fn several_documents_of_a_file_are_several_files() {
    let text = "weft: v1\nmesh: {name: a, trustDomain: a.example}\n---\nweft: v1\n";
    let (files, found) = run(&[("a.yaml", text)]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(files.len(), 2);
    let mesh = files[0].1.mesh.as_ref().unwrap();
    assert_eq!(mesh.value.name.value, "a");
    assert_eq!(mesh.value.name.span.start, 22);
}

#[test]
fn mistakes_of_all_files_come_in_the_order_of_their_paths() {
    let many: Vec<(String, String)> = (0..40)
        .map(|number| {
            (
                format!("{number:02}.yaml"),
                format!("weft: v1\nfield{number}: 1\n"),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = many
        .iter()
        .rev()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let (_, found) = run(&files);
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    let expected: Vec<String> = (0..40)
        .map(|number| format!("unknown field `field{number}`"))
        .collect();
    assert_eq!(messages, expected);
}

#[test]
fn a_misspelt_field_with_a_bad_expression_has_two_findings() {
    let text = "weft: v1\nmesh: {name: a, trustDomain: a.example, mlts: \"{{ x }}\"}\n";
    let (_, found) = run(&[("a.yaml", text)]);
    let codes: Vec<&str> = found.iter().map(|found| found.code.name).collect();
    assert_eq!(codes, ["unknown-field", "bad-expression"]);
}

#[test]
fn a_value_from_the_environment_is_decoded_with_its_kind() {
    let spec = "weft: v1\ngateways:\n  public:\n    listeners:\n      web: {port: \"{{ port }}\", protocol: http}\n";
    let sources = sources(&[("a.yaml", spec)]).with_values(vec![SourceFile {
        path: "prod.yaml".to_owned(),
        text: "port: 8443\n".to_owned(),
    }]);
    let mut diagnostics = Diagnostics::default();
    let values = Values::read(&sources, &mut diagnostics);
    let files = parse(&sources, &values, &mut diagnostics);
    assert!(diagnostics.sorted().is_empty());
    let gateway = &files[0].1.gateways.entries[0].1.value;
    assert_eq!(gateway.listeners.entries[0].1.value.port.value, 8443);
}

#[test]
fn what_a_file_has_hundreds_of_thousands_of_is_small() {
    use std::mem::size_of;

    // With 32 bytes a line, a file of the longest length has 260,000 of them, twice: as written and with names followed.
    assert!(size_of::<weft_spec::route::Rule>() <= 480);
    assert!(size_of::<crate::model::Rule>() <= 320);
    assert!(size_of::<weft_spec::assertion::Assertion>() <= 128);
    assert!(size_of::<weft_spec::service::Call>() <= 192);
}

#[test]
fn room_is_made_for_what_is_there() {
    let calls = "a: {}, b: {}, c: {}";
    let rules = "{to: a}, ".repeat(37);
    let text = format!(
        "weft: v1\nservices: {{s: {{protocol: http, calls: {{{calls}}}}}}}\nroutes: {{r: {{on: g/l, host: a.test, rules: [{rules}]}}}}\n"
    );
    let (files, found) = run(&[("a.yaml", &text)]);
    assert!(found.is_empty(), "{found:?}");
    let file = &files[0].1;
    let calls = &file.services.entries[0].1.value.calls.entries;
    assert_eq!((calls.len(), calls.capacity()), (3, 3));
    let rules = &file.routes.entries[0].1.value.rules;
    assert_eq!((rules.len(), rules.capacity()), (37, 37));
}
