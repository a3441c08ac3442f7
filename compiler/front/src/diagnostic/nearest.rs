//! The known name that a person probably meant.

/// No slip of the fingers is looked for in a longer name, in bytes: the time it takes grows with the square.
const LONGEST: usize = 256;

/// The candidate that is closest to `name`, if one is close enough to be a slip of the fingers.
///
/// About one slip in three letters is accepted. Equal distances go to the candidate that comes first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1.max(name.chars().count() / 3);
    if LONGEST < name.len() {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty() && *candidate != name)
        // A slip changes the length by one symbol at most, and a symbol has up to four bytes.
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit.saturating_mul(4))
        .map(|candidate| (slips(name, candidate), candidate))
        .filter(|(slips, _)| *slips <= limit)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Whether two names may be at most so many slips apart: a slip changes how often letters are there by two at most. It is much
/// cheaper than to count the slips.
pub fn may_be_near(name: &str, other: &str, slips: usize) -> bool {
    // A symbol has up to four bytes.
    let bound = if name.is_ascii() && other.is_ascii() {
        2
    } else {
        8
    };
    let most = slips.saturating_mul(bound);
    // Which letters there are is seen in a tenth of the time that counting them takes, and settles it for most names.
    let letters = |text: &str| text.bytes().fold(0_u64, |set, byte| set | 1 << (byte % 64));
    let unlike = (letters(name) ^ letters(other)).count_ones();
    if usize::try_from(unlike).is_ok_and(|unlike| most < unlike) {
        return false;
    }
    let mut counts = [0_i32; 256];
    let mut change = |text: &str, by: i32| {
        for byte in text.bytes() {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count += by;
            }
        }
    };
    change(name, 1);
    change(other, -1);
    let differing: u32 = counts.iter().map(|count| count.unsigned_abs()).sum();
    usize::try_from(differing).is_ok_and(|differing| differing <= most)
}

/// Whether two words have the same letters and digits, written in another form: `trust_domain` for `trustDomain`.
pub(super) fn is_same_word(word: &str, other: &str) -> bool {
    let letters = |word: &str| -> String {
        let letters = word.chars().filter(|symbol| !matches!(symbol, '_' | '-'));
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(word) == letters(other)
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
    fn letters_tell_that_names_are_far_apart() {
        assert!(super::may_be_near("orders", "ordesr", 1));
        assert!(super::may_be_near("orders", "order", 1));
        assert!(super::may_be_near("ordérs", "orders", 1));
        assert!(!super::may_be_near("orders", "ledger", 1));
    }

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
    fn the_form_of_a_word_is_no_other_word() {
        assert!(super::is_same_word("Trust-Domain", "trustDomain"));
        assert!(!super::is_same_word("trustDomian", "trustDomain"));
    }

    #[test]
    fn something_else_is_not_offered() {
        assert_eq!(nearest("zebra", ["orders", "payments"]), None);
    }
}
