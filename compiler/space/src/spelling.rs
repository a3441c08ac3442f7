//! Texts that are none of some labels: which byte keeps spelling a label, and which leaves all of them.

/// Labels, sorted, with a way to follow them byte by byte.
#[derive(Debug)]
pub(super) struct Labels<'label> {
    sorted: Vec<&'label [u8]>,
}

/// The labels that begin with what was read so far.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Spelling {
    first: usize,
    behind: usize,
    depth: usize,
}

impl<'label> Labels<'label> {
    /// These labels, each once.
    pub(super) fn new(labels: impl Iterator<Item = &'label [u8]>) -> Self {
        let mut sorted: Vec<&[u8]> = labels.collect();
        sorted.sort_unstable();
        sorted.dedup();
        Self { sorted }
    }

    /// Before the first byte.
    pub(super) fn start(&self) -> Option<Spelling> {
        (!self.sorted.is_empty()).then_some(Spelling {
            first: 0,
            behind: self.sorted.len(),
            depth: 0,
        })
    }

    /// After a byte; none when no label begins like that.
    pub(super) fn next(&self, at: Option<Spelling>, byte: u8) -> Option<Spelling> {
        let at = at?;
        let part = self.sorted.get(at.first..at.behind)?;
        let before = part.partition_point(|label| label.get(at.depth) < Some(&byte));
        let through = part.partition_point(|label| label.get(at.depth) <= Some(&byte));
        (before < through).then_some(Spelling {
            first: at.first + before,
            behind: at.first + through,
            depth: at.depth + 1,
        })
    }

    /// Whether some label has a byte.
    pub(super) fn have(&self, byte: u8) -> bool {
        self.sorted.iter().any(|label| label.contains(&byte))
    }

    /// Whether what was read is a label.
    pub(super) fn is_label(&self, at: Option<Spelling>) -> bool {
        at.and_then(|at| Some((at, self.sorted.get(at.first)?)))
            .is_some_and(|(at, label)| label.len() == at.depth)
    }

    /// A short text that is no label.
    pub(super) fn fresh(&self) -> String {
        let is_free = |text: &String| self.sorted.binary_search(&text.as_bytes()).is_err();
        let numbered = (1_u32..).map(|number| format!("x{number}"));
        std::iter::once("x".to_owned())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_ends_where_no_label_goes_on() {
        let labels = Labels::new([&b"ab"[..], b"abc", b"b", b"x"].into_iter());
        let read = |text: &[u8]| {
            text.iter()
                .fold(labels.start(), |at, byte| labels.next(at, *byte))
        };
        assert!(labels.is_label(read(b"ab")));
        assert!(labels.is_label(read(b"abc")));
        assert!(!labels.is_label(read(b"a")));
        assert!(read(b"ac").is_none());
        assert!(!labels.is_label(read(b"abcd")));
        assert_eq!(labels.fresh(), "x1");
    }
}
