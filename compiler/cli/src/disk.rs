//! Folders and files on disk, opened without following a link.
//!
//! What is below a folder is opened from the handle of that folder, one name at a time. So neither a link nor somebody who
//! puts one in the place of a folder while we read leads to a file that the folder does not hold. Only regular files are
//! opened for reading: a pipe would wait for ever, and opening a device can do something.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat, unlinkat};

/// What stands behind a name in a folder.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Folder,
    File,
    Link,
    /// A repository of its own, of which a revision holds the name alone; on disk it looks like a folder.
    Repository,
    /// A pipe, a socket or a device.
    Special,
}

/// A folder, held open.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// What a path that somebody gave leads to.
#[derive(Debug)]
pub(super) enum Named {
    Folder(Folder),
    File(File),
}

/// Opens what is called `path`, without following a link.
///
/// Where the path leads below the current folder, none of its parts may be a link, because what lies there comes from those
/// who wrote the spec. Of another path only the last part may not: how the machine is laid out is not theirs to say.
///
/// # Errors
///
/// When there is nothing, or a link, or neither a folder nor a regular file.
pub(super) fn named(path: &Path) -> anyhow::Result<Named> {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(&here).unwrap_or(path);
    let (start, rest) = if below.is_absolute() {
        let parent = below.parent().unwrap_or(below);
        let name = below.file_name().map(Path::new);
        (parent, name.unwrap_or(Path::new(".")))
    } else {
        (Path::new("."), below)
    };
    let mut folder = Folder::follow(start)?;
    folder.path = PathBuf::new();
    let mut parts = rest.components().peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => name,
            Component::ParentDir => OsStr::new(".."),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => continue,
        };
        let shown = folder.path.join(name);
        let opening = || format!("opening `{}`", path.display());
        match folder.kind(name).with_context(opening)? {
            Kind::Link => bail!(
                "`{}` is a link, and links are not followed; name what it leads to",
                shown.display()
            ),
            Kind::Special => bail!("`{}` is neither a folder nor a file", shown.display()),
            Kind::File if parts.peek().is_some() => bail!("`{}` is no folder", shown.display()),
            Kind::File => return Ok(Named::File(folder.file(name).with_context(opening)?)),
            Kind::Folder | Kind::Repository => folder = folder.below(name).with_context(opening)?,
        }
    }
    path.clone_into(&mut folder.path);
    Ok(Named::Folder(folder))
}

impl Folder {
    /// Opens a folder that whoever runs the command may well have linked.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is no folder.
    pub(super) fn follow(path: &Path) -> anyhow::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(CWD, path, flags, Mode::empty())
            .with_context(|| format!("opening `{}`", path.display()))?;
        Ok(Self {
            handle,
            path: path.to_owned(),
        })
    }

    /// Where it is, in the words of whoever named it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of what has this name.
    pub(super) fn kind(&self, name: &OsStr) -> io::Result<Kind> {
        let found = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(kind(FileType::from_raw_mode(found.st_mode)))
    }

    /// The folder of this name in it.
    pub(super) fn below(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            handle: openat(&self.handle, name, flags, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    /// The folder of this name in it, made if it is not there.
    pub(super) fn made(&self, name: &OsStr) -> anyhow::Result<Self> {
        let shown = self.path.join(name);
        let making = || format!("making `{}`", shown.display());
        match rustix::fs::mkdirat(&self.handle, name, Mode::from(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error).with_context(making),
        }
        if self.kind(name).with_context(making)? == Kind::Link {
            bail!(
                "`{}` is a link, and nothing is written through one",
                shown.display()
            );
        }
        self.below(name).with_context(making)
    }

    /// Puts a file in the place of another one, or of none.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a file, or a link itself; it may have gone already.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until what was written here has reached the disk: names, and with them what was synced before.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    /// One wait for all files of the file system, where a wait for each of a thousand would be most of a build.
    pub(super) fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.handle)?)
    }

    /// The regular file of this name in it, for reading.
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        self.only_regular(name)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(no_regular_file())
        }
    }

    /// The file of this name in it, to be locked: made if it is not there, and never emptied.
    pub(super) fn lock_file(&self, name: &OsStr) -> io::Result<File> {
        match self.only_regular(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::from(0o600))?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(no_regular_file())
        }
    }

    /// A file that was not there, with the rights that the mask of the process leaves.
    pub(super) fn new_file(&self, name: &OsStr) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.handle, name, flags, Mode::from(0o666))?;
        Ok(File::from(file))
    }

    /// Everything in it, in the order of names.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, Kind)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let name = OsStr::from_bytes(name);
            let mut kind = kind(entry.file_type());
            // Some file systems do not say it here.
            if entry.file_type() == FileType::Unknown {
                kind = match self.kind(name) {
                    Ok(kind) => kind,
                    // It has just gone.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
            }
            entries.push((name.to_owned(), kind));
        }
        entries.sort();
        Ok(entries)
    }

    fn only_regular(&self, name: &OsStr) -> io::Result<()> {
        match self.kind(name)? {
            Kind::File => Ok(()),
            Kind::Folder | Kind::Link | Kind::Repository | Kind::Special => Err(no_regular_file()),
        }
    }
}

fn kind(found: FileType) -> Kind {
    match found {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Kind::Special,
    }
}

fn no_regular_file() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "not a regular file")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_special_files_are_not_opened() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/file"), "x").unwrap();
        symlink("file", at("folder/link")).unwrap();
        symlink("folder", at("linked")).unwrap();
        rustix::fs::mkfifoat(CWD, at("pipe"), Mode::from(0o600)).unwrap();

        assert!(matches!(named(&at("folder/file")), Ok(Named::File(_))));
        assert!(matches!(named(&at("folder")), Ok(Named::Folder(_))));
        for (name, why) in [
            ("folder/link", "is a link"),
            ("linked", "is a link"),
            ("pipe", "neither a folder nor a file"),
            ("nothing", "No such file"),
        ] {
            let said = format!("{:#}", named(&at(name)).unwrap_err());
            assert!(said.contains(why), "{said}");
        }
        let Named::Folder(folder) = named(&at("folder")).unwrap() else {
            panic!("no folder");
        };
        let link = OsStr::new("link");
        assert!(folder.file(link).is_err());
        assert!(folder.lock_file(link).is_err());
        assert!(folder.new_file(link).is_err());
        let kinds: Vec<Kind> = folder
            .entries()
            .unwrap()
            .iter()
            .map(|(_, kind)| *kind)
            .collect();
        assert_eq!(kinds, [Kind::File, Kind::Link]);
    }

    #[test]
    fn a_lock_file_keeps_what_it_holds() {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("held"), "x").unwrap();
        let folder = Folder::follow(temporary.path()).unwrap();
        drop(folder.lock_file(OsStr::new("held")).unwrap());
        drop(folder.lock_file(OsStr::new("made")).unwrap());
        assert_eq!(fs::read(temporary.path().join("held")).unwrap(), b"x");
        assert_eq!(fs::read(temporary.path().join("made")).unwrap(), b"");
    }
}
