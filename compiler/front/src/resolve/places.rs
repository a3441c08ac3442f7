//! Suppressions: the places they name become parts of the text.

use std::collections::{BTreeMap, BTreeSet};

use weft_spec::mesh::{self, Exemption};
use weft_spec::suppression::{self, Place};
use weft_spec::units::Date;
use weft_spec::{File, FileId, Named, Span, Spanned};

use super::names::{Names, follow, unknown};
use crate::diagnostic::Diagnostics;
use crate::model::owners::PLATFORM;
use crate::model::suppression::{Grant, Subject};
use crate::model::{Mesh, Route, RouteId, suppression as model};

/// Adds the suppressions of all files to a mesh that is resolved otherwise.
pub(super) fn resolve(
    names: &Names<'_>,
    mesh: &mut Mesh,
    (written, files): (&Spanned<mesh::Mesh>, &[(FileId, File)]),
    diagnostics: &mut Diagnostics,
) {
    let guardrails = &written.value.guardrails;
    let suppressions = files.iter().flat_map(|(_, file)| &file.suppressions);
    let suppressions: Vec<&Spanned<suppression::Suppression>> = suppressions.collect();
    let has_exemptions = guardrails.iter().any(|one| !one.value.exempt.is_empty());
    if suppressions.is_empty() && !has_exemptions {
        return;
    }
    let known = Known::new(names, mesh, files);
    let suppressions = suppressions
        .into_iter()
        .filter_map(|one| suppression(&known, one, diagnostics))
        .collect();
    let mut exemptions = Vec::new();
    for (guardrail, one) in guardrails.iter().enumerate() {
        for written in &one.value.exempt {
            let Exemption {
                place,
                max,
                reason,
                owner,
                until,
            } = &written.value;
            let place = known.place(&place.value, diagnostics);
            let grant = known.grant(owner, reason, *until, diagnostics);
            if let (Some(place), Some(grant)) = (place, grant) {
                let max = max.clone();
                exemptions.push(model::Exemption {
                    guardrail,
                    place,
                    max,
                    grant,
                });
            }
        }
    }
    let written = known.subjects();
    mesh.written = written;
    mesh.suppressions = suppressions;
    mesh.exemptions = exemptions;
}

/// Everything that a place can name.
struct Known<'spec> {
    names: &'spec Names<'spec>,
    mesh: &'spec Mesh,
    routes: BTreeMap<&'spec str, RouteId>,
    written: Written<'spec>,
}

/// The text of every definition, by name.
#[derive(Default)]
struct Written<'spec> {
    routes: BTreeMap<&'spec str, Span>,
    services: BTreeMap<&'spec str, Span>,
    gateways: BTreeMap<&'spec str, Span>,
}

