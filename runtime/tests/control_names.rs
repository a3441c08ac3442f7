//! Names of endpoints, resolved by a real name server: slow, forgetful, and wrong ones too.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/dns.rs"]
mod dns;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use delivery::{Dist, bundle, page, plan, until};
use dns::{Dns, Reply};
use serde_json::{Value, json};
use weft_runtime::control::Proxy;
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};

const ONE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A proxy with one cluster, `app`, at port 81 of `host`, which asks `dns`.
fn proxy(dns: &Dns, host: &str) -> (Dist, Proxy) {
    let dist = Dist::new();
    let mut plan = plan(dist.port, "text");
    plan.settings.clusters.push(Cluster {
        name: "app".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        keep_alive_millis: 60_000,
        host: None,
        endpoints: Endpoints::Dns {
            host: host.to_owned(),
            port: 81,
        },
    });
    dist.publish(&bundle(&plan), 1);
    let mut settings = dist.settings();
    settings.resolver = Some(dns.address);
    let proxy = Proxy::start(settings).unwrap();
    (dist, proxy)
}

fn entry(proxy: &Proxy) -> Value {
    page(proxy, "/endpoints")[0].clone()
}

fn metric(proxy: &Proxy, name: &str) -> u64 {
    let (_status, text) = delivery::admin(proxy.admin_address().unwrap(), "/metrics").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = lines.find_map(|rest| rest.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name}")).parse().unwrap()
}

#[test]
fn an_answer_that_takes_eight_seconds_is_taken() {
    let slow = Duration::from_secs(8);
    let dns = Dns::start(Reply::Late(slow, Box::new(Reply::Addresses(vec![ONE], 60))));
    let started = Instant::now();
    let (_dist, proxy) = proxy(&dns, "app.test");
    assert!(started.elapsed() < slow, "the start does not wait for it");
    let (status, _body) = delivery::admin(proxy.admin_address().unwrap(), "/ready").unwrap();
    assert_eq!(status, 200, "the other routes serve");
    let ready = page(&proxy, "/ready");
    assert_eq!(ready["degraded"], true);
    assert_eq!(ready["clustersWithoutAddresses"], json!(["app"]));
    assert_eq!(metric(&proxy, "weft_clusters_without_addresses"), 1);
    until("it is said to be late", || {
        entry(&proxy)["lateSeconds"]
            .as_u64()
            .is_some_and(|late| 2 <= late)
    });

    until("it is taken", || {
        entry(&proxy)["addresses"] == json!(["127.0.0.1:81"])
    });

    assert_eq!(entry(&proxy)["error"], Value::Null);
    assert_eq!(page(&proxy, "/ready")["degraded"], false);
    assert_eq!(metric(&proxy, "weft_clusters_without_addresses"), 0);
    assert_eq!(
        metric(&proxy, "weft_lookups_total{outcome=\"no-answer\"}"),
        0
    );
}

#[test]
fn a_name_is_asked_for_again_when_its_time_is_over_and_not_before() {
    let dns = Dns::start(Reply::Addresses(vec![ONE], 1));
    let (_dist, proxy) = proxy(&dns, "app.test");
    assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.1:81"]));
    assert_eq!(entry(&proxy)["ttlSeconds"], 1);

    dns.say(Reply::Addresses(vec![TWO], 86_400));

    until("the new address is used", || {
        entry(&proxy)["addresses"] == json!(["127.0.0.2:81"])
    });
    assert_eq!(entry(&proxy)["ttlSeconds"], 300, "within bounds");
    let asked = dns.asked().len();
    dns.say(Reply::Addresses(vec![ONE], 1));
    let end = Instant::now() + Duration::from_secs(3);
    until("three seconds pass", || end <= Instant::now());
    assert_eq!(dns.asked().len(), asked);
    assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.2:81"]));
}

