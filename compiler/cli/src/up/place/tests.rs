//! Meshes of many machines on one.

use weft_front::source::{SourceFile, Sources};

use super::*;

/// The settings of every node of a spec with two services.
fn nodes() -> Vec<NodeSettings> {
    let text = r#"
        weft: v1
        mesh: {name: m, trustDomain: m.example, defaults: {timeout: {request: 5s}}}
        gateways: {public: {listeners: {web: {port: 8080, protocol: http, hosts: ["*"]}}}}
        services:
          orders:
            protocol: http
            app: 127.0.0.1:8080
            endpoints: ["10.0.0.1:15443"]
            timeout: {request: 2s}
            versions: {v2: {endpoints: ["10.0.0.2:15443"]}}
            allow: [{from: [service/web]}]
          web:
            protocol: http
            app: 127.0.0.1:8080
            endpoints: ["10.0.0.3:15443"]
            timeout: {request: 2s}
            calls: {orders: {}}
            allow: [{from: [gateway/public]}]
        routes:
          r: {on: public/web, host: "*", rules: [{to: web}]}
        "#;
    let sources = Sources::new(vec![SourceFile {
        path: "mesh.yaml".to_owned(),
        text: text.to_owned(),
    }]);
    let (bundle, found) = weft_tell::compile(
        &sources,
        &weft_front::parse::Values::default(),
        &weft_front::Surroundings::default(),
    );
    let bundle = bundle.unwrap_or_else(|| panic!("{found:#?}"));
    let nodes = bundle.contents().nodes.keys();
    nodes
        .map(|node| {
            let bytes = bundle.slice(node).unwrap().to_vec();
            weft_snapshot::Slice::check(bytes)
                .unwrap()
                .settings()
                .clone()
        })
        .collect()
}

fn placed(given: &[&str]) -> anyhow::Result<(Places, Vec<Instance>, Vec<NodeSettings>)> {
    let given = given.iter().map(|text| text.parse().unwrap());
    let mut places = Places::new(given.collect());
    let nodes = nodes();
    let instances = places.instances(&nodes, &["orders@v2".to_owned()])?;
    places.choose(&nodes, &instances)?;
    let here = instances.iter().map(|instance| {
        let node = nodes.iter().find(|node| node.node == instance.node);
        let mut here = node.unwrap().clone();
        places.apply(instance, &mut here, |_| (String::new(), String::new()));
        here
    });
    let here = here.collect();
    Ok((places, instances, here))
}

fn at(node: &NodeSettings, listener: &str) -> SocketAddr {
    let mut listeners = node.listeners.iter();
    let listener = listeners.find(|one| one.name == listener).unwrap();
    SocketAddr::new(listener.address, listener.port)
}

fn of(node: &NodeSettings, cluster: &str) -> Option<SocketAddr> {
    endpoint(node.clusters.iter().find(|one| one.name == cluster)?)
}

#[test]
fn nodes_of_many_machines_have_addresses_of_their_own_on_one() {
    let edge = ports::free().unwrap();
    let (places, instances, here) = placed(&[&format!("public/web={edge}")]).unwrap();
    let [gateway, orders, web] = here.as_slice() else {
        panic!("{instances:?}");
    };
    assert_eq!(at(gateway, "web").port(), edge);
    assert_eq!(of(gateway, "web"), Some(at(web, "inbound")));
    assert_eq!(of(web, "orders"), Some(at(orders, "inbound")));
    assert_ne!(at(orders, "inbound"), at(web, "inbound"));
    // Both are written at the same port; here the second one has the next.
    assert_eq!(of(orders, OWN_PROCESS).unwrap().port(), 8080);
    assert_eq!(of(web, OWN_PROCESS).unwrap().port(), 8081);
    assert!(at(web, "outbound").ip().is_loopback());
    let nodes = nodes();
    assert_eq!(
        places.process(&instances[2], &nodes[2]),
        of(web, OWN_PROCESS)
    );
}

#[test]
fn a_version_with_a_process_has_a_proxy_of_its_own() {
    let edge = ports::free().unwrap();
    let given = [format!("public/web={edge}"), "orders@v2=9002".to_owned()];
    let (_, instances, here) = placed(&given.each_ref().map(String::as_str)).unwrap();
    let names: Vec<String> = instances.iter().map(Instance::name).collect();
    let expected = [
        "gateway/public",
        "service/orders",
        "service/orders@v2",
        "service/web",
    ];
    assert_eq!(names, expected);
    assert_eq!(of(&here[2], OWN_PROCESS).unwrap().port(), 9002);
    assert_ne!(at(&here[1], "inbound"), at(&here[2], "inbound"));
}

