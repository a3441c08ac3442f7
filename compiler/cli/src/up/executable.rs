//! Finds `weft-proxy`: the one that was named, or else the one beside `weft`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::proxies::NAME;

/// The proxy to start, which is of the version of this command.
///
/// # Errors
///
/// When there is none, or it is another version.
pub(super) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let found = match named {
        Some(path) => path.to_owned(),
        None => beside()?,
    };
    let version = version(&found)?;
    let own = env!("CARGO_PKG_VERSION");
    if version != own {
        bail!(
            "`{}` is version {version} and `weft` is {own}; install both together, or name another one by `--proxy`",
            found.display()
        );
    }
    Ok(found)
}

/// The one in the folder where this command was found, or in the one where it is if a link led there.
fn beside() -> anyhow::Result<PathBuf> {
    let called = std::env::args_os()
        .next()
        .map(PathBuf::from)
        .unwrap_or_default();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = Vec::new();
    if 1 < called.components().count() {
        folders.extend(called.parent().map(Path::to_owned));
    } else {
        // A shell has looked there for this command.
        let on_path = std::env::split_paths(&paths).find(|folder| folder.join(&called).is_file());
        folders.extend(on_path);
    }
    let own = std::env::current_exe().ok();
    folders.extend(own.as_deref().and_then(Path::parent).map(Path::to_owned));
    folders.dedup();
    let mut candidates = folders.iter().map(|folder| folder.join(NAME));
    if let Some(found) = candidates.find(|path| path.is_file()) {
        return Ok(found);
    }
    let looked: Vec<String> = folders
        .iter()
        .map(|folder| format!("`{}`", folder.display()))
        .collect();
    bail!(
        "no `{NAME}` beside `weft`, in {}: install it there, or name it by `--proxy PATH` (in the repository, `cargo build --bin {NAME}` makes it)",
        looked.join(" or ")
    );
}

fn version(path: &Path) -> anyhow::Result<String> {
    use std::os::unix::process::CommandExt as _;
    if path.is_dir() {
        bail!(
            "`{}` is a folder: name the program in it, `--proxy {}`",
            path.display(),
            path.join(NAME).display()
        );
    }
    let output = Command::new(path)
        .arg0(NAME)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{}`", path.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.strip_prefix(NAME).map(str::trim);
    let Some(version) = version else {
        bail!("`{}` is no `{NAME}`", path.display());
    };
    Ok(version.to_owned())
}
