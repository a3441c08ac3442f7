//! From plans to the blobs of a snapshot.

mod proved;
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_front::progress::Progress;
use weft_front::threads;
use weft_snapshot::layout::{Bundle, Descriptor, Digest, Manifest};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::{EncodeError, Slice};

use crate::lower::{Lowered, Lowering, Node};
pub use proved::Proved;

/// Why plans have no bytes.
#[derive(Debug, thiserror::Error)]
#[error("the slice of `{node}` cannot be written")]
pub struct EmitError {
    /// The node.
    pub node: String,
    /// What is wrong with its plan.
    #[source]
    pub cause: EncodeError,
}

/// A snapshot as bytes, and what it was made of.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// The bytes; slices that were proved before are not among them.
    pub bundle: Bundle,
    /// The digest of the plan of each node.
    pub plans: BTreeMap<String, Digest>,
}

/// A snapshot that nobody writes to a disk.
#[derive(Debug)]
pub struct InMemory {
    /// The digest of what its manifest would hold.
    pub digest: Digest,
    /// The slices, by node.
    pub slices: BTreeMap<String, Arc<Slice>>,
    /// The bytes of the origins.
    pub origins: Vec<u8>,
}

/// The bytes of a slice, or which ones are there already.
enum Blob {
    Written(Vec<u8>),
    Stored(Descriptor),
}

/// Lowers and writes a mesh node by node, and puts slices and origins together. `verify` sees each plan that was not `proved` before, with
/// what was written of it; after that, the plan is gone.
///
/// # Errors
///
/// An [`EmitError`] for a node whose plan exceeds a bound of slices, or what `verify` says; of the first node by name.
pub fn emit_each<E: From<EmitError> + Send>(
    lowering: &Lowering<'_>,
    proved: &Proved,
    progress: &Progress,
    verify: impl Fn(&NodePlan, &Slice) -> Result<(), E> + Sync,
) -> Result<Emitted, E> {
    let (nodes, origins) = each(lowering, progress, |plan| -> Result<_, E> {
        let digest = plan.digest();
        if let Some(stored) = proved.slice(&plan.settings.node, digest) {
            return Ok((digest, Blob::Stored(stored)));
        }
        let slice = slice(plan)?;
        verify(plan, &slice)?;
        Ok((digest, Blob::Written(slice.into_bytes())))
    })?;
    let (mut plans, mut stored, mut written) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (node, (digest, blob)) in nodes {
        plans.insert(node.clone(), digest);
        match blob {
            Blob::Written(bytes) => written.push((node, bytes)),
            Blob::Stored(descriptor) => {
                stored.insert(node, descriptor);
            }
        }
    }
    let bundle = Bundle::beside(lowering.mesh(), written, stored, origins);
    Ok(Emitted { bundle, plans })
}

/// The same for a snapshot that is asked and not written.
///
/// # Errors
///
/// As [`emit_each`].
pub fn emit_in_memory<E: From<EmitError> + Send>(
    lowering: &Lowering<'_>,
    progress: &Progress,
    verify: impl Fn(&NodePlan, &Slice) -> Result<(), E> + Sync,
) -> Result<InMemory, E> {
    let each = each(lowering, progress, |plan| -> Result<_, E> {
        let slice = slice(plan)?;
        verify(plan, &slice)?;
        Ok(MadeSlice::new(slice))
    })?;
    Ok(in_memory(lowering, each))
}

/// The same beside another mesh, some plans of which may be the same: what was `made` of those is taken as it is, and what is made of the
/// others is added to it. Nothing is verified.
///
/// # Errors
///
/// An [`EmitError`] for the first node, by name, whose plan exceeds a bound of slices.
pub fn emit_beside(
    lowering: &Lowering<'_>,
    made: &mut Made,
    progress: &Progress,
) -> Result<InMemory, EmitError> {
    let known = &made.0;
    let (nodes, origins) = each(lowering, progress, |plan| -> Result<_, EmitError> {
        let digest = plan.digest();
        match known.get(&digest) {
            Some(one) => Ok((digest, one.clone())),
            None => Ok((digest, MadeSlice::new(slice(plan)?))),
        }
    })?;
    let mut kept = Vec::with_capacity(nodes.len());
    for (node, (digest, one)) in nodes {
        made.0.insert(digest, one.clone());
        kept.push((node, one));
    }
    Ok(in_memory(lowering, (kept, origins)))
}

