//! The new paths that rules give to requests.

use weft_snapshot::plan::{PathPattern, PathRewrite};
use weft_snapshot::settings::{PathRules, Slashes};
use weft_space::languages::Languages;
use weft_space::path;
use weft_space::rewrite::rewrite;

use super::{Mesh, Rule};

/// The status of a redirect when nothing is said.
pub const DEFAULT_REDIRECT: u16 = 302;

/// The new path that a rule gives to what it forwards; none if it gives none, or the same.
pub fn new_path(mesh: &Mesh, rule: &Rule) -> Option<PathRewrite> {
    let text = rule.rewrite.as_ref()?.value.path.as_ref()?;
    changed_path(mesh, &text.value, &rule.matched.path.value)
}

/// The new path of a rewrite or redirect; none if it is the old one, or wrong, which is a finding of its own.
pub fn changed_path(mesh: &Mesh, text: &str, pattern: &PathPattern) -> Option<PathRewrite> {
    let new = rewrite(text, pattern).ok()?;
    let is_same = match pattern {
        PathPattern::Segments { .. } => new.is_identity(pattern),
        PathPattern::Regex { .. } => {
            // The new path is always the same one here. More paths are canonical where slashes are kept.
            let kept = PathRules {
                slashes: Slashes::Keep,
                ..PathRules::default()
            };
            let mut languages = Languages::sharing(&mesh.automata).by(kept);
            let one = path::parse_repeating(text).ok()?;
            languages.relate_paths(pattern, &one).relation == path::Relation::Equal
        }
    };
    (!is_same).then_some(new)
}
