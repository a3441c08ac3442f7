//! Which team a file belongs to.

/// Whether a path matches a glob: `*` stands for anything within a segment, `?` for one byte of it, `**` for
/// any number of segments.
pub(crate) fn matches(glob: &str, path: &str) -> bool {
    let glob: Vec<&str> = glob.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    // reached[n]: the glob's segments so far match the first n segments of the path.
    let mut reached = vec![false; path.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for segment in glob {
        let mut next = vec![false; reached.len()];
        if segment == "**" {
            let mut open = false;
            for (slot, before) in next.iter_mut().zip(&reached) {
                open |= *before;
                *slot = open;
            }
        } else {
            let ends = next.iter_mut().skip(1);
            for ((slot, before), text) in ends.zip(&reached).zip(&path) {
                *slot = *before && segment_matches(segment.as_bytes(), text.as_bytes());
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

fn segment_matches(glob: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for symbol in glob {
        let mut next = vec![false; reached.len()];
        if *symbol == b'*' {
            let mut open = false;
            for (slot, before) in next.iter_mut().zip(&reached) {
                open |= *before;
                *slot = open;
            }
        } else {
            for ((slot, before), byte) in next.iter_mut().skip(1).zip(&reached).zip(text) {
                *slot = *before && (*symbol == b'?' || symbol == byte);
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_segment_and_double_stars_do_not() {
        assert!(matches("payments/**", "payments/a/b.yaml"));
        assert!(matches("payments/**", "payments/a.yaml"));
        assert!(matches("**/pay-*.yaml", "pay-a.yaml"));
        assert!(matches("**/pay-*.yaml", "x/y/pay-a.yaml"));
        assert!(matches("a/?.yaml", "a/b.yaml"));
        assert!(!matches("payments/*", "payments/a/b.yaml"));
        assert!(!matches("payments/**", "payments-old/a.yaml"));
        assert!(!matches("a/?.yaml", "a/bc.yaml"));
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let text = "a".repeat(5_000);
        assert!(!matches(&"*a".repeat(1_000), &format!("{text}b")));
    }
}
