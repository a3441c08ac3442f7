//! Bounds on what one run says.

use super::*;

static CODE: Code = Code {
    name: "wrong",
    severity: Severity::Error,
    finds: "",
    why: "",
    bad: "",
    good: "",
};

fn finding(file: u32, at: usize) -> Diagnostic {
    let at = u32::try_from(at).unwrap();
    Diagnostic::new(&CODE, Span::new(FileId(file), at, at), "wrong")
}

#[test]
fn findings_of_a_file_are_capped_and_counted() {
    let mut all = Diagnostics::default();
    let mut others = Diagnostics::default();
    others.extend((0..5 * MAX_FINDINGS).map(|at| finding(1, at)));
    others.push(finding(1, 1_000_000).as_warning());
    all.push(finding(0, 0));
    all.append(others);
    assert!(all.is_full(FileId(1)) && !all.is_full(FileId(0)) && all.is_cut());

    let found = all.sorted();

    assert_eq!(found.len(), 1 + MAX_FINDINGS + 2);
    let says = |text: &str| found.iter().filter(|found| found.message == text).count();
    assert_eq!(
        says("there are 1000 mistakes in this file; 200 are shown"),
        1
    );
}

#[test]
fn findings_of_many_files_are_capped_and_counted() {
    let mut all = Diagnostics::default();
    for file in 0..20_000 {
        let mut of_file = Diagnostics::of_one_of(20_000);
        of_file.extend((0..40).map(|at| finding(file, at)));
        assert!(of_file.each().count() < 10);
        all.append(of_file);
    }
    assert!(all.has_errors());

    let found = all.sorted();

    assert!(found.len() <= 2 * MAX_ALL_FINDINGS + MAX_FINDINGS + 1);
    let says = |text: &str| found.iter().filter(|found| found.message == text).count();
    assert_eq!(
        says("there are 40 mistakes in this file; 5 are shown"),
        MAX_FINDINGS
    );
    assert_eq!(says("of 19800 more files not everything is shown"), 1);
}

#[test]
fn a_text_of_a_finding_is_cut() {
    let mut all = Diagnostics::default();
    let long = "k".repeat(1 << 20);
    all.push(
        finding(0, 0)
            .saying(long.clone())
            .label(Span::new(FileId(0), 0, 0), long.clone())
            .note(long.clone())
            .help(long.clone())
            .edit(Span::new(FileId(0), 0, 0), long),
    );
    let size = format!("{:?}", all.sorted()).len();
    assert!(size < 10_000, "{size}");
}

#[test]
fn words_are_looked_for_only_if_they_are_kept() {
    let mut all = Diagnostics::default();
    let mut asked = 0;
    for at in 0..5 * MAX_FINDINGS {
        all.push_with((FileId(0), CODE.severity), || {
            asked += 1;
            finding(0, at)
        });
    }
    assert_eq!(asked, MAX_FINDINGS);
    let found = all.sorted();
    let says = "there are 1000 mistakes in this file; 200 are shown";
    assert!(found.iter().any(|found| found.message == says));
}