#[test]
fn a_name_that_vanishes_keeps_its_addresses_and_says_their_age() {
    for (trouble, said, label) in [
        (Reply::NoName, "does not exist", "no-such-name"),
        (Reply::NoAddress, "no address", "no-address"),
        (Reply::Failure, "name server says", "server-failure"),
    ] {
        let dns = Dns::start(Reply::Addresses(vec![ONE], 1));
        let (_dist, proxy) = proxy(&dns, "app.test");

        dns.say(trouble);

        until(said, || {
            let error = entry(&proxy)["error"].clone();
            error.as_str().is_some_and(|error| error.contains(said))
        });
        until("the age grows", || {
            entry(&proxy)["ageSeconds"]
                .as_u64()
                .is_some_and(|age| 2 <= age)
        });
        assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.1:81"]));
        assert!(2 <= metric(&proxy, "weft_endpoints_stalest_seconds"));
        assert!(
            1 <= metric(
                &proxy,
                &format!("weft_lookups_total{{outcome=\"{label}\"}}")
            )
        );
        assert_eq!(
            page(&proxy, "/ready")["degraded"],
            false,
            "it has addresses"
        );

        dns.say(Reply::Addresses(vec![TWO], 1));
        until("it is back", || {
            entry(&proxy)["addresses"] == json!(["127.0.0.2:81"])
        });
        until("nothing is wrong", || entry(&proxy)["error"] == Value::Null);
        assert_eq!(metric(&proxy, "weft_endpoints_stalest_seconds"), 0);
    }
}

#[test]
fn an_answer_that_is_cut_comes_over_tcp() {
    let addresses: Vec<Ipv4Addr> = (1..=200)
        .map(|last| Ipv4Addr::new(127, 0, 1, last))
        .collect();
    let dns = Dns::start(Reply::Cut(addresses, 60));

    let (_dist, proxy) = proxy(&dns, "app.test");

    assert_eq!(entry(&proxy)["addresses"].as_array().unwrap().len(), 200);
    let asked = dns.asked();
    assert!(
        asked.iter().any(|it| !it.is_tcp) && asked.iter().any(|it| it.is_tcp),
        "{asked:?}"
    );
}

#[test]
fn a_server_that_does_not_know_edns_is_asked_without() {
    let known = Reply::Addresses(vec![ONE], 60);
    let dns = Dns::start(Reply::NoEdns(Box::new(known)));

    let (_dist, proxy) = proxy(&dns, "app.test");

    assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.1:81"]));
    assert_eq!(entry(&proxy)["error"], Value::Null);
}

#[test]
fn a_name_is_healthy_where_nobody_can_tell_of_the_other_kind() {
    let known = Reply::Addresses(vec![ONE], 60);
    let dns = Dns::start(Reply::V6(Box::new(Reply::Failure), Box::new(known)));

    let (_dist, proxy) = proxy(&dns, "app.test");

    until("the other question was answered", || {
        1 <= metric(&proxy, "weft_lookups_total{outcome=\"server-failure\"}")
    });
    assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.1:81"]));
    assert_eq!(entry(&proxy)["error"], Value::Null);
}

#[test]
fn the_hosts_file_comes_first() {
    let dns = Dns::start(Reply::Addresses(vec![TWO], 60));

    let (_dist, proxy) = proxy(&dns, "localhost");

    assert_eq!(entry(&proxy)["addresses"], json!(["127.0.0.1:81"]));
    assert!(dns.asked().is_empty());
}

#[test]
fn names_are_asked_for_as_they_are() {
    let dns = Dns::start(Reply::Addresses(vec![ONE], 60));

    let (_dist, _proxy) = proxy(&dns, "app");

    assert!(dns.asked().iter().all(|asked| asked.name == "app"));
}

#[test]
fn a_reload_asks_at_once() {
    let dns = Dns::start(Reply::Addresses(vec![ONE], 300));
    let (_dist, proxy) = proxy(&dns, "app.test");

    dns.say(Reply::Addresses(vec![TWO], 300));
    proxy.reload();

    until("the new address is used", || {
        entry(&proxy)["addresses"] == json!(["127.0.0.2:81"])
    });
}
