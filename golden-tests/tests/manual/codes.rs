//! `codes.md`: every kind of finding, and every class of a change.

use std::fmt::Write as _;

use weft_check::rules::ownership::harm::accepted_by;
use weft_front::diagnostic::{Code, Severity};
use weft_front::settings::risk::Risk;
use weft_tell::explain;

use super::{WRITTEN, is_as_written};

#[test]
fn every_code_and_class_is_on_its_page() {
    let codes = explain::all();
    let mut page = format!(
        "# Findings and classes of changes\n\n\
         What `weft explain CODE` says, on one page; {WRITTEN}. An error keeps a snapshot from being built, a warning does not, and a remark is shown\n\
         with `--info`. A code is never renamed and never used for something else.\n\n\
         Each example is a whole spec, and a test compiles it: the wrong one has the finding, the right one has not.\n\n"
    );
    for (title, severity) in [
        ("Errors", Severity::Error),
        ("Warnings", Severity::Warning),
        ("Remarks", Severity::Info),
    ] {
        let named = codes.iter().filter(|code| code.severity == severity);
        let links: Vec<String> = named
            .map(|code| format!("[`{0}`](#{0})", code.name))
            .collect();
        write!(page, "{title}: {}.\n\n", links.join(", ")).unwrap();
    }
    page.push_str("## Findings\n");
    for code in &codes {
        finding(code, &mut page);
    }
    page.push_str(
        "\n## Classes of changes\n\nHow `weft diff` judges a change, from the gravest to the lightest.\n",
    );
    for risk in Risk::ALL {
        let approval = if risk.can_be_approved() {
            "`--approved-by` the owners of what is touched accepts it."
        } else {
            "`--approved-by` does not accept it; `--max-risk` decides."
        };
        let (name, meaning, examples) = (risk.name(), risk.meaning(), risk.examples());
        write!(
            page,
            "\n### {risk:?} {name}\n\n{meaning} {approval}\n\n```text\n{}\n```\n",
            examples.trim_end()
        )
        .unwrap();
    }
    is_as_written("codes.md", &page);
}

fn finding(code: &Code, page: &mut String) {
    let level = match code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "remark",
    };
    write!(
        page,
        "\n### {}\n\n*{level}.* {} {}\n\n{}\n\n```yaml\n# wrong\n{}\n```\n\n```yaml\n# right\n{}\n```\n",
        code.name,
        code.finds,
        code.why,
        accepted_by(code),
        code.bad.trim_end(),
        code.good.trim_end(),
    )
    .unwrap();
}
