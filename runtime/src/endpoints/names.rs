//! The state of one DNS name: what it resolves to, how long that holds, and when it is asked again.
//!
//! A and AAAA records are two questions with a state each: the answer to one never waits for the other.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::resolver::{Answer, Family, LookupFailure};

/// An answer is kept for at least, and at most, this long, whatever its TTL: nobody is asked without a pause, and
/// nobody forgets that things move.
pub(super) const LEAST: Duration = Duration::from_secs(1);
pub(super) const MOST: Duration = Duration::from_mins(5);
/// The pause after a question that failed: doubled with each failure in a row, up to the second.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// When a question counts as late; its answer is still waited for.
const LATE: Duration = Duration::from_secs(2);

/// One name with both questions about it.
#[derive(Clone, Debug)]
pub(super) struct Name {
    questions: [Question; 2],
}

/// One question about a name.
#[derive(Clone, Debug)]
struct Question {
    family: Family,
    addresses: Vec<IpAddr>,
    failure: Option<LookupFailure>,
    failures_in_a_row: u32,
    ttl: Option<Duration>,
    due: Instant,
    asked: Option<Instant>,
    was_answered: bool,
}

impl Name {
    /// A name that nobody was asked about yet; both questions are due.
    pub(super) fn new(now: Instant) -> Self {
        let questions = Family::ALL.map(|family| Question {
            family,
            addresses: Vec::new(),
            failure: None,
            failures_in_a_row: 0,
            ttl: None,
            due: now,
            asked: None,
            was_answered: false,
        });
        Self { questions }
    }

    /// The questions to be asked now; they count as asked.
    pub(super) fn ask(&mut self, now: Instant) -> Vec<Family> {
        let due = self
            .questions
            .iter_mut()
            .filter(|question| question.asked.is_none() && question.due <= now);
        due.map(|question| {
            question.asked = Some(now);
            question.family
        })
        .collect()
    }

    /// Makes both questions due.
    pub(super) fn hurry(&mut self, now: Instant) {
        for question in &mut self.questions {
            question.due = question.due.min(now);
        }
    }

    /// Takes the outcome of a question, however late. Returns whether an address was confirmed.
    pub(super) fn take(
        &mut self,
        family: Family,
        outcome: Result<Answer, LookupFailure>,
        now: Instant,
    ) -> bool {
        let [v4, v6] = &mut self.questions;
        let (question, other) = match family {
            Family::V4 => (v4, v6),
            Family::V6 => (v6, v4),
        };
        question.asked = None;
        question.was_answered = true;
        match outcome {
            Ok(answer) => {
                question.addresses = answer.addresses;
                question.failure = None;
                question.failures_in_a_row = 0;
                question.wait(answer.ttl, now);
                if other.lacks_addresses() {
                    other.addresses.clear();
                }
                true
            }
            Err(failure) => {
                question.fail(&failure, other, now);
                question.failure = Some(failure);
                false
            }
        }
    }

    /// All addresses in use.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.questions
            .iter()
            .flat_map(|question| question.addresses.iter().copied())
    }

    /// When the next question is due; none while all wait for answers.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let waiting = self.questions.iter().filter(|it| it.asked.is_none());
        waiting.map(|question| question.due).min()
    }

    /// Whether both questions had an outcome, or one of them an address.
    pub(super) fn is_known(&self) -> bool {
        self.questions.iter().any(Question::is_good)
            || self.questions.iter().all(|question| question.was_answered)
    }

    /// What is wrong; none while the addresses are as fresh as they should be.
    pub(super) fn error(&self) -> Option<String> {
        let has_good = self.questions.iter().any(Question::is_good);
        // Where one kind is fresh, the other is missed only if there are addresses of it that may be outdated.
        let harmless = |failure: &LookupFailure, it: &Question| {
            failure.is_definite() || it.addresses.is_empty()
        };
        let mut failures = self.questions.iter().filter_map(|question| {
            let failure = question.failure.as_ref()?;
            (!(has_good && harmless(failure, question))).then_some(failure)
        });
        failures.next().map(LookupFailure::said)
    }

    /// How long the slowest question has been late; none while none is.
    pub(super) fn late(&self, now: Instant) -> Option<Duration> {
        let asked = self.questions.iter().filter_map(|question| question.asked);
        let longest = asked
            .map(|since| now.saturating_duration_since(since))
            .max();
        longest.filter(|waited| LATE <= *waited)
    }

    /// Questions that were asked and are not late.
    pub(super) fn in_time(&self, now: Instant) -> usize {
        let asked = self.questions.iter().filter_map(|question| question.asked);
        asked
            .filter(|since| now.saturating_duration_since(*since) < LATE)
            .count()
    }

    /// How long the addresses hold, within the bounds; none while there are none.
    pub(super) fn ttl(&self) -> Option<Duration> {
        let good = self.questions.iter().filter(|question| question.is_good());
        good.filter_map(|question| question.ttl).min()
    }
}

impl Question {
    fn is_good(&self) -> bool {
        self.failure.is_none() && !self.addresses.is_empty()
    }

    /// Whether the name is there and has no address of this kind.
    fn lacks_addresses(&self) -> bool {
        matches!(self.failure, Some(LookupFailure::NoAddress(_)))
    }

