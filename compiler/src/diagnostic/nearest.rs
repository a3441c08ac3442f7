//! The known name that a person probably meant.

/// The candidate that is closest to `name`, if one is close enough to be a slip of the fingers.
///
/// About one slip in three letters is accepted. Equal distances go to the candidate that comes first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1.max(name.chars().count() / 3);
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty() && *candidate != name)
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= name.len().max(4))
        .map(|candidate| (slips(name, candidate), candidate))
        .filter(|(slips, _)| *slips <= limit)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

fn slips(name: &str, candidate: &str) -> usize {
    if name.eq_ignore_ascii_case(candidate) {
        return 0;
    }
    strsim::osa_distance(name, candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn swapped_letters_are_one_slip() {
        assert_eq!(nearest("pahts", ["host", "paths"]), Some("paths"));
    }

    #[test]
    fn case_alone_is_no_slip() {
        assert_eq!(
            nearest("BackendRequest", ["request", "backendRequest"]),
            Some("backendRequest")
        );
    }

    #[test]
    fn something_else_is_not_offered() {
        assert_eq!(nearest("zebra", ["orders", "payments"]), None);
    }
}
