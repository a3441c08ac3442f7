//! The changes of settings that are no rule's, one at a time.

use weft_snapshot::plan::PathPattern;
use weft_spec::policy::{Retry, Timeout};
use weft_spec::{Span, Spanned};

use crate::model::effective::{TIMEOUT_FIELDS, TimeoutField};
use crate::model::{Mesh, Service, ServiceId};

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
    let (timeout, retry) = (&mesh.defaults.timeout, mesh.defaults.retry.as_ref());
    edits.of_timeout("mesh", timeout, |mesh| Some(&mut mesh.defaults.timeout));
    edits.of_retry("mesh", retry, |mesh| mesh.defaults.retry.as_mut());
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

    fn of_timeout(
        &mut self,
        whose: &str,
        timeout: &Timeout,
        find: impl Fn(&mut Mesh) -> Option<&mut Timeout> + Clone + 'static,
    ) {
        for field in TIMEOUT_FIELDS {
            let Some(said) = field.of(timeout) else {
                continue;
            };
            let find = find.clone();
            let what = format!("{whose} without its timeout.{}", field.name());
            self.add(what, said.span, move |mesh| {
                if let Some(timeout) = find(mesh) {
                    *of_field(timeout, field) = None;
                }
            });
        }
    }

    fn of_retry(
        &mut self,
        whose: &str,
        retry: Option<&Spanned<Retry>>,
        find: impl Fn(&mut Mesh) -> Option<&mut Spanned<Retry>> + 'static,
    ) {
        let attempts = retry.and_then(|retry| retry.value.attempts.as_ref());
        if let Some(attempts) = attempts {
            let more = attempts.value.saturating_add(1);
            let what = format!("{whose} with one more try");
            self.add(what, attempts.span, move |mesh| {
                if let Some(retry) = find(mesh) {
                    retry.value.attempts = Some(Spanned::built_in(more));
                }
            });
        }
    }

    fn of_service(&mut self, id: ServiceId, service: &Service) {
        let whose = format!("service `{}`", service.name.value);
        self.of_timeout(&whose, &service.timeout, move |mesh| {
            Some(&mut mesh.services.entry_mut(id).timeout)
        });
        self.of_retry(&whose, service.retry.as_ref(), move |mesh| {
            mesh.services.entry_mut(id).retry.as_mut()
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
            self.of_timeout(&whose, &call.timeout, move |mesh| {
                let call = mesh.services.entry_mut(id).calls.get_mut(at);
                call.map(|call| &mut call.timeout)
            });
            self.of_retry(&whose, call.retry.as_ref(), move |mesh| {
                let call = mesh.services.entry_mut(id).calls.get_mut(at)?;
                call.retry.as_mut()
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

fn of_field(
    timeout: &mut Timeout,
    field: TimeoutField,
) -> &mut Option<Spanned<weft_spec::units::Duration>> {
    match field {
        TimeoutField::Request => &mut timeout.request,
        TimeoutField::BackendRequest => &mut timeout.backend_request,
        TimeoutField::Connect => &mut timeout.connect,
        TimeoutField::Idle => &mut timeout.idle,
    }
}
