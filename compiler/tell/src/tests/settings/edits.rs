//! The changes of settings that are no rule's, one at a time.

use weft_front::model::{Mesh, Service, ServiceId};
use weft_front::settings::Said;
use weft_snapshot::plan::PathPattern;
use weft_spec::Span;

/// A change of one setting.
pub(super) struct Edit {
    /// What is changed: ``service `cart` without its timeout.request``.
    pub(super) what: String,
    /// Where the setting is written.
    pub(super) place: Span,
    /// Makes the change.
    pub(super) apply: Box<dyn Fn(&mut Mesh)>,
}

/// Every change of a mesh.
pub(super) fn of(mesh: &Mesh) -> Vec<Edit> {
    let mut edits = Edits::default();
    edits.of_said("mesh", &mesh.defaults, |mesh| Some(&mut mesh.defaults));
    for (id, service) in mesh.services.iter() {
        edits.of_service(id, service);
        edits.of_calls(mesh, id, service);
        edits.of_access(id, service);
    }
    edits.list
}

#[derive(Default)]
struct Edits {
    list: Vec<Edit>,
}

impl Edits {
    fn add(&mut self, what: String, place: Span, apply: impl Fn(&mut Mesh) + 'static) {
        self.list.push(Edit {
            what,
            place,
            apply: Box::new(apply),
        });
    }

    /// Each setting of a place with another value, or left out.
    fn of_said(
        &mut self,
        whose: &str,
        said: &Said,
        find: impl Fn(&mut Mesh) -> Option<&mut Said> + Clone + 'static,
    ) {
        let seen = said
            .iter()
            .filter(|(setting, _)| setting.expected.is_some());
        for (setting, value) in seen {
            let find = find.clone();
            let (what, other) = match (setting.mutant)(&value.value) {
                Some((what, other)) => (format!("{whose} {what}"), Some(other)),
                None => (format!("{whose} without its {}", setting.name), None),
            };
            self.add(what, value.span, move |mesh| {
                if let Some(said) = find(mesh) {
                    said.set(setting, other.clone());
                }
            });
        }
    }

    fn of_service(&mut self, id: ServiceId, service: &Service) {
        let whose = format!("service `{}`", service.name.value);
        self.of_said(&whose, &service.said, move |mesh| {
            Some(&mut mesh.services.entry_mut(id).said)
        });
    }

    fn of_calls(&mut self, mesh: &Mesh, id: ServiceId, service: &Service) {
        for (at, call) in service.calls.iter().enumerate() {
            let to = &mesh.services.entry(call.to.value).name.value;
            let whose = format!("the call from `{}` to `{to}`", service.name.value);
            self.add(format!("{whose} is gone"), call.to.span, move |mesh| {
                let service = mesh.services.entry_mut(id);
                service.calls.remove(at);
                // The steps of a plan are positions among the calls.
                service.plan.clear();
            });
            for (nth, operation) in call.operations.iter().enumerate() {
                if call.operations.len() < 2 {
                    break;
                }
                let what = format!("{whose} without `{}`", operation.text);
                self.add(what, operation.span, move |mesh| {
                    if let Some(call) = mesh.services.entry_mut(id).calls.get_mut(at) {
                        call.operations.remove(nth);
                    }
                });
            }
            self.of_said(&whose, &call.said, move |mesh| {
                let call = mesh.services.entry_mut(id).calls.get_mut(at);
                call.map(|call| &mut call.said)
            });
        }
    }

    fn of_access(&mut self, id: ServiceId, service: &Service) {
        let name = &service.name.value;
        for (at, allow) in service.allow.iter().enumerate() {
            let whose = format!("`allow` number {} of `{name}`", at + 1);
            self.add(format!("{whose} is gone"), allow.span, move |mesh| {
                mesh.services.entry_mut(id).allow.remove(at);
            });
            if !allow.methods.is_empty() {
                let what = format!("{whose} for every method");
                self.add(what, allow.span, move |mesh| {
                    if let Some(allow) = mesh.services.entry_mut(id).allow.get_mut(at) {
                        allow.methods.clear();
                    }
                });
            }
            if let PathPattern::Segments { rest: false, .. } = &allow.path.value {
                let what = format!("{whose} for all paths below its own");
                self.add(what, allow.span, move |mesh| {
                    let allow = mesh.services.entry_mut(id).allow.get_mut(at);
                    if let Some(PathPattern::Segments { rest, .. }) =
                        allow.map(|allow| &mut allow.path.value)
                    {
                        *rest = true;
                    }
                });
            }
        }
        for (at, deny) in service.deny.iter().enumerate() {
            let what = format!("`deny` number {} of `{name}` is gone", at + 1);
            self.add(what, deny.span, move |mesh| {
                mesh.services.entry_mut(id).deny.remove(at);
            });
        }
    }
}