/// Whether every node has a slice within the bounds of the format: all of writing but keeping what is written.
///
/// # Errors
///
/// As [`emit_beside`].
pub fn fits(lowering: &Lowering<'_>, progress: &Progress) -> Result<(), EmitError> {
    progress.begin("compiling nodes", lowering.nodes().len());
    let fits = |Node { plan, origins: _ }: Node| {
        if small::is_small(&plan) {
            Ok(())
        } else {
            slice(&plan).map(drop)
        }
    };
    let done = threads::map(lowering.nodes(), |id| {
        let fits = lowering.node(*id).map_or(Ok(()), fits);
        progress.step();
        fits
    });
    done.into_iter().collect()
}

/// The slices of meshes, by the digests of the plans that they were made of. A slice is a function of its plan, so two meshes of one run
/// may share it.
#[derive(Debug, Default)]
pub struct Made(BTreeMap<Digest, MadeSlice>);

#[derive(Clone, Debug)]
struct MadeSlice {
    descriptor: Descriptor,
    slice: Arc<Slice>,
}

impl MadeSlice {
    fn new(slice: Slice) -> Self {
        Self {
            descriptor: slice.descriptor(),
            slice: Arc::new(slice),
        }
    }
}

fn in_memory(lowering: &Lowering<'_>, (nodes, origins): Each<MadeSlice>) -> InMemory {
    let (mut slices, mut descriptors) = (BTreeMap::new(), BTreeMap::new());
    for (node, MadeSlice { descriptor, slice }) in nodes {
        descriptors.insert(node.clone(), descriptor);
        slices.insert(node, slice);
    }
    let manifest = Manifest {
        mesh: lowering.mesh().to_owned(),
        nodes: descriptors,
        origins: Descriptor::of(&origins),
    };
    InMemory {
        digest: manifest.digest(),
        slices,
        origins,
    }
}

/// What is kept of each node, by name, and the bytes of the origins.
type Each<K> = (Vec<(String, K)>, Vec<u8>);

/// Lowers every node, on several threads, and keeps what `work` makes of its plan.
fn each<K: Send, E: Send>(
    lowering: &Lowering<'_>,
    progress: &Progress,
    work: impl Fn(&NodePlan) -> Result<K, E> + Sync,
) -> Result<Each<K>, E> {
    progress.begin("compiling nodes", lowering.nodes().len());
    let kept = |Node { plan, origins }: Node| -> Result<_, E> {
        let kept = work(&plan)?;
        Ok((plan.settings.node, origins, kept))
    };
    let done = threads::map(lowering.nodes(), |id| {
        let kept = lowering.node(*id).map(kept).transpose();
        progress.step();
        kept
    });
    let mut all = lowering.origins();
    let mut nodes = Vec::with_capacity(done.len());
    for one in done {
        if let Some((node, origins, kept)) = one? {
            all.nodes.insert(node.clone(), origins);
            nodes.push((node, kept));
        }
    }
    Ok((nodes, all.encode()))
}

/// Writes every slice of plans that are at hand, and the origins, and puts them together.
///
/// # Errors
///
/// [`EmitError`] for the first node whose plan exceeds a bound of slices; a checked mesh rarely does.
pub fn emit(lowered: &Lowered) -> Result<Bundle, EmitError> {
    let slices = threads::map(&lowered.plans, |plan| -> Result<_, EmitError> {
        Ok((plan.settings.node.clone(), slice(plan)?.into_bytes()))
    });
    let slices = slices.into_iter().collect::<Result<_, EmitError>>()?;
    let origins = lowered.origins.encode();
    Ok(Bundle::new(&lowered.mesh, slices, origins))
}

