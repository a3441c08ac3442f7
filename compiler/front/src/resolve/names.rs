//! From names to ids, and what to say about names that lead nowhere.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use weft_space::work;
use weft_spec::{Span, Spanned};

use super::codes::{DUPLICATE_DEFINITION, UNKNOWN_REFERENCE};
use crate::diagnostic::{Diagnostic, Diagnostics, may_be_near};
use crate::model::{CertificateId, GatewayId, ServiceId, TeamId};

/// What it costs to look whether a name may be near another, and to count by how much they differ (`weft_space::work`).
const LOOK_STEPS: usize = 8;
const COMPARE_STEPS: usize = 32;
/// So many names are listed where none is near.
const LISTED: usize = 8;

/// The ids of all definitions, by name.
#[derive(Debug, Default)]
pub(super) struct Names<'spec> {
    pub(super) services: BTreeMap<&'spec str, ServiceId>,
    pub(super) gateways: BTreeMap<&'spec str, GatewayId>,
    pub(super) certificates: BTreeMap<&'spec str, CertificateId>,
    pub(super) teams: BTreeMap<&'spec str, TeamId>,
    /// The names of all listeners, once one was not found.
    pub(super) listeners: OnceCell<Vec<String>>,
}

/// Definitions of one kind from all files, by name; a name that is defined again is reported and left out.
pub(super) fn unique<'spec, T>(
    kind: &str,
    definitions: impl Iterator<Item = &'spec (Spanned<String>, Spanned<T>)>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<&'spec str, &'spec (Spanned<String>, Spanned<T>)> {
    let mut unique: BTreeMap<&str, &(Spanned<String>, Spanned<T>)> = BTreeMap::new();
    for definition in definitions {
        let (name, _) = definition;
        match unique.get(name.value.as_str()) {
            None => {
                unique.insert(&name.value, definition);
            }
            Some((first, _)) => {
                let what = format!("{kind} `{}`", name.value);
                diagnostics.push(defined_twice(&what, first.span, name.span));
            }
        }
    }
    unique
}

/// Says that something has two definitions.
pub(super) fn defined_twice(what: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::new(
        &DUPLICATE_DEFINITION,
        second,
        format!("{what} is defined twice"),
    )
    .saying("defined again here")
    .label(first, "first defined here")
    .help("rename or remove one of them")
}

/// Follows a name, or says that it leads nowhere.
pub(super) fn follow<T: Copy>(
    kind: &str,
    known: &BTreeMap<&str, T>,
    name: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    if let Some(id) = known.get(name.value.as_str()) {
        return Some(*id);
    }
    if diagnostics.is_full(name.span.file) {
        diagnostics.count_error(name.span.file);
    } else {
        diagnostics.push(unknown(kind, &name.value, name.span, known.keys().copied()));
    }
    None
}

/// Says that a name leads nowhere, and which one is near.
pub(super) fn unknown<'name>(
    kind: &str,
    name: &str,
    span: Span,
    known: impl Iterator<Item = &'name str>,
) -> Diagnostic {
    let message = format!("there is no {kind} `{name}`");
    with_nearest(
        Diagnostic::new(&UNKNOWN_REFERENCE, span, message),
        kind,
        name,
        known,
    )
}

/// Adds the nearest known name, or what is known, as help.
pub(super) fn with_nearest<'name>(
    diagnostic: Diagnostic,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'name str>,
) -> Diagnostic {
    // Once no nearer one is looked for, all that matters of the names is whether they are few: there may be a hundred thousand.
    let looked_at = if work::is_spent() {
        LISTED.saturating_add(1)
    } else {
        usize::MAX
    };
    let known: Vec<&str> = known.take(looked_at).collect();
    if let Some(meant) = meant(kind, name, &known) {
        let span = diagnostic.primary.span;
        return match meant {
            Meant::Name(name) => diagnostic
                .help(format!("write `{name}`"))
                .propose(span, name),
            Meant::Advice(advice) => diagnostic.help(advice),
        };
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => {
            let span = diagnostic.primary.span;
            diagnostic
                .help(format!("write `{near}`"))
                .propose(span, near)
        }
        None if known.is_empty() && kind == "team" => {
            diagnostic.help("write `platform`, or define the team in `mesh.teams`")
        }
        None if known.is_empty() => diagnostic.help(format!("define a {kind} of that name")),
        None if known.len() <= LISTED => {
            let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            diagnostic.help(format!("use one of {}", list.join(", ")))
        }
        None => diagnostic.help(format!("define a {kind} of that name, or use another")),
    }
}

/// What was meant by a name with more in it than a name.
enum Meant {
    Name(String),
    Advice(String),
}

