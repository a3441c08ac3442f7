//! What governs a mesh, as one side says it.

use weft_back::lower::Lines;
use weft_front::model::Mesh;
use weft_front::model::governed::GovernedKind;
use weft_front::source::Sources;

/// So much is shown of how something is written; all of it is compared.
const SHOWN: usize = 400;

/// Something that governs, as one side has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Governed {
    pub(super) kind: GovernedKind,
    pub(super) name: String,
    /// What is compared.
    pub(super) content: String,
    /// How it is written.
    pub(super) text: String,
    pub(super) place: Option<String>,
}

/// What governs a mesh.
pub(super) fn of(mesh: &Mesh, sources: &Sources) -> Vec<Governed> {
    let lines = Lines::new(sources);
    let found = mesh.governed.iter().map(|one| {
        let place = lines.place(one.span).and_then(|place| {
            let file = sources.file(one.span.file)?;
            Some(format!("{}:{}", file.path, place.line))
        });
        let words = sources.text(one.span).split_whitespace();
        let text = match one.kind {
            // Its place is that of the mesh, which says more than this.
            GovernedKind::Platform => one.content.clone(),
            GovernedKind::Team
            | GovernedKind::Guardrail
            | GovernedKind::Exemption
            | GovernedKind::Assertion
            | GovernedKind::Suppression
            | GovernedKind::Declaration => words.collect::<Vec<_>>().join(" "),
        };
        let plain = text
            .chars()
            .map(|one| if one.is_control() { ' ' } else { one });
        Governed {
            kind: one.kind,
            name: one.name.clone(),
            content: one.content.clone(),
            text: plain.take(SHOWN).collect(),
            place,
        }
    });
    found.collect()
}
