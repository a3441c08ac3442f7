//! `weft fmt`: one layout for the files of a spec.

use std::path::{Path, PathBuf};

use weft_front::fmt::{Unformatted, format};

use super::{Context, Verdict, load, output, rewrite};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder, a file, or `-`, which is printed. Several may be given.
    #[arg(default_value = ".", value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Write nothing, and say which files would change; then the exit code is 1.
    #[arg(long)]
    check: bool,
}

/// Lays out every file; what is no YAML is said and left as it is.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let loaded = load::several(&arguments.specs, &context.values)?;
    let sources = &loaded.sources;
    let (mut wrong, mut lines, mut verdict) = (Vec::new(), Vec::new(), Verdict::Clean);
    for (id, file) in sources.iter() {
        let path = sources.shown_path(id);
        let is_input = path == load::INPUT_NAME;
        match format(id, &file.text) {
            Ok(text) if is_input && !arguments.check => output::result(&text)?,
            Ok(text) if text == file.text => {}
            Ok(_) if arguments.check => {
                verdict = Verdict::Rejected;
                lines.push(format!("{path} would change\n"));
            }
            Ok(text) => {
                rewrite::file(Path::new(&path), &text)?;
                lines.push(format!("{path}\n"));
            }
            Err(Unformatted::Wrong(found)) => wrong.extend(found),
            Err(Unformatted::Unknown) => {
                lines.push(format!(
                    "{path} is left as it is: its layout is not known\n"
                ));
            }
        }
    }
    output::people(&lines.concat())?;
    if !wrong.is_empty() {
        output::findings(context, &wrong, sources)?;
        verdict = Verdict::Rejected;
    }
    Ok(verdict)
}
