//! Reads the snapshots that a spec compares itself with.

use std::path::Path;

use anyhow::bail;
use weft_front::ReadSnapshots;
use weft_snapshot::layout::{
    ChooseError, Descriptor, Digest, Index, Known, Reference, Which, check_layout, choose,
};
use weft_snapshot::limits;
use weft_snapshot::plan::NodePlan;
pub(crate) use weft_tell::why::Snapshot;

use super::reach::Reach;
use super::revision::{Found, Revision};
use super::{Context, stored};

/// A reader of snapshots whose folders are named from the folder of a spec.
pub(super) fn snapshots(reach: Reach) -> ReadSnapshots {
    ReadSnapshots(Box::new(move |name| {
        let place = stored::Place::named(&reach.folder().join(name));
        let dist = reach.path(place.dist());
        dist.and_then(|dist| read(&place.at(dist)))
            .map_err(|error| format!("{error:#}"))
    }))
}

/// The same of a spec in a revision: a snapshot inside the repository is that of the revision, and one outside is no part of it.
pub(super) fn snapshots_of(context: &Context, revision: &Revision, spec: &Path) -> ReadSnapshots {
    let beside = snapshots(Reach::new(spec, &context.also_read));
    let (revision, spec) = (revision.clone(), spec.to_owned());
    ReadSnapshots(Box::new(move |name| {
        let root = revision.path(&spec);
        let folder = match root.and_then(|root| revision.at(&root)) {
            Ok(Found::File(_)) => spec.parent().unwrap_or(Path::new("")),
            Ok(Found::Folder(_)) | Err(_) => spec.as_path(),
        };
        let named = folder.join(name);
        let is_there = |path: &Path| {
            let found = revision.path(path).and_then(|path| revision.at(&path));
            found.is_ok()
        };
        let Reference { dist, tag } = Reference::named(&named, is_there);
        match revision.path(dist) {
            Ok(dist) => {
                let which = tag.map_or(Which::Newest, Which::Tag);
                read_of(&revision, &dist, which).map_err(|error| format!("{error:#}"))
            }
            Err(_outside) => beside.0(name),
        }
    }))
}

fn read_of(revision: &Revision, dist: &str, which: Which<'_>) -> anyhow::Result<Vec<NodePlan>> {
    let file = |path: &str| match revision.at(&format!("{dist}/{path}"))? {
        Found::File(bytes) => Ok(bytes),
        Found::Folder(_) => bail!("`{}` is a folder", revision.shown(path)),
    };
    let blob = |blob: &Descriptor, limit: u64| -> anyhow::Result<Vec<u8>> {
        let bytes = file(&blob.digest.blob_path())?;
        if limit < blob.size || !blob.is_of(&bytes) {
            bail!("`{}` is not what is said of it", blob.digest);
        }
        Ok(bytes)
    };
    check_layout(&file("oci-layout")?)?;
    let index = Index::parse(&file("index.json")?)?;
    let chosen = choose(&index, which, &mut Known::default(), blob);
    let manifest = chosen
        .map_err(|error| match error {
            ChooseError::Index(error) | ChooseError::Manifest(error) => anyhow::Error::new(error),
            ChooseError::Blob(error) => error,
        })?
        .manifest;
    let slice = |digest: &Digest| file(&digest.blob_path()).ok();
    Ok(Snapshot::read(&manifest, slice)?.plans())
}

fn read(place: &stored::Place) -> anyhow::Result<Vec<NodePlan>> {
    let Some(found) = stored::read_at(place)? else {
        bail!("there is none at `{}`", place.dist().display());
    };
    // Somebody relies on what is compared, so every digest is verified.
    let blob = |digest: &_| stored::blob(place.dist(), *digest, limits::SLICE_BYTES).ok();
    Ok(Snapshot::read(&found.manifest, blob)?.plans())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::Verdict;
    use crate::tests::{build, path, replace, started, weft};

    #[test]
    fn same_takes_a_tag() {
        let folder = started();
        let (spec, file) = (path(&folder, "spec"), "spec/services/hello.yaml");
        let dist = path(&folder, "spec/golden");
        let built = || weft(&["build", &spec, "-o", &dist]);
        assert_eq!(built(), Ok(Verdict::Clean));
        let (before, after) = ("timeout: {request: 2s}", "timeout: {request: 3s}");
        replace(&folder, file, before, after);
        assert_eq!(built(), Ok(Verdict::Clean));
        let plain = fs::read_to_string(path(&folder, file)).unwrap();
        for (as_what, verdict) in [
            ("golden", Verdict::Clean),
            ("golden:latest", Verdict::Clean),
            ("golden:generation-2", Verdict::Clean),
            ("golden:generation-1", Verdict::Rejected),
            ("golden:generation-9", Verdict::Rejected),
        ] {
            let assertion = format!(
                "assert: [{{name: frozen, same: {{for: {{host: localhost}}, as: '{as_what}'}}}}]\n"
            );
            fs::write(path(&folder, file), format!("{plain}{assertion}")).unwrap();
            assert_eq!(weft(&["check", &spec]), Ok(verdict), "{as_what}");
        }
    }

    #[test]
    fn same_keeps_to_its_snapshot() {
        let folder = started();
        // What is outside of the spec is read for those alone who say so.
        let also = path(&folder, "dist");
        let weft = |arguments: &[&str]| weft(&[arguments, &["--also-read", &also]].concat());
        let (spec, file) = (path(&folder, "spec"), "spec/services/hello.yaml");
        assert_eq!(build(&folder), Ok(Verdict::Clean));
        let more = "assert: [{name: frozen, same: {for: {host: localhost}, as: ../dist}}]\n\
            tests: [{name: alike, forall: {host: localhost}, sameAs: ../dist}]\n";
        let text = fs::read_to_string(path(&folder, file)).unwrap();
        fs::write(path(&folder, file), text + more).unwrap();
        assert_eq!(weft(&["check", &spec]), Ok(Verdict::Clean));
        assert_eq!(weft(&["test", &spec]), Ok(Verdict::Clean));
        assert_eq!(crate::tests::weft(&["check", &spec]), Ok(Verdict::Rejected));
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
