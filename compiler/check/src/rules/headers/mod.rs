//! Rules about headers: what is changed, what is trusted, what is matched.

mod ill_typed_match;
mod misread_match;
mod self_conflict;
mod smart_pipe;
mod spoofable_trust;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &ill_typed_match::CODE,
        check: Some(ill_typed_match::check),
    },
    Rule {
        code: &misread_match::CODE,
        check: Some(misread_match::check),
    },
    Rule {
        code: &self_conflict::CODE,
        check: Some(self_conflict::check),
    },
    Rule {
        code: &smart_pipe::CODE,
        check: Some(smart_pipe::check),
    },
    Rule {
        code: &spoofable_trust::CODE,
        check: Some(spoofable_trust::check),
    },
];
