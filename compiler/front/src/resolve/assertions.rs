//! Assertions and regions: the names in them followed.

use weft_space::path::all_paths;
use weft_spec::assertion::Via;
use weft_spec::matching::{PathMatch, ValueMatch};
use weft_spec::mesh::Mtls;
use weft_spec::units::Method;
use weft_spec::{File, FileId, Named, Span, Spanned, assertion as spec};

use super::codes::UNCLEAR_ASSERTION;
use super::names::{Names, follow, unknown};
use super::{routes, services};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::assertion::{Assertion, Form, Region, Source};
use crate::model::owners::PLATFORM;
use crate::model::{Caller, Callers, Match, Mesh, Operation, ServiceId};

/// The assertions of all files; those that make no sense are reported and left out.
pub(super) fn resolve(
    names: &Names<'_>,
    mesh: &Mesh,
    files: &[(FileId, File)],
    diagnostics: &mut Diagnostics,
) -> Vec<Assertion> {
    let mut resolver = Resolver {
        names,
        mesh,
        diagnostics,
    };
    let written = files.iter().flat_map(|(_, file)| &file.assert);
    written
        .filter_map(|written| resolver.assertion(written))
        .collect()
}

/// Follows the names of regions and assertions.
pub(super) struct Resolver<'run, 'spec> {
    pub(super) names: &'run Names<'spec>,
    pub(super) mesh: &'run Mesh,
    pub(super) diagnostics: &'run mut Diagnostics,
}

impl Resolver<'_, '_> {
    fn assertion(&mut self, written: &Spanned<spec::Assertion>) -> Option<Assertion> {
        let spec::Assertion {
            name,
            never,
            only,
            always,
            bound,
            exists,
            total,
            same,
            no_change,
        } = &written.value;
        let said = [
            ("never", never.as_ref().map(|form| form.span)),
            ("only", only.as_ref().map(|form| form.span)),
            ("always", always.as_ref().map(|form| form.span)),
            ("bound", bound.as_ref().map(|form| form.span)),
            ("exists", exists.as_ref().map(|form| form.span)),
            ("total", total.as_ref().map(|form| form.span)),
            ("same", same.as_ref().map(|form| form.span)),
            ("noChange", no_change.as_ref().map(|form| form.span)),
        ];
        let said: Vec<(&str, Span)> = said
            .into_iter()
            .filter_map(|(name, span)| Some((name, span?)))
            .collect();
        let place = name.as_ref().map(|name| name.span);
        let [(form, span)] = said.as_slice() else {
            let names: Vec<&str> = said.iter().map(|(name, _)| *name).collect();
            let place = place.unwrap_or(first_byte(written.span));
            self.diagnostics.push(not_one(&names, place));
            return None;
        };
        let (form_name, place) = (*form, place.unwrap_or(first_byte(*span)));
        let form = match () {
            () if never.is_some() => self.never(never.as_ref()?),
            () if only.is_some() => self.only(only.as_ref()?),
            () if always.is_some() => self.always(always.as_ref()?),
            () if bound.is_some() => self.bound(bound.as_ref()?),
            () if exists.is_some() => self.exists(exists.as_ref()?),
            () if same.is_some() => self.same(same.as_ref()?),
            () if no_change.is_some() => self.no_change(no_change.as_ref()?),
            () => {
                let region = self.region(&total.as_ref()?.value)?;
                Some(Form::Total { region })
            }
        }?;
        let name = name.as_ref().map(|name| name.value.clone());
        Some(Assertion {
            name: name.unwrap_or_else(|| format!("{form_name} without a name")),
            place,
            form,
        })
    }

    fn never(&mut self, never: &Spanned<spec::Never>) -> Option<Form> {
        let spec::Never {
            from,
            to,
            operation,
            via,
        } = &never.value;
        let source = if from.value == "internet" {
            Some(Source::Internet)
        } else {
            self.caller(from).map(Source::Node)
        };
        let to = self.service(to);
        let mut operation = self.operations(operation.as_ref());
        Some(Form::Never {
            from: source?,
            to: to?,
            operation: operation.as_mut()?.pop(),
            by_any_way: via.is_some_and(|via| via.value == Via::Any),
        })
    }

