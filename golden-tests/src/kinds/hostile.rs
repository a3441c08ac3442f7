//! `hostile`: what commands say of repositories and folders that somebody hostile has prepared.
//!
//! `steps.sh` makes them in an empty folder and asks; `expected.txt` is all that is printed, to the letter. No step reads a
//! secret or harms anything: what must not be opened is a file of the case, and what must not run leaves a mark.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::expectation;
use crate::folder::Case;

/// So many digits of a commit are shown.
const DIGITS: usize = 12;

/// What every `steps.sh` may use.
const PRELUDE: &str = r#"
set -euo pipefail
exec 2>&1
umask 022

# Shows a command, runs it for 30 s at most, and says how it ended.
say() {
    local code=0
    echo "\$ $*"
    timeout 30 "$@" || code=$?
    echo "= $code"
    echo
}

# Writes a spec with one route to a service at a port into a folder.
spec() {
    mkdir -p "$1"
    cat >"$1/mesh.yaml" <<YAML
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {cart: {protocol: http, mtls: disabled, tls: {verify: cart.example, roots: /etc/weft/roots.pem}, endpoints: ["$2"]}}
routes: {api: {on: public/web, host: "*", rules: [{path: /cart/**, to: cart}]}}
YAML
}

# Commits everything.
commit() {
    git add --all
    git commit --quiet --message "$1"
}
"#;

/// Runs the steps and compares what they print.
pub(super) fn run(case: &Case, executable: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().canonicalize()?;
    let (bin, home) = (folder.join("bin"), folder.join("work"));
    fs::create_dir(&bin)?;
    fs::create_dir(&home)?;
    symlink(executable, bin.join("weft"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
    let output = Command::new("bash")
        .args(["-c", &format!("{PRELUDE}{}", case.text("steps.sh")?)])
        .current_dir(&home)
        .env_clear()
        .env("PATH", std::env::join_paths(paths)?)
        .env("HOME", &home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "somebody")
        .env("GIT_AUTHOR_EMAIL", "somebody@shop.example")
        .env("GIT_AUTHOR_DATE", "2026-11-30T00:00:00Z")
        .env("GIT_COMMITTER_NAME", "somebody")
        .env("GIT_COMMITTER_EMAIL", "somebody@shop.example")
        .env("GIT_COMMITTER_DATE", "2026-11-30T00:00:00Z")
        .stdin(Stdio::null())
        .output()
        .context("running bash")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.replace(&*home.to_string_lossy(), "{{ folder }}");
    let said = without_commits(&said);
    let end = if output.status.success() {
        String::new()
    } else {
        format!("the steps ended with {}\n", output.status)
    };
    expectation::is_as_in(&case.path.join("expected.txt"), &format!("{said}{end}"))
}

/// The text without the names of commits, which depend on the version of `git` where a repository is part of another one.
fn without_commits(text: &str) -> String {
    let mut parts = text.split("commit ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let rest = part.get(digits..).filter(|_| digits == DIGITS);
        shown.push_str("commit ");
        match rest {
            Some(rest) => shown.extend(["{{ commit }}", rest]),
            None => shown.push_str(part),
        }
    }
    shown
}
