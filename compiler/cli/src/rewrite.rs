//! Edits files of a spec.

use std::path::Path;

use anyhow::bail;
use weft_front::diagnostic::Edit;

use super::disk::{self, Named};
use super::whole;

/// Puts a text in the place of a file's, with the rights that the file has.
///
/// # Errors
///
/// When it cannot be written; the file is as it was then.
pub(super) fn file(path: &Path, text: &str) -> anyhow::Result<()> {
    let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
        bail!("`{}` is no file", path.display());
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let Named::Folder(folder) = disk::named(parent)? else {
        bail!("`{}` is no folder", parent.display());
    };
    whole::rewrite(&folder, name, text.as_bytes())
}

/// A text with edits, those that meet an earlier one left out; and whether each was made.
pub(super) fn edited(text: &str, edits: &[&Edit]) -> (String, Vec<bool>) {
    let mut order: Vec<usize> = (0..edits.len()).collect();
    order.sort_by_key(|at| edits.get(*at).map(|edit| (edit.span.start, edit.span.end)));
    let mut made = vec![false; edits.len()];
    let (mut new, mut end) = (String::with_capacity(text.len()), 0_usize);
    let mut last: Option<&Edit> = None;
    for at in order {
        let Some(edit) = edits.get(at) else { continue };
        let bytes = edit.span.bytes();
        let is_again = last == Some(*edit);
        let fits = last.is_none() || end < bytes.start || (end == bytes.start && !bytes.is_empty());
        if let Some(one) = made.get_mut(at) {
            *one = is_again || fits;
        }
        let before = text.get(end..bytes.start).filter(|_| fits && !is_again);
        if let Some(before) = before {
            new.extend([before, edit.replacement.as_str()]);
            end = bytes.end;
            last = Some(edit);
        }
    }
    new.push_str(text.get(end..).unwrap_or_default());
    (new, made)
}

#[cfg(test)]
mod tests {
    use weft_spec::{FileId, Span};

    use super::*;

    #[test]
    fn edits_that_meet_are_made_once_or_not_at_all() {
        let edit = |start: u32, end: u32, text: &str| Edit {
            span: Span::new(FileId(0), start, end),
            replacement: text.to_owned(),
        };
        let all = [
            edit(4, 5, "X"),
            edit(0, 1, "A"),
            edit(4, 5, "X"),
            edit(3, 5, "?"),
            edit(4, 5, "Y"),
            edit(6, 6, "!"),
        ];
        let all: Vec<&Edit> = all.iter().collect();
        let (text, made) = edited("abcdefg", &all);
        assert_eq!(text, "Abc?f!g");
        assert_eq!(made, [false, true, false, true, false, true]);
    }

    #[test]
    fn a_file_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        file(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(file(&folder.path().join("none.yaml"), "x").is_err());
    }
}
