//! `weft init`: a small commented spec to start from.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use weft_front::project_schema;
use weft_spec::schema;

use super::disk::Folder;
use super::{Verdict, output};

const FILES: &[(&str, &str)] = &[
    ("mesh.yaml", include_str!("init/mesh.yaml")),
    ("services/hello.yaml", include_str!("init/hello.yaml")),
];
/// What the first lines of those files, and of a project file, name for editors.
const SCHEMA: &str = ".weft/weft.v1.draft-07.json";
const PROJECT_SCHEMA: &str = ".weft/weft-project.v1.draft-07.json";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder; made when it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let folder = &arguments.folder;
    for (name, _) in FILES {
        let path = folder.join(name);
        // A link that leads to nothing is there too.
        if path.symlink_metadata().is_ok() {
            bail!("`{}` is there already; nothing was written", path.display());
        }
    }
    if folder.is_file() {
        bail!(
            "`{}` is a file: give the folder in which the spec is to be written",
            folder.display()
        );
    }
    fs::create_dir_all(folder).with_context(|| format!("creating `{}`", folder.display()))?;
    let root = Folder::follow(folder)?;
    write(&root, SCHEMA, &schema::pretty(&schema::draft07()))?;
    let of_project = schema::pretty(&project_schema::draft07());
    write(&root, PROJECT_SCHEMA, &of_project)?;
    let mut lines = Vec::new();
    for (name, content) in FILES {
        write(&root, name, content)?;
        let path = folder.join(name);
        lines.push(format!("wrote {}\n", path.display()));
    }
    let here = folder.display();
    lines.push(format!("next: start a process at 127.0.0.1:9000, for example\n  python3 -m http.server --bind 127.0.0.1 9000\nand then run\n  weft up {here}\n"));
    output::people(&lines.concat())?;
    Ok(Verdict::Clean)
}

/// Writes a file anew, never through a link.
fn write(root: &Folder, name: &str, content: &str) -> anyhow::Result<()> {
    let writing = || format!("writing `{}`", root.path().join(name).display());
    let (folder, name) = name.split_once('/').unwrap_or((".", name));
    let folder = root.made(folder.as_ref())?;
    folder.remove(name.as_ref()).with_context(writing)?;
    let mut file = folder.new_file(name.as_ref()).with_context(writing)?;
    file.write_all(content.as_bytes()).with_context(writing)
}
