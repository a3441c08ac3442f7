//! Rules about redirects and rewrites.

mod follow;
mod method_loss;
mod path_now;
mod places;
mod redirect_loop;
mod redirect_to_nowhere;
mod redirect_without_location;
mod region;
mod set;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &method_loss::CODE,
        check: Some(method_loss::check),
    },
    Rule {
        code: &redirect_loop::CODE,
        check: Some(redirect_loop::check),
    },
    // Found by the walk of `redirect_loop`.
    Rule {
        code: &redirect_to_nowhere::CODE,
        check: None,
    },
    Rule {
        code: &redirect_without_location::CODE,
        check: Some(redirect_without_location::check),
    },
];

#[cfg(test)]
mod tests;
