//! Why a question has no answer within its bounds. An analysis that ends here has proved nothing.

use std::fmt;

use crate::work;

/// Why an analysis gave up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unknown {
    /// The paths of the table have too many combinations.
    TooManyPaths {
        /// The regular expressions of the table, which are what multiplies; empty if templates alone do.
        expressions: Vec<String>,
    },
    /// The path expressions together need a larger automaton than a slice may carry.
    ExpressionsTooBig {
        /// The expressions.
        expressions: Vec<String>,
    },
    /// The conditions of entries for one path overlap in too many ways.
    TooManyConditions,
    /// Expressions on one header or parameter multiply beyond bounds.
    TooManyValues {
        /// The header or parameter.
        name: String,
    },
    /// The questions of one run take more steps together than one run may.
    TooManySteps,
    /// Two listeners make paths canonical in different ways, so that a path of one is another path of the other.
    OtherPaths,
    /// An expression is about paths that a rewrite makes of parts of others.
    RewrittenPaths,
}

/// Takes steps of what the questions of a run may cost together.
///
/// # Errors
///
/// [`Unknown::TooManySteps`] when there are not so many.
pub(super) fn spend(steps: usize) -> Result<(), Unknown> {
    if work::spend(steps) {
        Ok(())
    } else {
        Err(Unknown::TooManySteps)
    }
}

impl Unknown {
    /// Which bound was met, in kebab case, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooManyPaths { .. } => "too-many-paths",
            Self::ExpressionsTooBig { .. } => "expressions-too-big",
            Self::TooManyConditions => "too-many-conditions",
            Self::TooManyValues { .. } => "too-many-values",
            Self::TooManySteps => "too-many-steps",
            Self::OtherPaths => "other-paths",
            Self::RewrittenPaths => "rewritten-paths",
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyPaths { expressions } if expressions.is_empty() => {
                formatter.write_str("its paths overlap in too many ways")
            }
            Self::TooManyPaths { expressions } => {
                let shown: Vec<String> = expressions
                    .iter()
                    .take(3)
                    .map(|text| format!("`{text}`"))
                    .collect();
                write!(
                    formatter,
                    "its {} path expressions multiply beyond bounds, among them {}",
                    expressions.len(),
                    shown.join(", ")
                )
            }
            Self::ExpressionsTooBig { expressions } => write!(
                formatter,
                "its {} path expressions have too large an automaton",
                expressions.len()
            ),
            Self::TooManyConditions => {
                formatter.write_str("the conditions of its rules overlap in too many ways")
            }
            Self::TooManyValues { name } => write!(
                formatter,
                "the expressions on `{name}` multiply beyond bounds"
            ),
            Self::TooManySteps => {
                formatter.write_str("all questions of this run take too many steps together")
            }
            Self::OtherPaths => {
                formatter.write_str("its listener makes paths canonical in another way")
            }
            Self::RewrittenPaths => formatter
                .write_str("an expression is about paths that a rewrite makes of parts of others"),
        }
    }
}