    fn only(&mut self, only: &Spanned<spec::Only>) -> Option<Form> {
        let spec::Only {
            to,
            callers,
            operation,
        } = &only.value;
        let to = self.service(to);
        let callers: Vec<Option<Callers>> = callers.iter().map(|one| self.callers(one)).collect();
        let mut operation = self.operations(operation.as_ref());
        Some(Form::Only {
            to: to?,
            callers: callers.into_iter().collect::<Option<_>>()?,
            operation: operation.as_mut()?.pop(),
        })
    }

    fn always(&mut self, always: &Spanned<spec::Always>) -> Option<Form> {
        let spec::Always {
            region,
            https,
            mtls,
            to,
        } = &always.value;
        let region = self.region(&region.value);
        let named: Vec<Option<ServiceId>> = to
            .iter()
            .map(|name| Some(self.service(name)?.value))
            .collect();
        let https = https.is_some_and(|https| https.value);
        if let Some(mtls) = mtls.filter(|mtls| mtls.value != Mtls::Strict) {
            let message = "only `mtls: strict` can be asserted";
            let finding = Diagnostic::new(&UNCLEAR_ASSERTION, mtls.span, message);
            self.diagnostics.push(finding.help("write `strict`"));
            return None;
        }
        if !https && mtls.is_none() && to.is_empty() {
            let place = first_byte(always.span);
            self.diagnostics.push(
                Diagnostic::new(&UNCLEAR_ASSERTION, place, "`always` says nothing")
                    .help("add `https: true`, `mtls: strict` or `to: [SERVICE]`"),
            );
            return None;
        }
        Some(Form::Always {
            region: region?,
            https,
            mtls: mtls.is_some(),
            to: named.into_iter().collect::<Option<_>>()?,
        })
    }

    fn bound(&mut self, bound: &Spanned<spec::AtMost>) -> Option<Form> {
        let spec::AtMost {
            region,
            to,
            timeout,
            attempts,
            amplification,
        } = &bound.value;
        let region = match region {
            Some(region) => self.region(&region.value),
            None => self.region(&spec::Region::default()),
        };
        let to = match to {
            Some(to) => Some(self.service(to)?.value),
            None => None,
        };
        let says_nothing = timeout.is_none() && attempts.is_none() && amplification.is_none();
        if says_nothing || to.is_some() != amplification.is_some() {
            let place = first_byte(bound.span);
            self.diagnostics.push(
                Diagnostic::new(&UNCLEAR_ASSERTION, place, "`bound` bounds nothing")
                    .help("add `timeout` or `attempts`, or both `to: SERVICE` and `amplification`"),
            );
            return None;
        }
        Some(Form::Bound {
            region: region?,
            timeout: *timeout,
            attempts: *attempts,
            amplification: to.zip(amplification.map(|most| most.value)),
        })
    }

    fn exists(&mut self, exists: &Spanned<spec::Exists>) -> Option<Form> {
        let spec::Exists { region, to } = &exists.value;
        let region = self.region(&region.value);
        let to = self.service(to)?.value;
        let region = region?;
        Some(Form::Exists { region, to })
    }

    fn same(&mut self, same: &Spanned<spec::Same>) -> Option<Form> {
        let spec::Same { region, snapshot } = &same.value;
        let region = match region {
            Some(region) => self.region(&region.value),
            None => self.region(&spec::Region::default()),
        };
        Some(Form::Same {
            region: region?,
            snapshot: snapshot.clone(),
        })
    }

    fn no_change(&mut self, no_change: &Spanned<spec::NoChange>) -> Option<Form> {
        let spec::NoChange {
            facet,
            unless_approved_by,
        } = &no_change.value;
        let teams = &self.mesh.teams;
        let known = |name: &str| teams.values().any(|team| team.name.value == name);
        let mut is_clear = true;
        for team in unless_approved_by {
            if team.value != PLATFORM && !known(&team.value) {
                let names = teams.values().map(|team| team.name.value.as_str());
                let names = names.chain([PLATFORM]);
                let finding = unknown("team", &team.value, team.span, names);
                self.diagnostics.push(finding);
                is_clear = false;
            }
        }
        let unless = unless_approved_by.iter().map(|team| team.value.clone());
        is_clear.then(|| Form::NoChange {
            facet: facet.map(|facet| facet.value),
            unless: unless.collect(),
        })
    }

