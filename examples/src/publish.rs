//! From a folder with a spec to a snapshot that proxies watch, and the ways to spoil one.
//!
//! The compiler is used as a library, and the layout is written as `weft build` writes it: blobs first, the
//! index renamed last.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, anyhow};
use weft_front::diagnostic::{Colour, Diagnostic, Diagnostics, Format, Severity, render};
use weft_front::parse::Values;
use weft_front::source::{LeftOut, NOWHERE, SourceFile, Sources};
use weft_front::{CertificateFiles, FileRead, ReadCertificates, Surroundings};
use weft_snapshot::layout::{
    Bundle, Descriptor, Digest, Index, Known, Manifest, OCI_LAYOUT, Which, choose,
};

/// A folder with a spec, and the values it is compiled with.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The folder; every YAML file below it is part of the spec.
    pub folder: PathBuf,
    /// Files of values, the later ones stronger: how a person calls each, and its text. Files of the folder
    /// with the same name are no part of the spec.
    pub values: Vec<(String, String)>,
    /// What stands in front of the paths in messages.
    pub shown_below: String,
    /// The day on which it is checked; without one, nothing is said about what expires.
    pub now: Option<String>,
}

/// What the compiler made of a spec.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot, unless there was an error.
    pub bundle: Option<Bundle>,
    /// What was found.
    pub found: Vec<Diagnostic>,
    /// Errors and warnings for people, with a line that sums them up; empty when there are none.
    pub text: String,
    /// The same with remarks.
    pub with_remarks: String,
}

impl Spec {
    /// A spec without values.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            values: Vec::new(),
            shown_below: String::new(),
            now: None,
        }
    }

    /// Compiles it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read; what is wrong *in* a file is in [`Compiled::found`].
    pub fn compile(&self) -> anyhow::Result<Compiled> {
        let sources = self.sources()?;
        let mut diagnostics = Diagnostics::default();
        let values = Values::read(&sources, &mut diagnostics);
        let rejected = diagnostics.has_errors();
        let mut found = diagnostics.sorted();
        let bundle = if rejected {
            None
        } else {
            let (bundle, more) = weft_tell::compile(&sources, &values, &self.surroundings()?);
            found.extend(more);
            bundle
        };
        let shown = |found: &[Diagnostic]| render(found, &sources, Format::Human, Colour::Plain);
        let with_remarks = shown(&found);
        let mut told = found.clone();
        told.retain(|found| found.severity != Severity::Info);
        let text = shown(&told);
        Ok(Compiled {
            bundle,
            found,
            text,
            with_remarks,
        })
    }

    fn surroundings(&self) -> anyhow::Result<Surroundings> {
        let today = self.now.as_deref().map(str::parse).transpose();
        let today = today.context("the day of the check")?;
        let read = |path: &str| match fs::read(path) {
            Ok(bytes) => FileRead::Bytes(bytes),
            Err(_) => FileRead::Unknown,
        };
        let certificate =
            move |chain: &str, key: &str| CertificateFiles::of(&read(chain), &read(key));
        Ok(Surroundings {
            today,
            certificates: Some(ReadCertificates(Rc::new(certificate))),
            ..Surroundings::default()
        })
    }

    /// The files as the compiler takes them.
    ///
    /// # Errors
    ///
    /// When one cannot be read.
    pub fn sources(&self) -> anyhow::Result<Sources> {
        let mut files = Vec::new();
        let mut left_out = Vec::new();
        collect(&self.folder, "", (&mut files, &mut left_out))?;
        files.retain(|file| self.values.iter().all(|(name, _)| *name != file.path));
        let value_file = |(path, text): &(String, String)| SourceFile {
            path: path.clone(),
            text: text.clone(),
        };
        let values = self.values.iter().map(value_file).collect();
        Ok(Sources::new(files)
            .leaving_out(left_out)
            .with_values(values)
            .shown_below(self.shown_below.clone()))
    }
}

impl Compiled {
    /// The snapshot.
    ///
    /// # Errors
    ///
    /// When there is none, with the compiler's words.
    pub fn accepted(self) -> anyhow::Result<Bundle> {
        self.bundle
            .ok_or_else(|| anyhow!("the spec was rejected:\n{}", self.text))
    }

    /// The codes of the errors.
    pub fn errors(&self) -> Vec<&'static str> {
        let errors = self
            .found
            .iter()
            .filter(|found| found.severity == Severity::Error);
        errors.map(|found| found.code.name).collect()
    }
}

/// Reads every YAML file below `folder`, in the order of names; links are not followed.
fn collect(
    folder: &Path,
    prefix: &str,
    (files, left_out): (&mut Vec<SourceFile>, &mut Vec<LeftOut>),
) -> anyhow::Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    let mut entries = fs::read_dir(folder)
        .with_context(reading)?
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_symlink() {
            let is_spec = path.extension().is_some_and(|ending| ending == "yaml");
            left_out.push(match fs::metadata(&path) {
                Err(_) if is_spec => LeftOut::Unreadable(name, NOWHERE.to_owned()),
                Ok(_) | Err(_) => LeftOut::Link(name),
            });
        } else if entry.file_type()?.is_dir() {
            collect(&path, &format!("{name}/"), (&mut *files, &mut *left_out))?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let text = fs::read_to_string(&path).with_context(reading)?;
            files.push(SourceFile { path: name, text });
        } else {
            left_out.extend(LeftOut::of_odd_ending(&name));
        }
    }
    Ok(())
}

