//! What became of tests, for machines: `JUnit` for build servers, SARIF for code scanners, workflow commands for GitHub.
//!
//! `JUnit` has no standard of its own; what is written here is what Jenkins, GitLab and GitHub's reporters read: `testsuites`, `testsuite`,
//! `testcase` with `failure`, `skipped` or `error`. Source: llg.cubic.org/docs/junit, "`JUnit` XML reporting file format".

use weft_front::diagnostic::command_at;
use weft_front::sarif::{SarifLevel, SarifLocation, SarifRegion, SarifResult, SarifRule, log};
use weft_front::source::Sources;
use weft_front::text::visible;
use weft_tell::tests::{TestReport, TestResult};

use super::calls::place;

/// The rule of SARIF for a test that failed.
const FAILED: &str = "failed-test";

/// One suite, with a case for each test and each assertion; `skipped` are those that a proxy cannot be asked.
pub(super) fn junit(
    report: &TestReport,
    skipped: &[(String, String)],
    sources: &Sources,
) -> String {
    let mut cases = Vec::new();
    for result in &report.results {
        let why = skipped.iter().find(|(name, _)| *name == result.name);
        let end = match why {
            Some((_, why)) => format!("<skipped message=\"{}\"/>", xml(why)),
            None if result.has_passed() => String::new(),
            None => format!(
                "<failure message=\"{}\">{}</failure>",
                xml(result.failures.first().map_or("", String::as_str)),
                xml(&result.failures.join("\n"))
            ),
        };
        let (file, line) = file_and_line(result, sources);
        let more = format!(" file=\"{}\" line=\"{line}\"", xml(&file));
        cases.push(case("tests", (&result.name, &more), &end));
    }
    for (name, is_proved) in &report.assertions {
        let end = if *is_proved {
            ""
        } else {
            "<skipped message=\"not proved\"/>"
        };
        cases.push(case("assertions", (name, ""), end));
    }
    let failed = report.results.iter().filter(|one| !one.has_passed());
    let idle = skipped.len()
        + report
            .assertions
            .iter()
            .filter(|(_, proved)| !proved)
            .count();
    suite(&cases, [failed.count(), 0, idle])
}

/// A suite of a spec that is rejected, so that no test could run.
pub(super) fn rejected(findings: &str) -> String {
    let end = format!(
        "<error message=\"the spec is rejected\">{}</error>",
        xml(findings)
    );
    suite(&[case("tests", ("spec", ""), &end)], [0, 1, 0])
}

fn suite(cases: &[String], [failures, errors, skipped]: [usize; 3]) -> String {
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"",
        cases.len()
    );
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
         <testsuite name=\"weft\" {counts} skipped=\"{skipped}\">\n{}  </testsuite>\n</testsuites>\n",
        cases.concat()
    )
}

fn case(class: &str, (name, more): (&str, &str), end: &str) -> String {
    let head = format!(
        "    <testcase classname=\"{class}\" name=\"{}\"{more}",
        xml(name)
    );
    if end.is_empty() {
        format!("{head}/>\n")
    } else {
        format!("{head}>{end}</testcase>\n")
    }
}

/// A result for each test that failed.
pub(super) fn sarif(report: &TestReport, sources: &Sources) -> String {
    let rule = SarifRule::new(FAILED, "A test of the spec that fails.", SarifLevel::Error);
    let results = failed(report).map(|result| {
        let (file, line) = file_and_line(result, sources);
        SarifResult {
            locations: vec![SarifLocation::new(&file, SarifRegion::line(line), "")],
            ..SarifResult::new(FAILED, SarifLevel::Error, &words(result)).of_rule(0)
        }
    });
    let coverage = &report.coverage.rules;
    let properties = serde_json::json!({
        "tests": report.results.len(),
        "rulesSeen": coverage.covered,
        "rules": coverage.all,
    });
    log(vec![rule], results.collect(), Some(properties))
}

/// A command for each test that failed.
pub(super) fn github(report: &TestReport, sources: &Sources) -> String {
    let command = |result: &TestResult| {
        let place = place(result.place, sources);
        command_at("error", Some(&place), FAILED, &words(result))
    };
    failed(report).map(command).collect()
}

fn failed(report: &TestReport) -> impl Iterator<Item = &TestResult> {
    report.results.iter().filter(|result| !result.has_passed())
}

fn words(result: &TestResult) -> String {
    let failures = result.failures.join("\n");
    format!("test `{}` fails\n{failures}", result.name)
}

fn file_and_line(result: &TestResult, sources: &Sources) -> (String, usize) {
    let line = sources.line(result.place).unwrap_or(1);
    (sources.shown_path(result.place.file), line)
}

/// Text in XML. Controls are no characters of XML 1.0, section 2.2, and stand replaced already.
fn xml(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_users_is_text_in_xml() {
        assert_eq!(xml("a<b>\"&\u{1b}"), "a&lt;b&gt;&quot;&amp;\u{fffd}");
        let suite = rejected("]]> <failure/>");
        assert!(suite.contains("]]&gt; &lt;failure/&gt;"), "{suite}");
        assert!(suite.contains("tests=\"1\" failures=\"0\" errors=\"1\""));
    }
}
