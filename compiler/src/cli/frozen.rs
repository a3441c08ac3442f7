//! Reads the snapshots that a spec compares itself with.

use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_snapshot::limits;
use weft_snapshot::plan::NodePlan;

use super::store;
use crate::ReadSnapshots;
use crate::why::Snapshot;

/// A reader of snapshots whose folders are named from the folder of a spec.
pub(super) fn snapshots(spec: &Path) -> ReadSnapshots {
    let folder = if spec.is_dir() {
        spec.to_owned()
    } else {
        spec.parent().map(PathBuf::from).unwrap_or_default()
    };
    ReadSnapshots(Box::new(move |name| {
        read(&folder.join(name)).map_err(|error| format!("{error:#}"))
    }))
}

fn read(dist: &Path) -> anyhow::Result<Vec<NodePlan>> {
    let Some(stored) = store::read(dist)? else {
        bail!("there is none at `{}`", dist.display());
    };
    // Somebody relies on what is compared, so every digest is verified.
    let blob = |digest: &_| store::blob(dist, *digest, limits::SLICE_BYTES).ok();
    Ok(Snapshot::read(&stored.manifest, blob)?.plans())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::cli::Verdict;
    use crate::cli::tests::{build, path, replace, started, weft};

    #[test]
    fn what_is_frozen_keeps_to_its_snapshot() {
        let folder = started();
        let (spec, file) = (path(&folder, "spec"), "spec/services/hello.yaml");
        assert_eq!(build(&folder), Ok(Verdict::Clean));
        let more = "assert: [{name: frozen, same: {for: {host: hello.example}, as: ../dist}}]\n\
            tests: [{name: alike, forall: {host: hello.example}, sameAs: ../dist}]\n";
        let text = fs::read_to_string(path(&folder, file)).unwrap();
        fs::write(path(&folder, file), text + more).unwrap();
        assert_eq!(weft(&["check", &spec]), Ok(Verdict::Clean));
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Clean));
        let dist = path(&folder, "other");
        let built = weft(&["build", &spec, "-o", &dist]);
        assert_eq!(built, Ok(Verdict::Clean));
        replace(
            &folder,
            file,
            "timeout: {request: 2s}",
            "timeout: {request: 3s}",
        );
        assert_eq!(weft(&["check", &spec]), Ok(Verdict::Rejected));
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
        assert_eq!(weft(&["build", &spec, "-o", &dist]), Ok(Verdict::Rejected));
        // A test alone fails, and one without its snapshot as well.
        let assertion = more.split('\n').next().unwrap();
        replace(&folder, file, assertion, "");
        assert_eq!(weft(&["check", &spec]), Ok(Verdict::Clean));
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
        replace(
            &folder,
            file,
            "timeout: {request: 3s}",
            "timeout: {request: 2s}",
        );
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Clean));
        replace(&folder, file, "sameAs: ../dist", "sameAs: ../gone");
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
        replace(&folder, file, "sameAs: ../gone", "expect: {}");
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
    }
}
