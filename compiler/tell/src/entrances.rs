//! Who calls a gateway: clients outside of the mesh, by its listeners; of a spec and of a snapshot alike.
//!
//! No node of a mesh calls a gateway as itself, so a relation of callers and services has nothing to say of one.

use std::net::SocketAddr;

use serde::Serialize;
use weft_front::model::{Gateway, ListenerProtocol};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{ListenerSecurity, Role};

/// A listener at which clients come in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    /// Its name.
    pub listener: String,
    /// The address it binds.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub protocol: &'static str,
    /// The hosts served there; `*` stands for all.
    pub hosts: Vec<String>,
}

/// Those of a gateway of a spec.
pub fn of_gateway(gateway: &Gateway) -> Vec<Entrance> {
    let listeners = gateway.listeners.iter();
    let entrances = listeners.map(|listener| Entrance {
        listener: listener.name.value.clone(),
        address: SocketAddr::new(listener.address.value, listener.port.value),
        protocol: match listener.protocol.value {
            ListenerProtocol::Http => "http",
            ListenerProtocol::Https => "https",
        },
        hosts: match listener.hosts.as_slice() {
            [] => vec!["*".to_owned()],
            hosts => hosts
                .iter()
                .map(|host| host.value.as_str().to_owned())
                .collect(),
        },
    });
    sorted(entrances.collect())
}

/// Those of a gateway of a snapshot.
pub fn of_plan(plan: &NodePlan) -> Vec<Entrance> {
    let listeners = plan.settings.listeners.iter();
    let edges = listeners.filter(|listener| listener.role == Role::Edge);
    let entrances = edges.map(|listener| Entrance {
        listener: listener.name.clone(),
        address: SocketAddr::new(listener.address, listener.port),
        protocol: match listener.security {
            ListenerSecurity::Plaintext => "http",
            ListenerSecurity::Tls { .. }
            | ListenerSecurity::Mtls
            | ListenerSecurity::Permissive { .. } => "https",
        },
        hosts: listener.hosts.clone(),
    });
    sorted(entrances.collect())
}

fn sorted(mut entrances: Vec<Entrance>) -> Vec<Entrance> {
    for entrance in &mut entrances {
        entrance.hosts.sort_unstable();
    }
    entrances.sort_by(|one, other| one.listener.cmp(&other.listener));
    entrances
}

#[cfg(test)]
mod tests {
    use weft_back::emit::emit;
    use weft_back::lower::lower;
    use weft_back::snapshot::Snapshot;
    use weft_front::testing::unchecked;

    #[test]
    fn a_snapshot_says_what_its_spec_says() {
        let (checked, sources) = unchecked(
            r#"
mesh: {name: m, trustDomain: m.example, defaults: {timeout: {request: 15s}}}
gateways:
  g:
    listeners:
      b: {port: 8443, protocol: https, hosts: [b.example, "*.a.example"], tls: {certificate: c}}
      a: {port: 8080, protocol: http, address: 127.0.0.1}
certificates: {c: {chain: /c.pem, key: /c.key}}
services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
routes: {r: {listener: g/a, host: a.example, rules: [{to: s}]}, t: {listener: g/b, host: b.example, rules: [{to: s}]}}
"#,
        );
        let snapshot = Snapshot::of_bundle(&emit(&lower(&checked, &sources)).unwrap()).unwrap();
        let plans = snapshot.plans();
        let plan = plans.iter().find(|one| one.settings.node == "gateway/g");
        let gateway = checked.mesh().gateways.values().next().unwrap();
        let of_spec = super::of_gateway(gateway);
        assert_eq!(super::of_plan(plan.unwrap()), of_spec);
        let said: Vec<String> = of_spec
            .iter()
            .map(|one| {
                format!(
                    "{} {} {} {}",
                    one.listener,
                    one.protocol,
                    one.address,
                    one.hosts.join(",")
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                "a http 127.0.0.1:8080 *",
                "b https 0.0.0.0:8443 *.a.example,b.example"
            ]
        );
    }
}
