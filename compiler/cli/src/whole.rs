//! Writes files whole or not at all.
//!
//! The folder may be one that others write to. A file is written under a name by chance that was not there, and renamed;
//! nothing is written through a link, and no file that is there already is opened for writing.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};

use anyhow::Context as _;

use super::disk::{Folder, Kind};

/// The beginning of the names of files that are being written; 16 digits by chance follow.
const TEMPORARY: &str = ".new-";
/// So many names are tried.
const ATTEMPTS: u32 = 8;

/// When a file reaches the disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sync {
    /// Before its name does.
    Now,
    /// With all others.
    Later,
}

/// Makes a file have this content, whole or not at all.
pub(super) fn replace(folder: &Folder, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    if has_content(folder, name, bytes) {
        return Ok(());
    }
    write(folder, name, bytes, Sync::Now)
}

/// Whether a file has this content already.
pub(super) fn has_content(folder: &Folder, name: &str, bytes: &[u8]) -> bool {
    let Ok(file) = folder.file(name.as_ref()) else {
        return false;
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if file
        .metadata()
        .map_or(true, |metadata| metadata.len() != length)
    {
        return false;
    }
    let mut found = Vec::with_capacity(bytes.len());
    let read = file.take(length).read_to_end(&mut found);
    read.is_ok() && found == bytes
}

/// Writes a file anew.
pub(super) fn write(folder: &Folder, name: &str, bytes: &[u8], sync: Sync) -> anyhow::Result<()> {
    put(folder, (name.as_ref(), None), bytes, sync)
}

/// Puts other content in the place of a file's, with the rights that the file has.
pub(super) fn rewrite(folder: &Folder, name: &OsStr, bytes: &[u8]) -> anyhow::Result<()> {
    let reading = || format!("reading `{}`", folder.path().join(name).display());
    let metadata = folder.file(name).and_then(|file| file.metadata());
    let rights = metadata.with_context(reading)?.permissions();
    put(folder, (name, Some(rights)), bytes, Sync::Now)
}

fn put(
    folder: &Folder,
    (name, rights): (&OsStr, Option<Permissions>),
    bytes: &[u8],
    sync: Sync,
) -> anyhow::Result<()> {
    let writing = || format!("writing `{}`", folder.path().join(name).display());
    let (mut file, temporary) = temporary(folder).with_context(writing)?;
    let written = file.write_all(bytes);
    let written =
        written.and_then(|()| rights.map_or(Ok(()), |rights| file.set_permissions(rights)));
    let written = written.and_then(|()| match sync {
        Sync::Now => file.sync_data(),
        Sync::Later => Ok(()),
    });
    let renamed = written.and_then(|()| folder.rename(temporary.as_ref(), name));
    if renamed.is_err() {
        // On a full disk every byte counts; if it stays, the next build removes it.
        drop(folder.remove(temporary.as_ref()));
    }
    renamed.with_context(writing)
}

/// A new file under a name by chance: one that is there already, whoever put it there, is not opened.
fn temporary(folder: &Folder) -> io::Result<(File, String)> {
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for _ in 0..ATTEMPTS {
        // The keys of a `RandomState` are drawn by the system.
        let chance = RandomState::new().build_hasher().finish();
        let name = format!("{TEMPORARY}{chance:016x}");
        match folder.new_file(name.as_ref()) {
            Ok(file) => return Ok((file, name)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Removes what writes that were cut short by a crash have left. Nobody else writes while we hold the lock.
pub(super) fn remove_left_over(folder: &Folder) -> anyhow::Result<()> {
    let reading = || format!("reading `{}`", folder.path().display());
    for (name, kind) in folder.entries().with_context(reading)? {
        let chance = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
        let is_ours = chance.is_some_and(|chance| {
            chance.len() == 16 && chance.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_ours && kind == Kind::File {
            folder.remove(&name).with_context(reading)?;
        }
    }
    Ok(())
}