#[test]
fn a_name_that_the_mesh_does_not_have_is_refused_with_those_that_it_has() {
    let said = format!("{:#}", placed(&["order=9001"]).unwrap_err());
    assert!(
        said.contains("the mesh has no `order`; it has `orders`, "),
        "{said}"
    );
    let said = format!("{:#}", placed(&["orders@v3=9001"]).unwrap_err());
    assert!(said.contains("`orders@v2`"), "{said}");
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let said = format!(
        "{:#}",
        placed(&[&format!("public/web={port}")]).unwrap_err()
    );
    assert!(
        said.starts_with("`public/web` cannot listen at 127.0.0.1:"),
        "{said}"
    );
    assert!(
        said.ends_with(&format!("`--at public/web={}`", port + 1)),
        "{said}"
    );
}

#[test]
fn ports_of_root_are_moved_up() {
    let near = |text: &str| near(text.parse().unwrap()).to_string();
    assert_eq!(near("0.0.0.0:443"), "127.0.0.1:8443");
    assert_eq!(near("10.0.0.1:8080"), "127.0.0.1:8080");
    assert_eq!(near("127.0.0.2:80"), "127.0.0.2:8080");
    assert_eq!(near("[::]:15443"), "[::1]:15443");
}

#[test]
fn an_edit_of_an_address_is_followed_and_can_be_taken_back() {
    let edge = ports::free().unwrap();
    let at = format!("public/web={edge}").parse().unwrap();
    let mut places = Places::new(vec![at]);
    let mut nodes = nodes();
    let instances = places.instances(&nodes, &[]).unwrap();
    let mut inbound = |nodes: &[NodeSettings]| {
        places.choose(nodes, &instances).unwrap();
        let mut here = nodes.to_vec();
        for (instance, node) in instances.iter().zip(&mut here) {
            places.apply(instance, node, |_| (String::new(), String::new()));
        }
        assert_eq!(of(&here[0], "web"), Some(at_of(&here[2])));
        at_of(&here[2])
    };
    let before = inbound(&nodes);
    let change = |nodes: &mut [NodeSettings], port| {
        let listeners = nodes[2].listeners.iter_mut();
        for listener in listeners.filter(|one| one.role == Role::Inbound) {
            listener.port = port;
        }
    };
    change(&mut nodes, 15_000);
    let after = inbound(&nodes);
    assert_ne!(before, after);
    change(&mut nodes, 15_443);
    assert_eq!(inbound(&nodes), before);
}

#[test]
fn what_is_gone_gives_its_place_free() {
    let edge = ports::free().unwrap();
    let at = format!("public/web={edge}").parse().unwrap();
    let mut places = Places::new(vec![at]);
    let mut nodes = nodes();
    let mut process = |nodes: &[NodeSettings], name: &str| {
        let instances = places.instances(nodes, &[]).unwrap();
        places.choose(nodes, &instances).unwrap();
        let mut all = instances.iter().zip(nodes);
        let (instance, node) = all.find(|(_, node)| node.node == name).unwrap();
        places.process(instance, node).unwrap()
    };
    let before = process(&nodes, "service/orders");
    let other = process(&nodes, "service/web");
    assert_ne!(before, other);
    let renamed = nodes.iter_mut().find(|node| node.node == "service/orders");
    renamed.unwrap().node = "service/purchases".to_owned();
    assert_eq!(process(&nodes, "service/purchases"), before);
    // Whoever stays is not moved.
    nodes.retain(|node| node.node != "service/purchases");
    assert_eq!(process(&nodes, "service/web"), other);
}

fn at_of(node: &NodeSettings) -> SocketAddr {
    at(node, "inbound")
}

#[test]
fn a_listener_that_was_given_an_address_keeps_it_wherever_the_spec_puts_it() {
    let edge = ports::free().unwrap();
    let (mut places, instances, here) = placed(&[&format!("public/web={edge}")]).unwrap();
    // The proxy of this run listens there now.
    let _proxy = TcpListener::bind(at(&here[0], "web")).unwrap();
    let mut moved = nodes();
    moved[0].listeners[0].port = 8082;
    places.choose(&moved, &instances).unwrap();
    let mut again = moved[0].clone();
    places.apply(&instances[0], &mut again, |_| {
        (String::new(), String::new())
    });
    assert_eq!(at(&again, "web"), at(&here[0], "web"));
}
