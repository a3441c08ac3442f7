//! `metrics.md`: every metric, as a running proxy shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tokio::runtime::Builder;
use weft_golden_tests::exchange::Ask;
use weft_golden_tests::folder::Case;
use weft_golden_tests::stand::{Options, Stand};

use super::{WRITTEN, cell, is_as_written, root};

/// More values of a label are those of a spec, or too many to read in a table.
const LISTED: usize = 8;

#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

#[test]
fn every_metric_is_on_its_page() {
    let families = families(&scraped());
    let mut page = format!(
        "# Metrics\n\n\
         What `/metrics` of the admin endpoint has, in the text format of OpenMetrics; {WRITTEN} from a running proxy. Counters end in `_total`, and begin\n\
         again at 0 with the process. Labels come from the spec and from fixed lists, never from requests: at most 1,000 routes have lines of\n\
         their own, those beyond share the label `other`.\n\n\
         | metric | kind | labels | is |\n|---|---|---|---|\n"
    );
    for (name, family) in &families {
        let end = if family.kind == "counter" {
            "_total"
        } else {
            ""
        };
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|(name, values)| label(name, values))
            .collect();
        let (kind, help) = (&family.kind, cell(&family.help));
        writeln!(
            page,
            "| `{name}{end}` | {kind} | {} | {help} |",
            labels.join("; ")
        )
        .unwrap();
    }
    page.push_str(ALERTS);
    is_as_written("metrics.md", &page);
}

const ALERTS: &str = "
Reasons of failed handshakes are explained in [TLS](tls.md), those of failed tries to reach an upstream in [reasons](reasons.md).

## What to alert on

| when | because |
|---|---|
| `weft_snapshot_stale == 1` for some minutes | a proxy refuses what was published and serves the last good snapshot; `weft_snapshot_refusals_total` and `/snapshot` say why |
| `weft_snapshot_generation` differs between proxies for some minutes | one of them does not get what is published |
| `weft_identity_expires_seconds` or `weft_certificate_expires_seconds` below a day | a rotation does not happen |
| `weft_clusters_without_addresses > 0` | a name never had an address, so its routes answer 503 |
| `weft_handshake_failures_total` grows, but for `nothing-sent` | peers or clients are refused |
| `weft_panics_total > 0` | each is a bug; please report it |
";

fn label(name: &str, values: &BTreeSet<String>) -> String {
    let is_from_spec = matches!(name, "route" | "le" | "certificate" | "node");
    if name == "class" {
        return "`class`: 1xx to 5xx, none".to_owned();
    }
    if is_from_spec || values.is_empty() {
        return format!("`{name}`");
    }
    if LISTED < values.len() {
        return format!("`{name}` ({} values)", values.len());
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    format!("`{name}`: {}", values.join(", "))
}

/// What a gateway with TLS says after a request.
fn scraped() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/peers/mesh");
    let case = Case {
        path,
        name: "peers/mesh".to_owned(),
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let executable = Path::new(env!("CARGO_BIN_EXE_weft-tested"));
    runtime.block_on(async {
        // What memory is about is shown where it is bounded.
        let options = Options {
            arguments: vec!["--max-memory".to_owned(), "1GiB".to_owned()],
            ..Options::default()
        };
        let stand = Stand::start_with(&case, executable, options).await.unwrap();
        let ask = Ask::read("gateway/public web: GET shop.example /").unwrap();
        let _answer = stand.ask(&ask).await.unwrap();
        stand.metrics("gateway/public").await.unwrap()
    })
}

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|it| it.split_once(' '))
        {
            name.clone_into(&mut current);
            help.trim_end_matches('.')
                .clone_into(&mut families.entry(current.clone()).or_default().help);
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        {
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
        } else if let Some((_, rest)) = line.split_once('{') {
            let labels = rest.split_once('}').map_or(rest, |(labels, _)| labels);
            let family = families.entry(current.clone()).or_default();
            for pair in labels.split("\",") {
                if let Some((name, value)) = pair.split_once("=\"") {
                    let value = value.trim_end_matches('"').to_owned();
                    family
                        .labels
                        .entry(name.to_owned())
                        .or_default()
                        .insert(value);
                }
            }
        }
    }
    families
}

#[test]
fn no_metric_of_the_source_is_missing() {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let folder = root().join("runtime/src/admin");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        for name in code.split("\"weft_").skip(1) {
            let name = name.split('"').next().unwrap();
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_name {
                count += 1;
                assert!(
                    page.contains(&format!("`weft_{name}`"))
                        || page.contains(&format!("`weft_{name}_total`")),
                    "weft_{name}"
                );
            }
        }
    }
    assert!(30 < count);
}
