//! Remembers, beside a snapshot, the plans that its slices were made of and proved against.
//!
//! A first line says by which executable and for which content; each other one holds the digest of a plan and its node. Another executable
//! may lower, write or prove otherwise, and takes nothing from it. A file that cannot be read costs time alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::OnceLock;

use weft_back::emit::{Emitted, Proved};
use weft_snapshot::layout::{Digest, Digesting};

use super::disk::Folder;
use super::stored::Stored;
use super::whole;

const FILE: &str = ".proved";
/// Below so many nodes, finding out which executable this is costs more than writing all slices again.
const MANY: usize = 300;
/// A line has 66 bytes and a name; a manifest with as many nodes is larger.
const FILE_BYTES: u64 = weft_snapshot::limits::MANIFEST_BYTES;

/// Writes down what a snapshot was made of.
pub(super) fn remember(folder: &Folder, emitted: &Emitted) -> anyhow::Result<()> {
    if emitted.plans.len() < MANY {
        return Ok(());
    }
    let Some(executable) = executable() else {
        return Ok(());
    };
    let text = written(emitted, executable);
    whole::replace(folder, FILE, text.as_bytes())
}

/// What the snapshot that is stored was made of, by this executable; nothing if that is not known.
pub(super) fn recall(folder: &Folder, stored: &Stored) -> Option<Proved> {
    let file = folder.file(FILE.as_ref()).ok()?;
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).ok()?;
    read(&text, executable()?, stored)
}

fn written(emitted: &Emitted, executable: Digest) -> String {
    let content = emitted.bundle.digest();
    let mut text = format!("{executable} {content}\n");
    for (node, plan) in &emitted.plans {
        text.extend([plan.hex().as_str(), " ", node, "\n"]);
    }
    text
}

fn read(text: &str, executable: Digest, stored: &Stored) -> Option<Proved> {
    let mut lines = text.lines();
    let content = stored.manifest.digest();
    if lines.next()? != format!("{executable} {content}") {
        return None;
    }
    let mut plans = BTreeMap::new();
    for line in lines {
        let (digest, node) = line.split_once(' ')?;
        let digest = Digest::parse(&format!("sha256:{digest}")).ok()?;
        plans.insert(node.to_owned(), digest);
    }
    Some(Proved::new(plans, &stored.manifest))
}

/// The digest of the program that runs, even if its file has been replaced; found out once.
fn executable() -> Option<Digest> {
    static OWN: OnceLock<Option<Digest>> = OnceLock::new();
    *OWN.get_or_init(digest_of_this)
}

fn digest_of_this() -> Option<Digest> {
    let mut file = File::open("/proc/self/exe").ok()?;
    let (mut digest, mut piece) = (Digesting::default(), vec![0_u8; 1 << 16]);
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(digest.digest()),
            length => digest.update(piece.get(..length)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;
    use weft_snapshot::layout::{Bundle, Manifest};

    use super::*;
    use crate::tests::{build, path, replace};
    use crate::{Verdict, stored};

    fn emitted() -> Emitted {
        let slices = vec![("service/a".to_owned(), b"slice".to_vec())];
        Emitted {
            bundle: Bundle::new("shop", slices, b"origins".to_vec()),
            plans: BTreeMap::from([("service/a".to_owned(), Digest::of(b"plan"))]),
        }
    }

    fn stored_as(manifest: &Manifest) -> Stored {
        Stored {
            dist: Path::new("dist").to_owned(),
            generation: 1,
            descriptor: Bundle::new("shop", Vec::new(), Vec::new())
                .numbered(1)
                .descriptor,
            manifest: manifest.clone(),
            is_legacy: false,
            damaged: Vec::new(),
        }
    }

    #[test]
    fn what_was_written_is_recalled_by_this_executable_for_this_manifest() {
        let emitted = emitted();
        let bundle = &emitted.bundle;
        let (own, other) = (Digest::of(b"this"), Digest::of(b"that"));
        let text = written(&emitted, own);
        let now = stored_as(bundle.contents());
        let proved = read(&text, own, &now).unwrap();
        let slice = bundle.contents().nodes["service/a"];
        assert_eq!(proved.slice("service/a", Digest::of(b"plan")), Some(slice));
        assert_eq!(proved.slice("service/a", Digest::of(b"else")), None);
        assert_eq!(proved.slice("service/b", Digest::of(b"plan")), None);
        assert!(read(&text, other, &now).is_none());
        let mut other = bundle.contents().clone();
        other.nodes.clear();
        let later = stored_as(&other);
        assert!(read(&text, own, &later).is_none());
        assert!(read(&text.replace(' ', ""), own, &now).is_none());
    }

    #[test]
    fn a_program_knows_itself() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(executable(), Some(Digest::of(&own)));
    }

    #[test]
    fn a_damaged_slice_that_was_proved_is_written_again() {
        let folder = TempDir::new().unwrap();
        let spec = path(&folder, "spec");
        fs::create_dir(&spec).unwrap();
        let services = (0..MANY).map(|number| {
            format!("  s{number}: {{protocol: http, app: \"127.0.0.1:8080\", timeout: {{request: 2s}}}}\n")
        });
        let text = format!(
            "weft: v1\nmesh: {{name: m, trustDomain: m.example, defaults: {{timeout: {{request: 15s}}}}}}\nservices:\n{}",
            services.collect::<String>()
        );
        fs::write(path(&folder, "spec/mesh.yaml"), text).unwrap();
        assert_eq!(build(&folder), Ok(Verdict::Clean));
        let dist = path(&folder, "dist");
        let first = stored::read(Path::new(&dist)).unwrap().unwrap();
        assert!(recall(&Folder::follow(Path::new(&dist)).unwrap(), &first).is_some());
        let slice = |stored: &Stored, node: &str| stored.manifest.nodes[node].digest;
        let (damaged, gone) = (slice(&first, "service/s1"), slice(&first, "service/s2"));
        fs::write(path(&folder, &format!("dist/{}", damaged.blob_path())), "x").unwrap();
        fs::remove_file(path(&folder, &format!("dist/{}", gone.blob_path()))).unwrap();
        let app = |port: u16| format!("  s0: {{protocol: http, app: \"127.0.0.1:{port}\"");
        replace(&folder, "spec/mesh.yaml", &app(8080), &app(8081));
        assert_eq!(build(&folder), Ok(Verdict::Clean));
        let second = stored::read(Path::new(&dist)).unwrap().unwrap();
        assert_eq!(slice(&first, "service/s3"), slice(&second, "service/s3"));
        assert_ne!(slice(&first, "service/s0"), slice(&second, "service/s0"));
        for (node, slice) in &second.manifest.nodes {
            let blob = stored::blob(Path::new(&dist), slice.digest, slice.size);
            assert!(blob.is_ok(), "{node}");
        }
    }
}
