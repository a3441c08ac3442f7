//! Warnings that reject a spec: `--deny warnings`, `--deny CODE`.
//!
//! What an owner has accepted stays accepted. A remark is denied by its code alone.

use std::collections::BTreeSet;

use anyhow::bail;
use weft_front::diagnostic::{Diagnostic, Severity};
use weft_tell::explain;

/// The word for all warnings.
const WARNINGS: &str = "warnings";

/// What is denied; nothing by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Deny {
    all: bool,
    codes: BTreeSet<String>,
}

impl Deny {
    /// Of words, each `warnings` or a code.
    ///
    /// # Errors
    ///
    /// When there is no such code: a misspelt one would deny nothing.
    pub(super) fn of<'w>(words: impl IntoIterator<Item = &'w String>) -> anyhow::Result<Self> {
        let mut deny = Self::default();
        for word in words {
            if word == WARNINGS {
                deny.all = true;
            } else if explain::all().iter().any(|code| code.name == word) {
                deny.codes.insert(word.clone());
            } else {
                let names = explain::all().into_iter().map(|code| code.name);
                let near = weft_front::diagnostic::nearest(word, names.chain([WARNINGS]));
                match near {
                    Some(near) => {
                        bail!(
                            "there is no code `{word}` to deny, by `--deny` or `weft.yaml`; did you mean `{near}`?"
                        )
                    }
                    None => bail!(
                        "there is no code `{word}` to deny, by `--deny` or `weft.yaml`; `weft explain` lists them, and `{WARNINGS}` means every warning"
                    ),
                }
            }
        }
        Ok(deny)
    }

    /// Whether some codes are denied by their names; they may be those of remarks.
    pub(super) fn names_codes(&self) -> bool {
        !self.codes.is_empty()
    }

    /// Makes errors of what is denied.
    pub(super) fn apply(&self, found: &mut [Diagnostic]) {
        for one in found {
            let is_denied = self.codes.contains(one.code.name)
                || (self.all && one.severity == Severity::Warning);
            if is_denied && one.severity != Severity::Error && one.suppressed.is_none() {
                one.severity = Severity::Error;
                one.notes
                    .push("it is denied, by `--deny` or `weft.yaml`".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_front::parse::codes;
    use weft_spec::Span;

    use super::*;
    use crate::Verdict;
    use crate::tests::weft;

    fn denied(words: &[&str]) -> Vec<Severity> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let warning = || Diagnostic::new(&codes::ODD_ENDING, Span::NONE, "odd");
        let mut remark = Diagnostic::new(&codes::LINK_IN_SPEC, Span::NONE, "a remark");
        remark.severity = Severity::Info;
        let mut accepted = warning();
        accepted.suppressed = Some(weft_front::diagnostic::Suppressed {
            span: Span::NONE,
            reason: String::new(),
            owner: String::new(),
            until: String::new(),
        });
        let mut found = [warning(), remark, accepted];
        Deny::of(&words).unwrap().apply(&mut found);
        found.map(|one| one.severity).to_vec()
    }

    #[test]
    fn warnings_are_denied_by_code_or_all_and_remarks_by_code() {
        use Severity::{Error, Info, Warning};
        assert_eq!(denied(&[]), [Warning, Info, Warning]);
        assert_eq!(denied(&["warnings"]), [Error, Info, Warning]);
        assert_eq!(denied(&["odd-ending"]), [Error, Info, Warning]);
        assert_eq!(denied(&["link-in-spec"]), [Warning, Error, Warning]);
        let said = Deny::of(&["odd-endnig".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(said.contains("did you mean `odd-ending`?"), "{said}");
    }

    #[test]
    fn a_remark_that_is_denied_is_looked_for_and_rejects() {
        let folder = tempfile::TempDir::new().unwrap();
        let remark = explain::all()
            .into_iter()
            .find(|code| code.name == "excess-grant");
        std::fs::write(folder.path().join("a.yaml"), remark.unwrap().bad).unwrap();
        let spec = folder.path().to_str().unwrap();
        let check = |more: &[&str]| weft(&[&["check", spec, "--now", "2026-11-30"], more].concat());
        assert_eq!(check(&[]), Ok(Verdict::Clean));
        assert_eq!(check(&["--deny", "excess-grant"]), Ok(Verdict::Rejected));
        assert_eq!(check(&["--deny", "warnings"]), Ok(Verdict::Clean));
    }
}