    /// A name with addresses of one kind may have none of the other. One that has none at all has vanished, and
    /// keeps those it had: so nothing is dropped while the answer about the other kind is under way.
    fn fail(&mut self, failure: &LookupFailure, other: &Self, now: Instant) {
        let is_there = matches!(failure, LookupFailure::NoAddress(_)) && other.is_good();
        if is_there && other.asked.is_none() {
            self.addresses.clear();
        }
        let has_nothing_to_lose = failure.is_definite() && self.addresses.is_empty();
        if is_there || (has_nothing_to_lose && other.is_good()) {
            self.failures_in_a_row = 0;
            self.wait(failure.ttl().unwrap_or(MOST), now);
        } else {
            self.pause(now);
        }
    }

    fn wait(&mut self, ttl: Duration, now: Instant) {
        let ttl = ttl.clamp(LEAST, MOST);
        self.ttl = Some(ttl);
        self.due = now + ttl;
    }

    fn pause(&mut self, now: Instant) {
        let doubled = 1_u32 << self.failures_in_a_row.min(8);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.due = now + (PAUSE * doubled).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(addresses: &[&str], ttl: u64) -> Answer {
        Answer {
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
            ttl: Duration::from_secs(ttl),
        }
    }

    fn shown(name: &Name) -> Vec<String> {
        name.addresses().map(|it| it.to_string()).collect()
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_ttl_holds_within_its_bounds() {
        for (ttl, held) in [(0, 1), (1, 1), (7, 7), (300, 300), (86_400, 300)] {
            let now = Instant::now();
            let mut name = Name::new(now);
            assert_eq!(name.ask(now), Family::ALL);
            name.take(Family::V4, Ok(answer(&["10.0.0.1"], ttl)), now);
            name.take(Family::V6, Err(LookupFailure::NoAddress(None)), now);

            assert_eq!(name.next_due(), Some(now + seconds(held)), "{ttl}");
            assert!(
                name.ask(now + seconds(held) - Duration::from_millis(1))
                    .is_empty()
            );
            assert!(name.ask(now + seconds(held)).contains(&Family::V4));
            assert_eq!(name.ttl(), Some(seconds(held)));
        }
    }

    #[test]
    fn a_name_that_vanishes_keeps_its_addresses_and_says_so() {
        let now = Instant::now();
        let mut name = Name::new(now);
        name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now);
        name.take(Family::V6, Err(LookupFailure::NoAddress(None)), now);
        assert_eq!(name.error(), None);

        for failure in [
            LookupFailure::NoName(Some(seconds(900))),
            LookupFailure::Silence,
        ] {
            name.take(Family::V4, Err(failure.clone()), now);
            name.take(Family::V6, Err(failure), now);
            assert_eq!(shown(&name), ["10.0.0.1"]);
            assert!(name.error().is_some());
            assert!(name.next_due().unwrap() <= now + LONGEST_PAUSE);
        }

        name.take(Family::V4, Ok(answer(&["10.0.0.2"], 5)), now);
        assert_eq!(shown(&name), ["10.0.0.2"]);
    }

    #[test]
    fn a_kind_that_goes_while_the_other_stays_is_gone() {
        let now = Instant::now();
        for order in [Family::ALL, [Family::V6, Family::V4]] {
            let mut name = Name::new(now);
            name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now);
            name.take(Family::V6, Ok(answer(&["2001:db8::1"], 5)), now);
            for family in order {
                let outcome = match family {
                    Family::V4 => Ok(answer(&["10.0.0.1"], 5)),
                    Family::V6 => Err(LookupFailure::NoAddress(None)),
                };
                name.take(family, outcome, now);
            }
            assert_eq!(shown(&name), ["10.0.0.1"]);
            assert_eq!(name.error(), None);
        }
    }

    #[test]
    fn both_kinds_of_a_name_that_vanishes_are_kept() {
        let now = Instant::now();
        let mut name = Name::new(now);
        name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now);
        name.take(Family::V6, Ok(answer(&["2001:db8::1"], 5)), now);
        let _both = name.ask(now + seconds(5));
        for failure in [LookupFailure::NoAddress(None), LookupFailure::NoName(None)] {
            for family in Family::ALL {
                name.take(family, Err(failure.clone()), now + seconds(5));
            }
            assert_eq!(shown(&name), ["10.0.0.1", "2001:db8::1"]);
            assert!(name.error().is_some());
        }
    }

    #[test]
    fn a_kind_that_nobody_can_tell_keeps_its_addresses() {
        let now = Instant::now();
        let mut name = Name::new(now);
        name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now);
        name.take(Family::V6, Ok(answer(&["2001:db8::1"], 5)), now);
        name.take(Family::V6, Err(LookupFailure::Server("ServFail")), now);

        assert_eq!(shown(&name), ["10.0.0.1", "2001:db8::1"]);
        assert!(name.error().is_some());
    }

    #[test]
    fn a_kind_that_there_never_was_is_not_missed() {
        let now = Instant::now();
        for failure in [
            LookupFailure::Server("ServFail"),
            LookupFailure::Server("Refused"),
            LookupFailure::Silence,
        ] {
            let mut name = Name::new(now);
            name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now);
            name.take(Family::V6, Err(failure.clone()), now);
            assert_eq!(name.error(), None, "{failure:?}");

            name.take(Family::V4, Err(failure), now);
            assert!(name.error().is_some());
        }
    }

    #[test]
    fn a_late_question_is_said_and_its_answer_taken() {
        let now = Instant::now();
        let mut name = Name::new(now);
        let _both = name.ask(now);
        assert_eq!(name.late(now + seconds(1)), None);
        assert_eq!(name.late(now + seconds(8)), Some(seconds(8)));

        name.take(Family::V4, Ok(answer(&["10.0.0.1"], 5)), now + seconds(8));
        assert_eq!(shown(&name), ["10.0.0.1"]);
    }
}
