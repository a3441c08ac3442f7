//! What may be repeated, and when: the one meaning of `retry`, for the proxy that does it and for all who say what it will do.
//!
//! Never implicitly, except where the request cannot have been seen: a connection that could not be opened, one whose peer refused
//! our certificate, and a stream that was refused, which also depend on the policy. Everything else needs a policy that names it and a
//! method that is idempotent (or a policy that says so). How many tries there are, whether the body can be sent again and what time is
//! left is for the proxy to know.
//!
//! | file | holds |
//! |---|---|
//! | `condition` | what a policy can name, and whether the upstream may have seen the request then |
//! | `policy` | how a try ended, and whether that is repeated |
//! | `budget` | how many retries a cluster may see |

mod budget;
mod condition;
mod policy;

pub use budget::Budget;
pub use condition::{RetryCondition, Seen};
pub use policy::{Ended, Repeats};

/// Repeats of one request that cost it no attempt, because a connection was at its end. After the first it goes over a new connection,
/// which can hardly be at its end.
pub const FREE_REPEATS: u32 = 2;

/// Whether a request with this method may be sent twice without harm (RFC 9110, 9.2.2). `TRACE` is left out: no proxy forwards it.
pub fn is_idempotent(method: &str) -> bool {
    matches!(method, "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PUT")
}

/// The longest wait after so many tries, in milliseconds: `base` after the first, doubled after each, and never beyond `max`. The wait
/// itself is random from nothing up to that.
pub fn longest_wait(tries: u32, base: u32, max: u32) -> u32 {
    let doublings = tries.saturating_sub(1);
    base.saturating_mul(2_u32.saturating_pow(doublings))
        .min(max)
}

#[cfg(test)]
mod tests {
    use super::{is_idempotent, longest_wait};

    #[test]
    fn waits_double_up_to_their_bound() {
        let waits: Vec<u32> = (1..=6).map(|tries| longest_wait(tries, 25, 250)).collect();
        assert_eq!(waits, [25, 50, 100, 200, 250, 250]);
        assert_eq!(longest_wait(0, 25, 250), 25);
        assert_eq!(longest_wait(200, 1, u32::MAX), u32::MAX);
    }

    #[test]
    fn methods_are_told_apart_by_case() {
        assert!(is_idempotent("PUT") && is_idempotent("DELETE"));
        for method in ["POST", "PATCH", "TRACE", "CONNECT", "LINK", "get"] {
            assert!(!is_idempotent(method), "{method}");
        }
    }
}
