//! Sets of failures that are answered with another try.

use weft_front::model::RetryOn;
use weft_front::model::repeated::condition;
use weft_snapshot::repeat::RetryCondition;

/// A set of statuses from 400 to 599, and the end of an attempt by its limit.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Failures([u64; 4]);

/// The position of the end of an attempt by its limit; statuses lie below.
const TIMED_OUT: u32 = 200;

impl Failures {
    /// Those of these reasons that another proxy can retry, too: what a caller sees of its callee's failure. A broken
    /// connection is seen by one proxy alone.
    pub(crate) fn of(reasons: &[RetryOn]) -> Self {
        let mut failures = Self::default();
        for reason in reasons {
            match condition(*reason) {
                RetryCondition::ConnectFailure
                | RetryCondition::RefusedStream
                | RetryCondition::Reset => {}
                RetryCondition::BackendTimeout => failures.insert(TIMED_OUT),
                status @ (RetryCondition::ServerError | RetryCondition::Status(_)) => {
                    let met = (400..600).filter(|number| status.is_met_by(*number));
                    met.for_each(|number| failures.insert(u32::from(number - 400)));
                }
            }
        }
        failures
    }

    fn insert(&mut self, at: u32) {
        let word = usize::try_from(at / 64).ok();
        if let Some(word) = word.and_then(|word| self.0.get_mut(word)) {
            *word |= 1 << (at % 64);
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Those of both.
    pub(crate) fn common(self, other: Self) -> Self {
        let mut common = self;
        for (word, other) in common.0.iter_mut().zip(other.0) {
            *word &= other;
        }
        common
    }

    /// Those of either.
    pub(crate) fn or(self, other: Self) -> Self {
        let mut either = self;
        for (word, other) in either.0.iter_mut().zip(other.0) {
            *word |= other;
        }
        either
    }

    /// The smallest one in words: `503`, `backend-timeout`; a whole class is `5xx`.
    pub(crate) fn words(self) -> String {
        if Self::of(&[RetryOn::ServerError]).common(self) == Self::of(&[RetryOn::ServerError]) {
            return "5xx".to_owned();
        }
        let mut first = 0;
        for word in self.0 {
            if word != 0 {
                first += word.trailing_zeros();
                break;
            }
            first += 64;
        }
        if first == TIMED_OUT {
            "backend-timeout".to_owned()
        } else {
            (first + 400).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_front::model::RetryOn;

    use super::Failures;

    #[test]
    fn a_class_contains_its_statuses_and_a_broken_connection_is_nobody_elses() {
        let class = Failures::of(&[RetryOn::ServerError]);
        for status in 500..600 {
            let one = Failures::of(&[RetryOn::Status(status)]);
            assert_eq!(class.common(one), one);
            assert_eq!(one.words(), status.to_string());
        }
        let timeout = Failures::of(&[RetryOn::BackendTimeout]);
        assert!(
            class
                .common(Failures::of(&[RetryOn::Status(429)]))
                .is_empty()
        );
        assert!(class.common(timeout).is_empty());
        assert_eq!(timeout.words(), "backend-timeout");
        assert_eq!(class.words(), "5xx");
        assert!(Failures::of(&[RetryOn::Reset, RetryOn::ConnectFailure]).is_empty());
    }
}
