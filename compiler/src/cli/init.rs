//! `weft init`: a small commented spec to start from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use weft_spec::schema;

use super::{Verdict, output};

const FILES: &[(&str, &str)] = &[
    ("mesh.yaml", include_str!("init/mesh.yaml")),
    ("services/hello.yaml", include_str!("init/hello.yaml")),
];
const SCHEMA: &str = ".weft/weft.v1.draft-07.json";

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
        if path.exists() {
            bail!("`{}` is there already; nothing was written", path.display());
        }
    }
    write(&folder.join(SCHEMA), &schema::pretty(&schema::draft07()))?;
    let mut lines = Vec::new();
    for (name, content) in FILES {
        let path = folder.join(name);
        write(&path, content)?;
        lines.push(format!("wrote {}\n", path.display()));
    }
    lines.push(format!("next: weft check {}\n", folder.display()));
    output::people(&lines.concat())?;
    Ok(Verdict::Clean)
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let writing = || format!("writing `{}`", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(writing)?;
    }
    fs::write(path, content).with_context(writing)
}
