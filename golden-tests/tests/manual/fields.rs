//! The fields of the access log in `logs.md`, from the type that is written.

use std::fmt::Write as _;
use std::fs;

use super::{cell, is_as_written, root};

const BEGIN: &str = "<!-- fields -->\n";
const END: &str = "<!-- end of fields -->\n";

#[test]
fn every_field_of_the_access_log_is_on_its_page() {
    let source = fs::read_to_string(root().join("runtime/src/access_log/line.rs")).unwrap();
    let (_, rest) = source.split_once("struct Line").unwrap();
    let (fields, _) = rest.split_once("\n}\n").unwrap();
    let mut table = "| field | is |\n|---|---|\n".to_owned();
    let mut described = String::new();
    for line in fields.lines().skip(1).map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            described.push_str(text);
        } else if let Some((name, _)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
            assert!(!described.is_empty(), "`{name}` is not described");
            writeln!(table, "| `{name}` | {} |", cell(&described)).unwrap();
            described.clear();
        }
    }
    assert!(20 < table.lines().count());
    let page = fs::read_to_string(root().join("docs/logs.md")).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    is_as_written("logs.md", &format!("{before}{BEGIN}{table}{END}{after}"));
}
