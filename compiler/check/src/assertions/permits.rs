//! What a service admits: its permissions and denials, and which requests pass both.

use weft_front::model::{Allow, Caller, Callers, Deny, Mesh, Mtls, Service};
use weft_space::languages::Languages;
use weft_space::{Entry, Reading, Unknown, WitnessRequest, common, takes};

/// Whether the sidecar of a service asks who calls.
pub(crate) fn is_guarded(mesh: &Mesh, service: &Service) -> bool {
    service.app.is_some() && mesh.service_mtls(service) != Mtls::Disabled
}

/// The permissions of a service that name all of some callers.
pub(crate) fn permissions(
    service: &Service,
    callers: impl Into<Callers>,
) -> impl Iterator<Item = &Allow> {
    let callers = callers.into();
    let allows = service.allow.iter();
    allows.filter(move |allow| allow.names(callers))
}

/// What a service denies to all of some callers.
pub(crate) fn denials(
    service: &Service,
    callers: impl Into<Callers>,
) -> impl Iterator<Item = &Deny> {
    let callers = callers.into();
    service.deny.iter().filter(move |deny| deny.names(callers))
}

/// Whether a service lets a request in, as it arrives there from a caller.
pub fn lets_in(
    mesh: &Mesh,
    service: &Service,
    caller: Caller,
    seen: &WitnessRequest,
    languages: &mut Languages,
) -> bool {
    let mut has = |entry: Entry<'_>| takes(&entry, seen, languages);
    let mut allows = permissions(service, caller);
    let mut denied = denials(service, caller);
    !is_guarded(mesh, service)
        || (allows.any(|allow| has(Entry::of(allow))) && !denied.any(|deny| has(Entry::of(deny))))
}

/// The requests of all of some sets that a permission admits from some callers, and nothing denies to all of them: one of them.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub(crate) fn admitted_by(
    mesh: &Mesh,
    service: &Service,
    allow: &Allow,
    callers: impl Into<Callers>,
    wanted: &[&Entry<'_>],
) -> Result<Option<WitnessRequest>, Unknown> {
    let denied: Vec<Entry<'_>> = denials(service, callers).map(Entry::of).collect();
    let allowed = Entry::of(allow);
    let mut sets = wanted.to_vec();
    sets.push(&allowed);
    common(
        &sets,
        &denied,
        Reading::new(mesh.paths_at(service), &mesh.automata),
    )
}

/// The requests of all of some sets that a service admits from a caller: one of them, with the permission that admits it.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub(crate) fn admitted<'mesh>(
    mesh: &'mesh Mesh,
    service: &'mesh Service,
    caller: Caller,
    wanted: &[&Entry<'_>],
) -> Result<Option<(WitnessRequest, Option<&'mesh Allow>)>, Unknown> {
    if !is_guarded(mesh, service) {
        let with = Reading::new(mesh.paths_at(service), &mesh.automata);
        return Ok(common(wanted, &[], with)?.map(|witness| (witness, None)));
    }
    for allow in permissions(service, caller) {
        if let Some(witness) = admitted_by(mesh, service, allow, caller, wanted)? {
            return Ok(Some((witness, Some(allow))));
        }
    }
    Ok(None)
}
