//! Every shape error of a document in one run, in the user's words.

use weft_spec::{File, FileId};

use super::*;
use crate::diagnostic::Severity;
use crate::parse::yaml;

fn run(text: &str) -> (Option<File>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let file = yaml::read(FileId(0), text, &mut diagnostics)
        .first()
        .and_then(|tree| decode(tree, &Values::default(), &mut diagnostics));
    (file, diagnostics.sorted())
}

/// Each finding as `code at "written": message`.
fn shown(text: &str) -> Vec<String> {
    let (_, found) = run(text);
    let show = |found: &Diagnostic| {
        let span = found.primary.span;
        let written = text.get(span.bytes()).unwrap();
        format!("{} at `{written}`: {}", found.code.name, found.message)
    };
    found.iter().map(show).collect()
}

fn only(text: &str) -> Diagnostic {
    let (_, mut found) = run(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn every_mistake_of_a_document_comes_in_one_run() {
    let text = "
weft: v1
mesh: {name: 17, trustDomain: shop.example, mtls: strickt}
services:
  orders:
    protocol: htpp
    app: localhost
    endpoints: [\"10.0.1.5\", \"10.0.1.6:80\"]
    tiemout: {request: 2s}
    timeout: {request: 2 s, idle: 5m}
    allow:
      - {from: [gateway/public], methods: [get]}
      - {from: gateway/public}
  payments:
    app: 127.0.0.1:80
";
    assert_eq!(
        shown(text),
        [
            "wrong-type at `17`: expected a text, found the number `17`",
            "bad-value at `strickt`: `strickt` is not one of `strict`, `permissive` and `disabled`",
            "bad-value at `htpp`: `htpp` is not one of `http`, `http2` and `grpc`",
            "bad-value at `localhost`: `localhost` is not an address with a port such as `127.0.0.1:8080`",
            "bad-value at `\"10.0.1.5\"`: `10.0.1.5` is not an address with a port such as `127.0.0.1:8080`",
            "unknown-field at `tiemout`: unknown field `tiemout`",
            "bad-value at `2 s`: `2 s` is not a duration such as `800ms`, `2s`, `5m` or `1h`",
            "bad-value at `get`: methods are case-sensitive: write `GET`",
            "wrong-type at `gateway/public`: expected a list, found the text `gateway/public`",
            "missing-field at `payments`: `payments` needs the field `protocol`",
        ]
    );
}

#[test]
fn what_is_right_is_kept() {
    let (file, found) =
        run("weft: v1\nservices: {a: {protocol: http, team: 1}, b: {protocol: grpc}}\n");
    assert_eq!(found.len(), 1);
    let names: Vec<String> = file
        .unwrap()
        .services
        .iter()
        .map(|(name, _)| name.value.clone())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_misspelt_field_comes_with_the_nearest_known_one() {
    let found = only("weft: v1\nmesh: {name: a, trustDomian: a.example}\n");
    assert_eq!(found.help.as_deref(), Some("did you mean `trustDomain`?"));
    assert_eq!(found.edits[0].replacement, "trustDomain");
}

#[test]
fn a_misspelt_word_comes_with_the_nearest_known_one() {
    let found = only("weft: v1\nmesh: {name: a, trustDomain: a.example, mtls: strit}\n");
    assert_eq!(found.edits[0].replacement, "strict");
}

#[test]
fn all_missing_fields_are_named() {
    let text = "weft: v1\ngateways: {public: {listeners: {web: {}}}}\n";
    assert_eq!(
        shown(text),
        [
            "missing-field at `web`: `web` needs the field `port`",
            "missing-field at `web`: `web` needs the field `protocol`",
        ]
    );
}

#[test]
fn a_file_without_a_version_is_told_how_to_start() {
    let found = only("mesh: {name: a, trustDomain: a.example}\n");
    assert_eq!(found.code.name, "missing-field");
    assert_eq!(found.edits[0].replacement, "weft: v1\n");
}

#[test]
fn another_version_is_its_own_finding() {
    let found = only("weft: v2\nmesh: {name: a, trustDomain: a.example}\n");
    assert_eq!(found.code.name, "unknown-version");
}

#[test]
fn numbers_out_of_range_say_the_range() {
    let listener = |port: &str| {
        format!(
            "weft: v1\ngateways: {{p: {{listeners: {{w: {{port: {port}, protocol: http}}}}}}}}\n"
        )
    };
    let found = only(&listener("70000"));
    assert_eq!(
        found.message,
        "expected a whole number from 1 to 65535, found the number `70000`"
    );
    assert_eq!(found.code.name, "bad-value");
    let found = only(&listener("\"8443\""));
    assert_eq!(found.help.as_deref(), Some("remove the quotes"));
    assert_eq!(found.edits[0].replacement, "8443");
    assert_eq!(only(&listener("0755")).code.name, "wrong-type");
}

#[test]
fn an_empty_value_is_told_to_go() {
    let found = only("weft: v1\nroutes:\n");
    assert_eq!(
        found.message,
        "expected a mapping from names to definitions, found nothing"
    );
}

#[test]
fn a_text_that_looks_like_a_number_is_told_to_take_quotes() {
    let found = only("weft: v1\nmesh: {name: true, trustDomain: a.example}\n");
    assert_eq!(found.edits[0].replacement, "\"true\"");
}

#[test]
fn shapes_with_several_forms_name_them_all() {
    let rule = |rule: &str| {
        format!("weft: v1\nroutes: {{r: {{on: p/w, host: a.example, rules: [{rule}]}}}}\n")
    };
    assert_eq!(
        shown(&rule("{path: [a], to: s}")),
        ["wrong-type at `[a]`: expected a path such as `/a/**`, or `{regex: …}`, found a list"]
    );
    assert_eq!(
        shown(&rule("{path: {regexp: a}, to: s}")),
        ["unknown-field at `regexp`: unknown field `regexp`"]
    );
    assert_eq!(
        shown(&rule("{headers: {a: {present: false}}, to: s}")),
        ["bad-value at `a`: `present: false` says nothing"]
    );
    assert_eq!(
        shown(&rule("{path: {regex: 1}, to: s}")),
        ["wrong-type at `1`: expected a text, found the number `1`"]
    );
    assert!(shown(&rule("{headers: {a: \"1\", b: x}, to: {s: 90%, t: 10%}}")).is_empty());
}

#[test]
fn rules_that_are_wrong_are_left_out_alone() {
    let text = "weft: v1\nroutes: {r: {on: p/w, host: a.example, rules: [{to: 1}, {to: s}, {methods: [1, GET], to: s}]}}\n";
    let (file, found) = run(text);
    assert_eq!(found.len(), 2);
    let file = file.unwrap();
    let rules = &file.routes.entries[0].1.value.rules;
    assert_eq!(rules.len(), 3);
    assert_eq!(rules[2].value.methods.len(), 1);
}

#[test]
fn a_mistake_at_many_places_costs_a_round_and_not_one_each() {
    let many: Vec<String> = (0..2_000)
        .map(|number| format!("  s{number}: {{protocol: x}}\n"))
        .collect();
    let many = many.concat();
    let (_, found) = run(&format!("weft: v1\nservices:\n{many}"));
    let told = found.iter().find(|found| found.code.name == "too-large");
    assert_eq!(
        told.map(|found| found.message.as_str()),
        Some("there are 2000 mistakes in this file; 200 are shown")
    );
    assert_eq!(found.len(), 201);
    let rules = "{to: s, methods: [get]}, {to: 1}, ".repeat(500);
    let text = format!("weft: v1\nroutes: {{r: {{on: p/w, host: a.example, rules: [{rules}]}}}}\n");
    let told = run(&text)
        .1
        .into_iter()
        .find(|found| found.code.name == "too-large");
    let told = told.map(|found| found.message).unwrap_or_default();
    assert_eq!(told, "there are 1000 mistakes in this file; 200 are shown");
}

#[test]
fn the_number_of_rounds_is_bounded() {
    // Each step of a test is another level, and a level is read again for each mistake in it.
    let fields = "timeout: {request: x, backendRequest: x, connect: x, idle: x}, retry: {attempts: x, on: x, budget: x, idempotent: x}";
    let (_, found) = run(&format!(
        "weft: v1\nservices: {{s: {{protocol: http, {fields}}}}}\n"
    ));
    assert_eq!(found.len(), 8, "{found:?}");
}

proptest::proptest! {
    #[test]
    fn no_tree_breaks_the_decoder(text in "(weft: v1\n)?((mesh|routes|services|gateways|a|b): ?([\\[\\]{},:a-z0-9 \"-]{0,20})\n){0,6}") {
        run(&text);
    }
}

#[test]
fn a_list_within_a_definition_has_a_longest_length() {
    let text = |count: usize| {
        let hosts = vec!["a"; count].join(", ");
        format!("weft: v1\nservices:\n  s: {{protocol: http, allow: [{{from: [{hosts}]}}]}}\n")
    };
    let (_, found) = run(&text(4_097));
    assert_eq!(
        found
            .iter()
            .map(|found| found.message.as_str())
            .collect::<Vec<_>>(),
        ["`from` has 4097 entries; at most 4096 are read"]
    );
}

#[test]
fn unknown_fields_are_counted_and_told_once_each() {
    let keys: Vec<String> = (0..10_000)
        .map(|number| format!("key{number}: 1\n"))
        .collect();
    let keys = keys.concat();
    let (_, found) = run(&format!("weft: v1\n{keys}"));
    assert_eq!(found.len(), 201);
    assert_eq!(
        found.first().map(|found| found.message.as_str()),
        Some("there are 10000 mistakes in this file; 200 are shown")
    );
}

/// What is found in a rule with this text in place of a header's value.
fn of_header(value: &str) -> Vec<Diagnostic> {
    let rules = format!("{{headers: {{a: {value}}}, to: s}}");
    run(&format!(
        "weft: v1\nroutes: {{r: {{on: p/w, host: a.example, rules: [{rules}]}}}}\n"
    ))
    .1
}

#[test]
fn a_text_that_is_a_number_elsewhere_is_refused_without_quotes() {
    for text in [
        "1.10",
        "01234",
        "0x1F",
        "1e3",
        "1_000",
        "12:30",
        "-0",
        "9007199254740993",
        "1",
        "true",
        "null",
    ] {
        let found = of_header(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].severity, Severity::Error, "{text}");
        assert_eq!(found[0].edits[0].replacement, format!("\"{text}\""));
        assert!(of_header(&format!("\"{text}\"")).is_empty(), "{text}");
    }
}

#[test]
fn a_text_that_is_a_word_or_a_day_elsewhere_is_warned_of() {
    for text in ["yes", "No", "off", "y", "2026-12-31"] {
        let found = of_header(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].code.name, "unquoted-word", "{text}");
        assert_eq!(found[0].severity, Severity::Warning, "{text}");
        assert_eq!(found[0].edits[0].replacement, format!("\"{text}\""));
        assert!(of_header(&format!("\"{text}\"")).is_empty(), "{text}");
    }
}

#[test]
fn names_without_quotes_are_texts_too() {
    let text = "weft: v1\nservices: {no: {protocol: http}, 1.0: {protocol: http}, 404: {protocol: http}}\n";
    assert_eq!(
        shown(text),
        [
            "unquoted-word at `no`: `no` is a text here and a boolean to other YAML tools",
            "unquoted-number at `1.0`: `1.0` is a text here and a number to other YAML tools",
        ]
    );
}

#[test]
fn words_and_days_of_the_language_need_no_quotes() {
    let text = "weft: v1\nservices: {s: {protocol: http, keepAlive: off, retry: {on: [reset], budget: off}, mtls: permissive, until: 2026-12-31}}\nroutes: {r: {on: p/w, host: a.example, rules: []}}\n";
    assert!(shown(text).is_empty(), "{:?}", shown(text));
}

#[test]
fn a_text_is_told_once_although_the_document_is_decoded_again() {
    let text = "weft: v1\nmesh: {name: yes, trustDomain: a.example, mtls: strit}\nservices: {s: {protocol: x}}\n";
    let words = shown(text);
    let unquoted = words
        .iter()
        .filter(|words| words.starts_with("unquoted-word"));
    assert_eq!(unquoted.count(), 1, "{words:?}");
}

/// What is offered for a value of a service.
fn help_of(field: &str, value: &str) -> String {
    let found = only(&format!(
        "weft: v1\nservices: {{s: {{protocol: http, {field}: {value}}}}}\n"
    ));
    found.help.unwrap_or_default()
}

#[test]
fn an_address_that_is_nearly_one_says_what_to_write() {
    for (app, help) in [
        ("localhost:8080", "write `127.0.0.1:8080`"),
        ("\":8080\"", "write `127.0.0.1:8080`"),
        ("http://10.0.0.1:80/", "write `10.0.0.1:80`"),
        (
            "8080x",
            "write an address and its port: `127.0.0.1:8080`, or `[::1]:8080`",
        ),
        ("10.0.0.1", "add the port behind a `:`"),
        (
            "orders:8080",
            "the sidecar reaches its process on the same machine: write `127.0.0.1:8080`",
        ),
    ] {
        assert_eq!(help_of("app", app), help, "{app}");
    }
}

#[test]
fn numbers_are_told_the_range_that_is_checked() {
    for (field, value, range) in [
        ("retry", "{attempts: 256}", "1 to 10"),
        ("maxInFlight", "5000000000", "1 to 1000000"),
        ("calls", "{a: {fanOut: -1}}", "1 to 1000"),
    ] {
        let text = format!("weft: v1\nservices: {{s: {{protocol: http, {field}: {value}}}}}\n");
        let message = only(&text).message;
        assert!(
            message.starts_with(&format!("expected a whole number from {range}, found")),
            "{message}"
        );
    }
}

#[test]
fn variables_of_a_shell_are_told_of_values() {
    for (field, value) in [
        ("app", "\"${APP}\""),
        ("maxInFlight", "\"${MAX}\""),
        ("protocol", "\"${PROTOCOL:-http}\""),
    ] {
        let text = format!("weft: v1\nservices: {{s: {{{field}: {value}}}}}\n");
        let help = run(&text)
            .1
            .into_iter()
            .filter_map(|found| found.help)
            .find(|help| help.contains("--values"));
        assert!(help.is_some_and(|help| help.contains("\"{{ ")), "{field}");
    }
    let text = "weft: v1\nservices: {s: {protocol: http, team: \"${TEAM}\"}}\n";
    assert_eq!(only(text).code.name, "literal-variable");
}

#[test]
fn words_of_other_products_are_answered() {
    let rule = |rule: &str| {
        let rules =
            format!("weft: v1\nroutes: {{r: {{on: p/w, host: a.example, rules: [{rule}]}}}}\n");
        let found = only(&rules);
        let answer = found
            .notes
            .first()
            .cloned()
            .or(found.help)
            .unwrap_or_default();
        assert!(
            answer.starts_with("Weft calls it ") || answer.starts_with("Weft has none, because "),
            "{answer}"
        );
        answer
    };
    assert!(rule("{pathPrefix: /a, to: s}").contains("`path: /orders/**`"));
    assert!(rule("{proxy_pass: x}").contains("`to: orders`"));
    assert!(rule("{retries: 3, to: s}").contains("`retry"));
    assert!(rule("{cors: {}, to: s}").contains("headers"));
    assert!(rule("{path: {prefix: /a}, to: s}").contains("/**"));
    assert!(rule("{retry: {perTryTimeout: 1s}, to: s}").contains("backendRequest"));
    assert!(rule("{retry: {on: [gateway-error]}, to: s}").contains("`502`"));
}

/// The text with the certain edits of its first finding made, if it has any.
fn mended(text: &str) -> Option<String> {
    let (_, found) = run(text);
    let first = found.first().filter(|one| !one.is_proposal)?;
    let [edit] = first.edits.as_slice() else {
        return None;
    };
    let mut mended = text.to_owned();
    mended.replace_range(edit.span.bytes(), &edit.replacement);
    Some(mended)
}

#[test]
fn a_mapping_or_list_takes_the_place_of_quotes() {
    let rule = |words: &str| {
        format!(
            "weft: v1\nroutes: {{r: {{listener: g/w, host: a.test, rules: [{{path: /, to: s, {words}}}]}}}}\n"
        )
    };
    for (written, meant) in [
        ("rewrite: \"/x\"", "rewrite: {path: /x}"),
        ("timeout: '5s'", "timeout: {request: 5s}"),
        ("query: \"a=b\"", "query: {a: \"b\"}"),
        ("methods: \"GET\"", "methods: [\"GET\"]"),
        ("retry: {on: 503}", "retry: {on: [503]}"),
        ("retry: {on: \"503\"}", "retry: {on: [\"503\"]}"),
    ] {
        assert_eq!(mended(&rule(written)), Some(rule(meant)), "{written}");
    }
    // What takes more than the value is left to a person.
    let block = "weft: v1\nservices:\n  s:\n    protocol: http\n    timeout: >-\n      2s\n";
    assert_eq!(mended(block), None);
    assert_eq!(mended(&rule("headers: {x-a: null}")), None);
}
