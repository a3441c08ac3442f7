//! The worked example of how statements are put together (`diff/statement.rs`).

use super::reported;

#[test]
fn statements_are_as_many_as_the_parts_of_an_edit() {
    let spec = |limit: &str, to: &str| {
        format!(
            r#"
weft: v1
mesh: {{name: m, trustDomain: m.example, mtls: disabled, defaults: {{timeout: {{request: {limit}}}}}}}
gateways: {{g: {{listeners: {{w: {{port: 80, protocol: http}}}}}}}}
services: {{old: {{protocol: http, endpoints: ["127.0.0.1:1"]}}, new: {{protocol: http, endpoints: ["127.0.0.1:2"]}}}}
routes:
  r:
    on: g/w
    host: "*"
    rules:
      - {{name: a, path: /a, to: old}}
      - {{name: b, path: /b, to: old}}
      - {{name: c, path: /c, to: {to}, timeout: {{request: 1s}}}}
"#
        )
    };
    let found = reported(&spec("15s", "old"), &spec("10s", "new"));
    let titles = found.statements.iter().map(|one| one.title.as_str());
    let titles: Vec<&str> = titles.collect();
    assert_eq!(
        titles,
        [
            "100% old -> 100% new",
            "timeout.request 15s -> timeout.request 10s, on 2 routes"
        ]
    );
}
