//! What `weft explain` says about the class of a change in a diff.

use weft_front::settings::risk::Risk;

use super::indented;

/// All there is to say about a class.
pub(super) fn explain(risk: Risk) -> String {
    let approval = if risk.can_be_approved() {
        "`--approved-by` the teams that own what is touched, on both sides, accepts it, whatever `--max-risk` says"
    } else {
        "`--approved-by` does not accept it: access is its owner's to give, an outage is not; `--max-risk` decides"
    };
    format!(
        "class[{risk:?} {}]\n\n{}\n\nFor example:\n\n{}\nApproval:\n\n{}",
        risk.name(),
        risk.meaning(),
        indented(risk.examples()),
        indented(approval),
    )
}

/// The class of a text such as `A2`, `a2` or `moves-traffic`.
pub(super) fn find(text: &str) -> Option<Risk> {
    let named = Risk::ALL.into_iter().find(|risk| risk.name() == text);
    named.or_else(|| Risk::parse(&text.to_ascii_uppercase()))
}