    /// The set of requests of a region.
    pub(super) fn region(&mut self, region: &spec::Region) -> Option<Region> {
        let spec::Region {
            listener,
            host,
            path,
            methods,
            headers,
            query,
            except,
        } = region;
        let listener = match listener {
            Some(on) => Some(routes::listener(
                self.names,
                self.mesh,
                on,
                self.diagnostics,
            )?),
            None => None,
        };
        let matched = self.matched(path.as_ref(), methods, headers, query);
        let except: Vec<Option<Match>> = except
            .iter()
            .map(|except| {
                let spec::Except {
                    path,
                    methods,
                    headers,
                    query,
                } = &except.value;
                self.matched(path.as_ref(), methods, headers, query)
            })
            .collect();
        Some(Region {
            listener,
            host: host.clone(),
            matched: matched?,
            except: except.into_iter().collect::<Option<_>>()?,
        })
    }

    fn matched(
        &mut self,
        path: Option<&Spanned<PathMatch>>,
        methods: &[Spanned<Method>],
        headers: &Named<ValueMatch>,
        query: &Named<ValueMatch>,
    ) -> Option<Match> {
        let path = match path {
            Some(path) => super::path(Some(path), self.diagnostics),
            None => Some(Spanned::built_in(all_paths())),
        };
        let headers =
            routes::conditions("header", headers, str::to_ascii_lowercase, self.diagnostics);
        let query = routes::conditions("parameter", query, str::to_owned, self.diagnostics);
        Some(Match {
            path: path?,
            methods: methods.to_vec(),
            headers: headers?,
            query: query?,
        })
    }

    fn service(&mut self, name: &Spanned<String>) -> Option<Spanned<ServiceId>> {
        let bare = name.value.strip_prefix("service/").unwrap_or(&name.value);
        let bare = Spanned::new(bare.to_owned(), name.span);
        let id = follow("service", &self.names.services, &bare, self.diagnostics)?;
        Some(Spanned::new(id, name.span))
    }

    fn caller(&mut self, name: &Spanned<String>) -> Option<Caller> {
        if name.value.contains('/') {
            return services::caller(self.names, name, self.diagnostics);
        }
        let found = self.names.services.get(name.value.as_str());
        if found.is_none() {
            let known = self.names.services.keys().copied();
            let known = known.chain(std::iter::once("internet"));
            let finding = unknown("caller", &name.value, name.span, known);
            self.diagnostics.push(finding);
        }
        found.copied().map(Caller::Service)
    }

    fn callers(&mut self, name: &Spanned<String>) -> Option<Callers> {
        let is_kind = Callers::KINDS.iter().any(|(word, _)| name.value == *word);
        // A service may be called like a kind; here it is written without its path.
        let is_service = self.names.services.contains_key(name.value.as_str());
        if (is_kind && !is_service) || name.value.contains('/') {
            return services::some_callers(self.names, name, self.diagnostics);
        }
        self.caller(name).map(Callers::One)
    }

    /// The operations of a text, none of them if there is none.
    fn operations(&mut self, text: Option<&Spanned<String>>) -> Option<Vec<Operation>> {
        match text {
            Some(text) => services::operation(text, self.diagnostics).map(|one| vec![one]),
            None => Some(Vec::new()),
        }
    }
}

/// That an assertion does not say exactly one thing.
fn not_one(said: &[&str], place: Span) -> Diagnostic {
    let message = match said {
        [] => "an assertion says nothing".to_owned(),
        several => format!(
            "an assertion says several things: `{}`",
            several.join("`, `")
        ),
    };
    Diagnostic::new(&UNCLEAR_ASSERTION, place, message).help(
        "give it exactly one of `never`, `only`, `always`, `bound`, `exists`, `total`, `same` and `noChange`",
    )
}

fn first_byte(span: Span) -> Span {
    let end = span.start.saturating_add(1).min(span.end);
    Span::new(span.file, span.start, end)
}
