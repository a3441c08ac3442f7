//! Rules about regular expressions that are valid but say something else, or something simpler, than they seem to.

pub(super) mod expressions;
mod misread_regex;
mod regex_is_simple;
mod unescaped_dot;
mod universal_regex;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &misread_regex::CODE,
        check: Some(misread_regex::check),
    },
    Rule {
        code: &regex_is_simple::CODE,
        check: Some(regex_is_simple::check),
    },
    Rule {
        code: &unescaped_dot::CODE,
        check: Some(unescaped_dot::check),
    },
    Rule {
        code: &universal_regex::CODE,
        check: None,
    },
];
