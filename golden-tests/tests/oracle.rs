//! The oracle of `golden-tests/oracle` finds nothing wrong: verdicts and running proxies do what the manual says.
//!
//! It is written in Python from the manual alone. Without Python or `PyYAML` it is skipped with a line that says so; with
//! `CI=true` that is a failure. `golden-tests/oracle/README.md` says how to run it at its large size.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use weft_golden_tests::programs::{self, Need};

/// Runs the oracle with these words, and gives its closing line and whether it agreed.
fn oracle(words: &[&str]) -> Option<(bool, String)> {
    let needs = [Need::Python("yaml"), Need::Program("openssl", "version")];
    if programs::is_missing(&needs).unwrap() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["weft", "weft-proxy"] {
        symlink(env!("CARGO_BIN_EXE_weft-tested"), folder.path().join(name)).unwrap();
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    let output = Command::new("python3")
        .args(["-B", "-m", "oracle", "--weft"])
        .arg(folder.path().join("weft"))
        .arg("--proxy")
        .arg(folder.path().join("weft-proxy"))
        .arg("--out")
        .arg(kept)
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    Some((output.status.success(), said))
}

#[test]
fn verdicts_and_proxies_do_what_the_manual_says() {
    let Some((agrees, said)) = oracle(&[]) else {
        return;
    };
    assert!(agrees, "{said}");
    assert!(said.contains(": 0 wrong"), "{said}");
}

#[test]
fn a_wrong_manual_would_be_noticed() {
    // Some are noticed by few pairs: these are among them.
    let each = [
        ("hosts", "0", "12"),
        ("paths", "0", "12"),
        ("deny", "0", "12"),
        ("retry", "0", "12"),
        ("kinds", "0", "12"),
        ("owners", "0", "12"),
        ("governs", "0", "12"),
        ("nameless", "0", "12"),
        ("unrouted", "25", "1"),
        ("places", "86", "1"),
    ];
    for (wrong, first, number) in each {
        let size = ["--specs", number, "--pairs", number, "--requests", "600"];
        let words = [
            &["--sabotage", wrong, "--first", first, "--wire", "2"],
            &size[..],
        ];
        let words = words.concat();
        let Some((agrees, said)) = oracle(&words) else {
            return;
        };
        assert!(
            !agrees,
            "an oracle that turns meanings round agrees ({wrong}): {said}"
        );
    }
}
