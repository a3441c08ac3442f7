//! The admin endpoint answers who may ask, and no route leads to it.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;

use std::net::{Ipv4Addr, SocketAddr};

use delivery::{CHANGES, Dist, bundle, call_admin, get, plan, request};
use weft_runtime::control::Proxy;
use weft_runtime::settings::AdminAddress;
use weft_snapshot::plan::{Action, Backend};
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};

#[test]
fn only_direct_calls_on_purpose_change_anything() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let admin = proxy.admin_address().unwrap();
    let drain = |more: &str| call_admin(admin, "POST /drain", more).unwrap();

    for refused in [
        "",
        "x-weft-admin: yes\r\norigin: http://shop.example\r\n",
        "x-weft-admin: yes\r\nsec-fetch-site: cross-site\r\n",
        "x-weft-admin: yes\r\nx-forwarded-for: 10.0.0.1\r\n",
    ] {
        let (status, body) = drain(refused);
        assert_eq!(status, 403, "{refused}{body}");
        assert!(body.contains("error"), "{body}");
    }
    let (status, body) = request(admin, "GET", "/ready").unwrap();
    assert_eq!(status, 403, "a Host of the Web: {body}");
    assert_eq!(delivery::admin(admin, "/ready").unwrap().0, 200);

    assert_eq!(drain(CHANGES).0, 202);
    proxy.join();
}

#[test]
fn no_endpoint_is_the_own_admin_endpoint() {
    let dist = Dist::new();
    let port = delivery::free_port();
    let file = dist.folder.path().join("endpoints.json");
    std::fs::write(&file, format!(r#"["[::ffff:127.0.0.1]:{port}"]"#)).unwrap();
    let mut settings = dist.settings();
    settings.admin = AdminAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut plan = plan(dist.port, "text");
    plan.tables[0].hosts[0].routes[0].outcome.action = Action::Forward {
        backends: vec![Backend {
            cluster: 0,
            share: 1_000_000,
        }],
    };

    for (generation, endpoints) in (1..).zip([
        Endpoints::Static {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))],
        },
        Endpoints::Static {
            addresses: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))],
        },
        Endpoints::Dns {
            host: "localhost".to_owned(),
            port,
        },
        Endpoints::File {
            path: file.display().to_string(),
        },
    ]) {
        plan.settings.clusters = vec![Cluster {
            name: "orders".to_owned(),
            protocol: UpstreamProtocol::Http1,
            security: UpstreamSecurity::Plaintext,
            endpoints: endpoints.clone(),
            keep_alive_millis: 60_000,
            host: None,
        }];
        dist.publish(&bundle(&plan), generation);
        let proxy = Proxy::start(settings.clone()).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, dist.port));
        delivery::until("it has an address", || {
            !get(address, "/ready").unwrap().1.contains("no-endpoint")
        });

        let (status, body) = get(address, "/live").unwrap();

        assert_eq!(status, 503, "{endpoints:?} {body}");
        assert!(body.contains("own-admin-endpoint"), "{endpoints:?} {body}");
        let (_status, metrics) =
            delivery::admin(proxy.admin_address().unwrap(), "/metrics").unwrap();
        assert!(
            metrics.contains(r#"weft_upstream_failures_total{reason="own-admin-endpoint"}"#),
            "{metrics}"
        );
        proxy.drain();
    }
}