impl<'spec> Known<'spec> {
    fn new(names: &'spec Names<'spec>, mesh: &'spec Mesh, files: &'spec [(FileId, File)]) -> Self {
        fn extend<'spec, T>(
            regions: &mut BTreeMap<&'spec str, Span>,
            definitions: &'spec Named<T>,
        ) {
            for (name, definition) in definitions {
                // A name that is defined again is left out everywhere.
                regions.entry(&name.value).or_insert(Span {
                    end: definition.span.end.max(name.span.end),
                    ..name.span
                });
            }
        }
        let mut written = Written::default();
        for (_, file) in files {
            extend(&mut written.routes, &file.routes);
            extend(&mut written.services, &file.services);
            extend(&mut written.gateways, &file.gateways);
        }
        let routes = mesh.routes.iter();
        Self {
            names,
            mesh,
            routes: routes
                .map(|(id, route)| (route.name.value.as_str(), id))
                .collect(),
            written,
        }
    }

    fn place(&self, place: &Place, diagnostics: &mut Diagnostics) -> Option<model::SpecPart> {
        let definition = |name: &Spanned<String>, regions: &BTreeMap<&str, Span>| {
            regions
                .get(name.value.as_str())
                .copied()
                .into_iter()
                .collect()
        };
        let (subject, span, regions) = match place {
            Place::Route { route, rule } => {
                return self.route(route, rule.as_ref(), diagnostics);
            }
            Place::Service(name) => {
                let id = follow("service", &self.names.services, name, diagnostics)?;
                let regions = definition(name, &self.written.services);
                (Subject::Service(id), name.span, regions)
            }
            Place::Gateway(name) => {
                let id = follow("gateway", &self.names.gateways, name, diagnostics)?;
                let regions = definition(name, &self.written.gateways);
                (Subject::Gateway(id), name.span, regions)
            }
            Place::Host(host) => {
                let regions = self.routes_of(host.value.as_str());
                if regions.is_empty() {
                    let routes = self.mesh.routes.values();
                    let hosts: BTreeSet<&str> = routes.flat_map(Route::host_names).collect();
                    let hosts = hosts.into_iter();
                    diagnostics.push(unknown("host", host.value.as_str(), host.span, hosts));
                    return None;
                }
                let host_name = host.value.as_str().to_owned();
                (Subject::Host(host_name), host.span, regions)
            }
        };
        Some(model::SpecPart {
            subject,
            rule: None,
            span,
            regions,
        })
    }

    /// The text of every definition.
    fn subjects(&self) -> Vec<(Span, Subject)> {
        let routes = self.routes.iter().filter_map(|(name, id)| {
            let region = self.written.routes.get(name)?;
            Some((*region, Subject::Route(*id)))
        });
        let services = self.written.services.iter().filter_map(|(name, region)| {
            let id = self.names.services.get(name)?;
            Some((*region, Subject::Service(*id)))
        });
        let gateways = self.written.gateways.iter().filter_map(|(name, region)| {
            let id = self.names.gateways.get(name)?;
            Some((*region, Subject::Gateway(*id)))
        });
        routes.chain(services).chain(gateways).collect()
    }

    fn routes_of(&self, host: &str) -> Vec<Span> {
        let routes = self.mesh.routes.values();
        routes
            .filter(|route| route.host(host).is_some())
            .filter_map(|route| self.written.routes.get(route.name.value.as_str()).copied())
            .collect()
    }

    fn route(
        &self,
        name: &Spanned<String>,
        rule: Option<&Spanned<String>>,
        diagnostics: &mut Diagnostics,
    ) -> Option<model::SpecPart> {
        let Some(whole) = self.written.routes.get(name.value.as_str()) else {
            let known = self.written.routes.keys().copied();
            diagnostics.push(unknown("route", &name.value, name.span, known));
            return None;
        };
        // A route without a listener was reported and left out.
        let id = *self.routes.get(name.value.as_str())?;
        let Some(rule) = rule else {
            return Some(model::SpecPart {
                subject: Subject::Route(id),
                rule: None,
                span: name.span,
                regions: vec![*whole],
            });
        };
        let rules = &self.mesh.routes.entry(id).rules;
        let is_it = |one: &crate::model::Rule| {
            let own = one.name.as_ref();
            own.is_some_and(|own| own.value == rule.value)
        };
        let Some(position) = rules.iter().position(is_it) else {
            let names = rules.iter().filter_map(|rule| rule.name.as_ref());
            let names = names.map(|name| name.value.as_str());
            diagnostics.push(unknown("named rule", &rule.value, rule.span, names));
            return None;
        };
        let region = rules.get(position).map(|rule| rule.span);
        Some(model::SpecPart {
            subject: Subject::Route(id),
            rule: Some(position),
            span: rule.span,
            regions: region.into_iter().collect(),
        })
    }

    fn grant(
        &self,
        owner: &Spanned<String>,
        reason: &Spanned<String>,
        until: Spanned<Date>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Grant> {
        let id = if owner.value == PLATFORM {
            None
        } else {
            Some(follow("team", &self.names.teams, owner, diagnostics)?)
        };
        Some(Grant {
            reason: reason.clone(),
            owner: Spanned::new(id, owner.span),
            until,
        })
    }
}

fn suppression(
    known: &Known<'_>,
    written: &Spanned<suppression::Suppression>,
    diagnostics: &mut Diagnostics,
) -> Option<model::Suppression> {
    let suppression::Suppression {
        code,
        at,
        reason,
        owner,
        until,
    } = &written.value;
    let place = known.place(&at.value, diagnostics);
    let grant = known.grant(owner, reason, *until, diagnostics);
    Some(model::Suppression {
        code: code.clone(),
        place: place?,
        grant: grant?,
        span: written.span,
    })
}
