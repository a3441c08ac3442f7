//! What is repeated of a request, where that is less than the policy of its rule names.

use weft_snapshot::plan::Retry;
use weft_snapshot::repeat::{Repeats, RetryCondition, Seen};

/// Why a policy does not do for a request with this method what it names, in words; none where it does.
pub(super) fn less(policy: &Retry, method: &str) -> Option<String> {
    if policy.attempts < 2 || Repeats::new(policy, method).may_repeat() {
        return None;
    }
    let is_kept = |condition: &RetryCondition| condition.seen() == Seen::No;
    let (kept, left): (Vec<_>, Vec<_>) = policy.conditions().partition(is_kept);
    if left.is_empty() {
        return None;
    }
    let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    let again = match kept.as_slice() {
        [] => "never tried again".to_owned(),
        kept => format!("tried again on {} alone", kept.join(", ")),
    };
    Some(format!("{method} is not idempotent: {again}"))
}

#[cfg(test)]
mod tests {
    use weft_snapshot::plan::Retry;

    use super::less;

    #[test]
    fn a_method_that_is_not_idempotent_is_repeated_only_where_nobody_saw_it() {
        let policy = Retry {
            attempts: 3,
            on_connect_failure: true,
            on_statuses: vec![503],
            ..Retry::never()
        };
        let said = "POST is not idempotent: tried again on connect-failure alone";
        assert_eq!(less(&policy, "POST").as_deref(), Some(said));
        assert_eq!(less(&policy, "PUT"), None);
        let seen = Retry {
            on_connect_failure: false,
            ..policy
        };
        let said = "POST is not idempotent: never tried again";
        assert_eq!(less(&seen, "POST").as_deref(), Some(said));
    }

    #[test]
    fn nothing_is_said_where_the_policy_does_what_it_names() {
        let unseen = Retry {
            attempts: 3,
            on_connect_failure: true,
            ..Retry::never()
        };
        assert_eq!(less(&unseen, "POST"), None);
        let harmless = Retry {
            on_reset: true,
            idempotent: true,
            ..unseen
        };
        assert_eq!(less(&harmless, "POST"), None);
        let never = Retry {
            attempts: 1,
            on_reset: true,
            ..Retry::never()
        };
        assert_eq!(less(&never, "POST"), None);
    }
}