/// A name with its kind in front, its port or version behind, an identity, or a URL.
fn meant(kind: &str, name: &str, known: &[&str]) -> Option<Meant> {
    // An identity ends with the kind and the name.
    let short = match name.split_once("://") {
        Some(("spiffe", rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        Some(_) if kind == "service" => {
            let advice = "name a service here; where it is reached is said by its definition, `services: {orders: {protocol: http, endpoints: [\"10.0.1.5:15443\"]}}`";
            return Some(Meant::Advice(advice.to_owned()));
        }
        Some(_) => return None,
        None => name,
    };
    let is_known = |name: &str| known.contains(&name);
    let slashed = short.replacen(':', "/", 1);
    let (last, front) = (
        short.rsplit('/').next().unwrap_or_default(),
        short.split([':', '/', '.']).next(),
    );
    for candidate in [short, slashed.as_str(), last] {
        if candidate != name && is_known(candidate) {
            return Some(Meant::Name(candidate.to_owned()));
        }
    }
    let (front, behind) = (
        front.filter(|front| is_known(front))?,
        short.split_once(':'),
    );
    match behind {
        Some((before, version)) if before == front && kind == "service" => {
            let is_port = version.bytes().all(|byte| byte.is_ascii_digit());
            Some(Meant::Name(if is_port {
                front.to_owned()
            } else {
                format!("{front}@{version}")
            }))
        }
        _ => None,
    }
}

/// The known name that differs least, if it differs little.
pub(super) fn nearest<'name>(
    name: &str,
    known: impl Iterator<Item = &'name str>,
) -> Option<&'name str> {
    // Names are short; long texts are not worth the quadratic comparison.
    if 128 < name.len() {
        return None;
    }
    let limit = (name.chars().count() / 3).max(1);
    let near = known
        .take_while(|_| work::spend(LOOK_STEPS))
        .filter(|other| other.len() <= 128 && may_be_near(name, other, limit))
        .take_while(|_| work::spend(COMPARE_STEPS))
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min();
    // Where not all names were looked at, there may be a nearer one.
    near.filter(|_| !work::is_spent()).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use weft_space::work;

    use weft_spec::{FileId, Span};

    use super::{nearest, unknown};

    #[test]
    fn only_a_near_name_is_offered() {
        let known = ["orders", "payments", "web"];
        assert_eq!(nearest("order", known.into_iter()), Some("orders"));
        assert_eq!(nearest("ordesr", known.into_iter()), Some("orders"));
        assert_eq!(nearest("ledger", known.into_iter()), None);
    }

    #[test]
    fn a_name_with_more_in_it_is_told_apart() {
        use super::{Meant, meant};
        let known = ["hello", "gateway/public"];
        for (kind, name, wanted) in [
            ("service", "service/hello", "hello"),
            ("service", "hello:v2", "hello@v2"),
            ("service", "hello:9000", "hello"),
            ("service", "http://127.0.0.1:9000", "name a service here"),
            ("caller", "spiffe://a.b/gateway/public", "gateway/public"),
            ("caller", "gateway:public", "gateway/public"),
        ] {
            let told = match meant(kind, name, &known) {
                Some(Meant::Name(text) | Meant::Advice(text)) => text,
                None => "nothing".to_owned(),
            };
            assert!(told.starts_with(wanted), "{name} {told}");
        }
        assert!(meant("service", "helo", &known).is_none());
    }

    #[test]
    fn near_names_are_looked_for_within_the_steps() {
        let known: Vec<String> = (0..1_000).map(|at| format!("service-{at}")).collect();
        let nearest = || nearest("service-1000", known.iter().map(String::as_str));
        let (found, spent) = work::within(1 << 20, nearest);
        assert!(found.is_some() && !spent.is_exceeded);
        let (found, spent) = work::within(1_000, nearest);
        assert!(found.is_none() && spent.is_exceeded);
    }

    #[test]
    fn names_are_not_gone_through_again_once_the_steps_are_spent() {
        let names: Vec<String> = (0..1_000).map(|at| format!("service-{at}")).collect();
        let asked = std::cell::Cell::new(0);
        let known = || {
            let count = |_: &&str| asked.set(asked.get() + 1);
            names.iter().map(String::as_str).inspect(count)
        };
        let span = Span::new(FileId(0), 0, 0);
        let helps = work::within(1_000, || {
            let first = unknown("service", "nobody", span, known());
            let (after_one, second) = (asked.get(), unknown("service", "nobody", span, known()));
            assert_eq!((after_one, asked.get()), (1_000, 1_009));
            (first.help, second.help)
        });
        assert_eq!(helps.0.0, helps.0.1);
    }
}
