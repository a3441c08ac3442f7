//! Requests whose outcome depends on the order of entries that nothing orders.

use std::collections::BTreeSet;

use super::cube::Cube;
use super::leaf::Leaf;
use super::residual::{residual, sample};
use super::table::{Order, Pairing, Sample, Solved, Taken};
use super::unknown::{Unknown, spend};

/// Entries that requests of one path can have together.
#[derive(Clone, Copy)]
pub(super) struct Met<'one> {
    pub(super) list: &'one [u32],
    pub(super) solved: &'one Solved,
    pub(super) path: &'one str,
}

/// Finds requests whose outcome depends on the order of entries that no precedence orders: those that both
/// match and no entry takes that decides over one of them.
pub(super) fn open(
    taken: &mut Taken,
    met: Met<'_>,
    order: &dyn Order,
    pairs: &mut BTreeSet<(u32, u32)>,
) -> Result<(), Unknown> {
    let Met { list, solved, path } = met;
    for (nth, second) in list.iter().enumerate() {
        let met = solved.meeting(nth).into_iter();
        for earlier in met.take_while(|earlier| *earlier < nth) {
            let Some(first) = list.get(earlier) else {
                continue;
            };
            let pair = (*first, *second);
            if pairs.contains(&pair) {
                continue;
            }
            spend(8)?;
            match order.pairing(*first, *second) {
                Pairing::Settled => continue,
                Pairing::Identical => {
                    pairs.insert(pair);
                    taken.identical.push(pair);
                    continue;
                }
                Pairing::Open => {}
            }
            let cube = |nth: usize| solved.cubes.get(nth).and_then(Option::as_ref);
            let (Some(left), Some(right)) = (cube(earlier), cube(nth)) else {
                continue;
            };
            solved.leaf.spend(1)?;
            let Some(both) = solved.leaf.layout.intersection(left, right) else {
                continue;
            };
            spend(list.len().saturating_mul(8))?;
            let is_above = |third: u32| {
                order.decides(third, *first) && third != *first
                    || order.decides(third, *second) && third != *second
            };
            let above = list.iter().zip(&solved.cubes);
            let above = above.filter(|(third, _)| is_above(**third));
            let above: Vec<(u32, &Cube)> = above
                .filter_map(|(third, cube)| Some((*third, cube.as_ref()?)))
                .collect();
            let left = residual(&solved.leaf, &both, above.iter().map(|(_, cube)| *cube))?;
            if let Some(point) = sample(&solved.leaf, &left) {
                pairs.insert(pair);
                let path = path.to_owned();
                taken
                    .undecided
                    .push((*first, *second, Sample { path, point }));
            } else {
                settled(taken, &solved.leaf, &both, &above)?;
            }
        }
    }
    Ok(())
}

/// Notes the entries that decide about some of the requests of a cube alone: without them, nothing would.
fn settled(
    taken: &mut Taken,
    leaf: &Leaf,
    both: &Cube,
    above: &[(u32, &Cube)],
) -> Result<(), Unknown> {
    for (third, _) in above {
        let position = usize::try_from(*third).unwrap_or(usize::MAX);
        let Some(has_effect) = taken.has_effect.get_mut(position).filter(|known| !**known) else {
            continue;
        };
        let others = above.iter().filter(|(other, _)| other != third);
        let left = residual(leaf, both, others.map(|(_, cube)| *cube))?;
        *has_effect = !left.is_empty();
    }
    Ok(())
}