fn slice(plan: &NodePlan) -> Result<Slice, EmitError> {
    plan.encode_slice().map_err(|cause| EmitError {
        node: plan.settings.node.clone(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use weft_front::progress::Progress;
    use weft_front::testing::unchecked;
    use weft_snapshot::layout::Bundle;

    use super::{EmitError, Made, Proved, emit, emit_beside, emit_each, emit_in_memory};
    use crate::lower::{Lowering, lower};

    const SPEC: &str = r#"
        # file: b.yaml
        routes: {r: {on: public/web, host: "*", rules: [{path: /x, to: s}]}}
        # file: a.yaml
        services: {t: {protocol: http, app: 127.0.0.1:1}}
        "#;

    #[test]
    fn the_same_spec_gives_the_same_bytes_in_any_order_of_files() {
        let turned = r#"
        # file: a.yaml
        services: {t: {protocol: http, app: 127.0.0.1:1}}
        # file: b.yaml
        routes: {r: {on: public/web, host: "*", rules: [{path: /x, to: s}]}}
        "#;
        let bundle = |text| {
            let (checked, sources) = unchecked(text);
            emit(&lower(&checked, &sources)).unwrap()
        };
        assert_eq!(bundle(SPEC), bundle(turned));
        let spec = bundle(SPEC);
        let nodes: Vec<&String> = spec.contents().nodes.keys().collect();
        assert_eq!(nodes, ["gateway/public", "service/t"]);
    }

    #[test]
    fn node_by_node_the_bytes_are_the_same() {
        let (checked, sources) = unchecked(SPEC);
        let at_once = emit(&lower(&checked, &sources)).unwrap();
        let lowering = Lowering::new(&checked, &sources);
        let (none, silent) = (Proved::default(), Progress::default());
        let each = emit_each::<EmitError>(&lowering, &none, &silent, |_, _| Ok(()));
        assert_eq!(each.unwrap().bundle, at_once);
        let asked = emit_in_memory::<EmitError>(&lowering, &silent, |_, _| Ok(())).unwrap();
        assert_eq!(asked.digest, at_once.digest());
        assert!(asked.slices.keys().eq(at_once.contents().nodes.keys()));
    }

    #[test]
    fn two_meshes_share_the_slices_of_equal_plans_and_no_others() {
        let silent = Progress::default();
        let mut made = Made::default();
        let changed = SPEC.replace("path: /x", "path: /y");
        let [first, second] = [SPEC, &changed].map(|text| {
            let (checked, sources) = unchecked(text);
            let lowering = Lowering::new(&checked, &sources);
            let shared = emit_beside(&lowering, &mut made, &silent).unwrap();
            let alone = emit_in_memory::<EmitError>(&lowering, &silent, |_, _| Ok(())).unwrap();
            assert_eq!(shared.digest, alone.digest);
            shared
        });
        let is_shared = |node: &str| Arc::ptr_eq(&first.slices[node], &second.slices[node]);
        assert!(is_shared("service/t"));
        assert!(!is_shared("gateway/public"));
    }

    /// The nodes that are written and proved where a snapshot of `before` was proved, and the bundle.
    fn written_again(before: &str, after: &str) -> (Vec<String>, Bundle) {
        let (old, old_sources) = unchecked(before);
        let silent = Progress::default();
        let emitted = |lowering: &Lowering<'_>, proved: &Proved| {
            let seen = Mutex::new(Vec::new());
            let emitted = emit_each::<EmitError>(lowering, proved, &silent, |plan, _| {
                seen.lock().unwrap().push(plan.settings.node.clone());
                Ok(())
            });
            (seen.into_inner().unwrap(), emitted.unwrap())
        };
        let lowering = Lowering::new(&old, &old_sources);
        let (_, first) = emitted(&lowering, &Proved::default());
        let proved = Proved::new(first.plans, first.bundle.contents());
        let (new, new_sources) = unchecked(after);
        let lowering = Lowering::new(&new, &new_sources);
        let (mut seen, second) = emitted(&lowering, &proved);
        seen.sort();
        (seen, second.bundle)
    }

    #[test]
    fn only_a_changed_plan_is_written_and_proved_again() {
        let (seen, bundle) = written_again(SPEC, SPEC);
        assert!(seen.is_empty(), "{seen:?}");
        assert_eq!(bundle.stored().count(), 2);
        let (checked, sources) = unchecked(SPEC);
        let whole = emit(&lower(&checked, &sources)).unwrap();
        assert_eq!(bundle.contents(), whole.contents());

        let changed = SPEC.replace("path: /x", "path: /y");
        let (seen, bundle) = written_again(SPEC, &changed);
        assert_eq!(seen, ["gateway/public"]);
        assert_eq!(bundle.stored().count(), 1);
        assert!(bundle.slice("gateway/public").is_some());
        assert!(bundle.slice("service/t").is_none());
    }

    #[test]
    fn a_moved_line_changes_no_plan() {
        let moved = SPEC.replace("services:", "# moved\n        services:");
        let (seen, _) = written_again(SPEC, &moved);
        assert!(seen.is_empty(), "{seen:?}");
    }
}
