//! `same` about the way of requests, against what arrives by the slices of random specs.

use weft_front::model::assertion::{Form, Region};
use weft_snapshot::Slice;
use weft_snapshot::plan::NodePlan;
use weft_space::languages::Languages;
use weft_space::{Entry, WitnessRequest, takes};
use weft_testing::{Random, rounds};

use super::tests::{CompiledMesh, access, spec};
use crate::both::Both;
use crate::diff::met;
use crate::same::asked;
use crate::tests::oracle::written::path;

#[test]
fn same_arrives_as_before() {
    let (mut same, mut other, mut unknown) = (0, 0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 16_000_000);
        let (asked_path, methods) = (path(&mut random), random.pick(&["", "GET", "POST, PUT"]));
        let assertion =
            format!("same: {{for: {{path: {asked_path}, methods: [{methods}]}}, as: x}}");
        let old_access = access(&mut random);
        let new_access = match random.below(4) {
            0 => old_access.replacen("GET, ", "", 1),
            1 => old_access.replacen("gateway/g", "service/v", 1),
            2 => old_access.replacen("/a/**", "/a", 1),
            _ => access(&mut random),
        };
        let rules = u64::from(seed) + 17_000_000;
        let made =
            |access: &str| CompiledMesh::new(&spec(&mut Random::new(rules), access, &assertion));
        let (old, new) = (made(&old_access), made(&new_access));
        let Form::Same { region, .. } = &new.checked.mesh().assertions[0].form else {
            panic!("a comparison");
        };
        let asked = asked(new.checked.mesh(), region);
        let plans = |made: &CompiledMesh| -> Vec<NodePlan> {
            made.slices.values().map(Slice::plan).collect()
        };
        let differs = |gateway: &str, method: &str, path: &str| {
            old.arrives(gateway, method, path) != new.arrives(gateway, method, path)
        };
        let sides = Both {
            old: plans(&old),
            new: plans(&new),
        };
        match met(sides.as_ref().map(Vec::as_slice), &asked) {
            Ok(None) => {
                for gateway in ["gateway/g", "gateway/h"] {
                    for (method, path) in new.calls(gateway) {
                        let is_asked = is_in(region, method, path);
                        assert!(
                            !is_asked || !differs(gateway, method, path),
                            "{seed}: {gateway} {method} {path}"
                        );
                    }
                }
                same += 1;
            }
            Ok(Some(met)) => {
                let words: Vec<&str> = met.shown.split(' ').collect();
                let method = match words.as_slice() {
                    [_, "-X", method, _] => method,
                    [_, "-I", _] => "HEAD",
                    _ => "GET",
                };
                let url = words.last().unwrap().trim_matches('\'');
                let to = url.strip_prefix("http://x.example").unwrap();
                let path = to.get(to.find('/').unwrap()..).unwrap();
                let is_shown = ["gateway/g", "gateway/h"].into_iter();
                let mut is_shown = is_shown.map(|gateway| differs(gateway, method, path));
                assert!(
                    is_in(region, method, path) && is_shown.any(|one| one),
                    "{seed}: {met:?}"
                );
                other += 1;
            }
            Err(_) => unknown += 1,
        }
    }
    assert!(
        30 < same && 30 < other && unknown < same,
        "{same}, {other}, {unknown}"
    );
}

fn is_in(region: &Region, method: &str, path: &str) -> bool {
    let request = WitnessRequest::plain(method, "x.example", path);
    takes(
        &Entry::of(&region.matched),
        &request,
        &mut Languages::default(),
    )
}
