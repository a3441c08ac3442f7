//! Requests that stand for every route of a snapshot, and requests right beside them.
//!
//! One request of every route that can receive one, one that no route takes, and for each of them variants that
//! differ in one thing: a slash at the end, a longer last segment, another method, a header less, a header twice. What
//! becomes of each is asked of `decide` on the very slice, so the list can be sent to a proxy and compared.

use serde::Serialize;
use weft_back::snapshot::Snapshot;
use weft_snapshot::canonical::{Lines, lines};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::Listener;
use weft_snapshot::{Reason, Refusal, Slice};
use weft_space::{ListenerUrl, Served, Unknown, WitnessRequest, analyse_plan};

/// One request and the route that takes it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// The node that receives it.
    pub node: String,
    /// The name of the listener by which it comes.
    pub listener: String,
    /// The method, as it is sent: `GET`.
    pub method: String,
    /// The host that it asks for, without a port.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// The route that takes it; none: it is answered with 404, or with 400 if there is a refusal.
    pub route: Option<String>,
    /// Why no route may take it: `repeated-header`.
    pub refusal: Option<Reason>,
    /// What tells it from the request before that stands for a route; none for that request itself.
    pub variant: Option<&'static str>,
    /// A command that sends it.
    pub curl: String,
}

impl Witness {
    /// What becomes of it: the route, or status and reason.
    pub fn end(&self) -> String {
        let refused = || {
            let reason = self.refusal.unwrap_or(Reason::NoRoute);
            format!("{} {reason}", reason.status())
        };
        self.route.clone().unwrap_or_else(refused)
    }
}

/// A host whose routes could not be analysed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// The node that serves it: `gateway/public` or `service/orders`.
    pub node: String,
    /// The pattern, as routes write it: `*.shop.example`.
    pub host: String,
    /// The bound that was met.
    pub reason: Unknown,
}

/// The requests of all nodes, in the order of their routes, and the hosts that have none here.
pub fn witnesses(snapshot: &Snapshot) -> (Vec<Witness>, Vec<Missing>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (some, without) in by_node(snapshot) {
        found.extend(some);
        missing.extend(without);
    }
    (found, missing)
}

/// The same node by node: those of a large mesh are a gigabyte together.
pub fn by_node(snapshot: &Snapshot) -> impl Iterator<Item = (Vec<Witness>, Vec<Missing>)> {
    snapshot.slices().map(of_slice)
}

/// Those of one node.
pub fn of_slice(slice: &Slice) -> (Vec<Witness>, Vec<Missing>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let plan = slice.plan();
    for listener in &plan.settings.listeners {
        of_listener(slice, &plan, listener, &mut found, &mut missing);
    }
    (found, missing)
}

fn of_listener(
    slice: &Slice,
    plan: &NodePlan,
    listener: &Listener,
    found: &mut Vec<Witness>,
    missing: &mut Vec<Missing>,
) {
    let table = usize::try_from(listener.table)
        .ok()
        .and_then(|table| plan.tables.get(table));
    let hosts = table.map_or(&[][..], |table| &table.hosts);
    let patterns: Vec<&str> = hosts.iter().map(|host| host.host.as_str()).collect();
    let served = Served::of_plan(listener, &plan.settings.listeners);
    for (host, owned) in hosts.iter().zip(served.witnesses(&patterns)) {
        // No request comes to a host that the listener, others of its port or other hosts leave nothing.
        let Some(owned) = owned else {
            continue;
        };
        match analyse_plan(&host.routes, listener.path, &owned) {
            Ok((taken, uncovered)) => {
                for request in taken.into_iter().flatten().chain(uncovered) {
                    push(slice, listener, &request, None, found);
                    for (variant, request) in variants(&request) {
                        push(slice, listener, &request, Some(variant), found);
                    }
                }
            }
            Err(reason) => missing.push(Missing {
                node: plan.settings.node.clone(),
                host: host.host.clone(),
                reason,
            }),
        }
    }
}

fn push(
    slice: &Slice,
    listener: &Listener,
    request: &WitnessRequest,
    variant: Option<&'static str>,
    found: &mut Vec<Witness>,
) {
    let asked = request.as_request();
    let (route, refusal) = match slice.decide(listener.table, &asked) {
        Ok(route) => (route, None),
        Err(repeated) => (None, Some(Refusal::from(repeated).reason())),
    };
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    let headers = request.headers.iter();
    found.push(Witness {
        node: slice.settings().node.clone(),
        listener: listener.name.clone(),
        method: request.method.clone(),
        host: request.host.clone(),
        target: request.target(),
        headers: headers
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        route: route.map(|route| route.id().to_owned()),
        refusal,
        variant,
        curl: request.curl(ListenerUrl::of_plan(listener)),
    });
}

/// Requests that differ from one in one thing; their paths are canonical as well.
fn variants(request: &WitnessRequest) -> Vec<(&'static str, WitnessRequest)> {
    let with_path = |path: String| WitnessRequest {
        path,
        ..request.clone()
    };
    let mut found = vec![match request.path.strip_suffix('/') {
        Some("") => ("one segment more", with_path("/x".to_owned())),
        Some(without) => ("no slash at the end", with_path(without.to_owned())),
        None => (
            "a slash at the end",
            with_path(format!("{}/", request.path)),
        ),
    }];
    if !request.path.ends_with('/') {
        let longer = with_path(format!("{}x", request.path));
        found.push(("a longer last segment", longer));
    }
    let other = if request.method == "PATCH" {
        "PUT"
    } else {
        "PATCH"
    };
    let method = other.to_owned();
    found.push((
        "another method",
        WitnessRequest {
            method,
            ..request.clone()
        },
    ));
    for nth in 0..request.headers.len() {
        let mut without = request.clone();
        without.headers.remove(nth);
        found.push(("a header less", without));
    }
    for (name, _) in &request.headers {
        if lines(name) == Lines::Single {
            let mut twice = request.clone();
            twice.repeat(name);
            found.push(("a header twice", twice));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use weft_check::testing::checked;

    use super::*;

    #[test]
    fn every_route_has_a_request_and_neighbours() {
        let (checked, sources) = checked(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {name: beta, path: /a, headers: {x-beta: "1"}, to: s}
                  - {name: all, path: "/{any}", methods: [GET], to: s}
            "#,
        );
        let bundle = weft_back::emit::emit(&weft_back::lower::lower(&checked, &sources)).unwrap();
        let (found, missing) = witnesses(&Snapshot::of_bundle(&bundle).unwrap());
        assert!(missing.is_empty());
        let said: Vec<String> = found
            .iter()
            .map(|one| {
                let route = one.end();
                format!("{} {} {route}", one.curl, one.variant.unwrap_or("-"))
            })
            .collect();
        for expected in [
            "curl -H 'x-beta: 1' http://x.example:8080/a - r/beta",
            "curl -H 'x-beta: 1' http://x.example:8080/a/ a slash at the end 404 no-route",
            "curl http://x.example:8080/a a header less r/all",
            "curl -H 'x-beta: 1' -H 'x-beta: 2' http://x.example:8080/a a header twice 400 repeated-header",
            "curl -X PATCH -H 'x-beta: 1' http://x.example:8080/a another method r/beta",
            "curl http://x.example:8080/ - 404 no-route",
        ] {
            assert!(
                said.iter().any(|line| line == expected),
                "{expected}: {said:#?}"
            );
        }
    }
}