/// A snapshot on disk that proxies watch.
#[derive(Debug)]
pub struct Dist {
    path: PathBuf,
    generation: u64,
}

/// A way to spoil a snapshot; proxies refuse each of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spoil {
    /// A slice on disk has one other byte than its digest says.
    FlippedByte,
    /// The index is cut in the middle.
    HalfIndex,
    /// The index is not JSON at all.
    Garbage,
    /// A slice that the manifest names is not there.
    MissingBlob,
    /// A slice with a right digest holds nonsense.
    Nonsense,
    /// Everything is right, but the generation is an old one.
    OlderGeneration,
}

impl Spoil {
    /// All ways, with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("flipped-byte", Self::FlippedByte),
        ("half-index", Self::HalfIndex),
        ("garbage", Self::Garbage),
        ("missing-blob", Self::MissingBlob),
        ("nonsense", Self::Nonsense),
        ("older-generation", Self::OlderGeneration),
    ];
}

impl Dist {
    /// A place for snapshots; nothing is there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            generation: 0,
        }
    }

    /// The snapshot that somebody else published at `path`, and its place.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> anyhow::Result<(Self, Bundle)> {
        let path = path.into();
        let index = Index::parse(&fs::read(path.join("index.json"))?)?;
        let blob = |digest: Digest| fs::read(path.join(digest.blob_path()));
        let read = |descriptor: &Descriptor, _limit: u64| blob(descriptor.digest);
        let chosen = choose(&index, Which::Newest, &mut Known::default(), read)?;
        let manifest = chosen.manifest;
        let nodes = manifest.nodes.iter();
        let slices = nodes.map(|(node, slice)| Ok((node.clone(), blob(slice.digest)?)));
        let slices = slices.collect::<anyhow::Result<_>>()?;
        let bundle = Bundle::new(&manifest.mesh, slices, blob(manifest.origins.digest)?);
        let generation = chosen.generation;
        Ok((Self { path, generation }, bundle))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The generation that was published last; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Publishes `bundle` as the next generation, and says which.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn publish(&mut self, bundle: &Bundle) -> anyhow::Result<u64> {
        self.generation += 1;
        self.write_blobs(bundle)?;
        let index = self.write_manifest(bundle)?;
        self.write_index(&index)?;
        Ok(self.generation)
    }

    /// Publishes `bundle` as the next generation, but spoiled for `node`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn publish_spoiled(
        &mut self,
        bundle: &Bundle,
        node: &str,
        spoil: Spoil,
    ) -> anyhow::Result<u64> {
        self.generation += 1;
        let slice = bundle
            .contents()
            .nodes
            .get(node)
            .with_context(|| format!("no node `{node}`"))?
            .digest;
        self.write_blobs(bundle)?;
        let mut index = self.write_manifest(bundle)?;
        let blob = self.path.join(slice.blob_path());
        match spoil {
            Spoil::FlippedByte => {
                let mut bytes = fs::read(&blob)?;
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
                replace(&blob, &bytes)?;
            }
            Spoil::HalfIndex => index.truncate(index.len() / 2),
            Spoil::Garbage => index = b"\x00\xffnot json".to_vec(),
            Spoil::MissingBlob => fs::remove_file(&blob)?,
            Spoil::Nonsense => {
                let nonsense = nonsense_for(bundle.contents());
                self.write_blobs(&nonsense)?;
                index = self.write_manifest(&nonsense)?;
            }
            Spoil::OlderGeneration => {
                self.generation = 1;
                index = self.write_manifest(bundle)?;
            }
        }
        self.write_index(&index)?;
        Ok(self.generation)
    }

    /// Goes on counting from `generation`, after one that was older on purpose.
    pub fn count_from(&mut self, generation: u64) {
        self.generation = self.generation.max(generation);
    }

    fn write_blobs(&self, bundle: &Bundle) -> anyhow::Result<()> {
        fs::create_dir_all(self.path.join("blobs/sha256"))?;
        for (digest, bytes) in &bundle.blobs {
            let path = self.path.join(digest.blob_path());
            // A blob that is there is right, unless it was spoiled here.
            if fs::read(&path).map_or(true, |there| Digest::of(&there) != *digest) {
                replace(&path, bytes)?;
            }
        }
        replace(&self.path.join("oci-layout"), OCI_LAYOUT.as_bytes())
    }

    /// Writes the manifest of `bundle` as the generation that it is to be, and gives its index.
    fn write_manifest(&self, bundle: &Bundle) -> anyhow::Result<Vec<u8>> {
        let numbered = bundle.numbered(self.generation);
        let path = self.path.join(numbered.descriptor.digest.blob_path());
        replace(&path, &numbered.manifest)?;
        Ok(numbered.index)
    }

    fn write_index(&self, index: &[u8]) -> anyhow::Result<()> {
        replace(&self.path.join("index.json"), index)
    }
}

fn nonsense_for(manifest: &Manifest) -> Bundle {
    let slices = manifest
        .nodes
        .keys()
        .map(|node| (node.clone(), b"nonsense".to_vec()))
        .collect();
    Bundle::new(&manifest.mesh, slices, b"nonsense".to_vec())
}

/// Writes beside, then renames: a reader sees all of the old or all of the new.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}
