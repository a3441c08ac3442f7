//! From plans to the blobs of a snapshot.

use weft_snapshot::EncodeError;
use weft_snapshot::layout::Bundle;
use weft_snapshot::plan::NodePlan;

use crate::lower::Lowered;

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

/// A node and the bytes of its slice.
type NamedSlice = (String, Vec<u8>);

/// Below this number of plans for each thread, threads cost more than they save.
const PLANS_PER_THREAD: usize = 32;

/// Writes every slice and the origins, and puts them together.
///
/// # Errors
///
/// [`EmitError`] for the first node whose plan exceeds a bound of slices; a checked mesh rarely does.
pub fn emit(lowered: &Lowered) -> Result<Bundle, EmitError> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(lowered.plans.len() / PLANS_PER_THREAD)
        .max(1);
    let chunk = lowered.plans.len().div_ceil(threads).max(1);
    let slices: Result<Vec<Vec<NamedSlice>>, EmitError> = std::thread::scope(|scope| {
        let running: Vec<_> = lowered
            .plans
            .chunks(chunk)
            .map(|plans| scope.spawn(|| plans.iter().map(slice).collect()))
            .collect();
        let finished = running.into_iter().map(|thread| {
            // Not reached: encoding does not panic.
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        finished.collect()
    });
    let slices = slices?.into_iter().flatten().collect();
    Ok(Bundle::new(&lowered.mesh, slices, lowered.origins.encode()))
}

fn slice(plan: &NodePlan) -> Result<NamedSlice, EmitError> {
    let node = plan.settings.node.clone();
    match plan.encode() {
        Ok(bytes) => Ok((node, bytes)),
        Err(cause) => Err(EmitError { node, cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::emit;
    use crate::lower::lower;
    use crate::rules::testing::checked;

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
            let (checked, sources) = checked(text);
            emit(&lower(&checked, &sources)).unwrap()
        };
        assert_eq!(bundle(SPEC), bundle(turned));
        let manifest = bundle(SPEC).read_manifest().unwrap();
        let nodes: Vec<&String> = manifest.nodes.keys().collect();
        assert_eq!(nodes, ["gateway/public", "service/t"]);
    }
}
