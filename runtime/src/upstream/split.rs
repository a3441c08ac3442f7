//! Which backend of a route: smooth weighted round robin, exact over every million requests and as even as
//! whole requests allow in between.

use weft_snapshot::plan::Backend;

/// Whose turn it is among the backends of one route on one worker.
#[derive(Debug, Default)]
pub(crate) struct Split {
    credits: Vec<i64>,
}

impl Split {
    /// The cluster of the next request; none when no backend has a share.
    ///
    /// Each backend earns its share per request and pays the total when chosen, so over `total`
    /// requests each is chosen exactly as often as its share says.
    pub(crate) fn next(&mut self, backends: impl Iterator<Item = Backend>) -> Option<u32> {
        let mut total = 0_i64;
        let mut best: Option<(usize, u32, i64)> = None;
        for (position, Backend { cluster, share }) in backends.enumerate() {
            if self.credits.len() <= position {
                self.credits.resize(position + 1, 0);
            }
            let share = i64::from(share);
            total = total.saturating_add(share);
            let Some(credit) = self.credits.get_mut(position) else {
                continue;
            };
            *credit = credit.saturating_add(share);
            let is_better = best.is_none_or(|(_, _, most)| most < *credit);
            if 0 < share && is_better {
                best = Some((position, cluster, *credit));
            }
        }
        let (position, cluster, _) = best?;
        if let Some(credit) = self.credits.get_mut(position) {
            *credit = credit.saturating_sub(total);
        }
        Some(cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(shares: &[u32], requests: u32) -> Vec<u32> {
        let mut split = Split::default();
        let mut counts = vec![0; shares.len()];
        for _ in 0..requests {
            let backends = shares.iter().zip(0..).map(|(share, cluster)| Backend {
                cluster,
                share: *share,
            });
            let cluster = split.next(backends).expect("a backend");
            counts[usize::try_from(cluster).expect("small")] += 1;
        }
        counts
    }

    #[test]
    fn shares_are_exact_over_a_hundred_requests() {
        assert_eq!(count(&[900_000, 100_000], 100), [90, 10]);
        assert_eq!(count(&[333_333, 333_333, 333_334], 300), [100, 100, 100]);
    }

    #[test]
    fn a_small_share_is_spread_evenly() {
        assert_eq!(count(&[900_000, 100_000], 10), [9, 1]);
    }

    #[test]
    fn a_share_of_nothing_gets_nothing() {
        assert_eq!(count(&[1_000_000, 0], 50), [50, 0]);
        assert_eq!(
            Split::default().next(
                [Backend {
                    cluster: 0,
                    share: 0
                }]
                .into_iter()
            ),
            None
        );
    }
}
