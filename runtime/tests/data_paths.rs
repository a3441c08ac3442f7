//! A denied path in all its spellings.
#![cfg(test)]

mod data_support;

use data_support::{Origin, Proxy, all_paths, below, cluster, forward, plan, respond, route};
use weft_snapshot::settings::{Role, UpstreamProtocol};

/// Spellings of `/admin`, each of which some server would take for it.
const SPELLINGS: &[&str] = &[
    "/admin",
    "/admin/",
    "//admin",
    "///admin",
    "/./admin",
    "/admin/.",
    "/x/../admin",
    "/./././admin",
    "/x/y/../../admin",
    "/%61dmin",
    "/%61%64%6d%69%6e",
    "/adm%69n",
    "/admi%6E",
    "/admi%6e",
    "/admin//",
    "/admin/./",
    "/admin/x/..",
    "/x/%2e%2e/admin",
    "/x/%2E%2E/admin",
    "/x/.%2e/admin",
    "/x/%2e./admin",
    "/%2e/admin",
    "/.//admin",
    "//./admin",
    "/x//../admin",
    "/x/..//admin",
    "/%2fadmin",
    "/%2Fadmin",
    "/x%2f..%2fadmin",
    "/x/..%2fadmin",
    "/x%2f../admin",
    "/..%2fadmin",
    "/../admin",
    "/../../admin",
    "/%2e%2e/admin",
    "/x/../../admin",
    "\\admin",
    "/\\admin",
    "/x\\..\\admin",
    "/x/..\\admin",
    "/%5cadmin",
    "/%5Cadmin",
    "/x%5c..%5cadmin",
    "/admin%00",
    "/%00admin",
    "/admin%00.html",
    "/admin?x=1",
    "/admin?",
    "/admin#x",
    "/admin;x=1/../admin",
    "/x;/../admin",
    "/admin/;/../",
    "/%2561dmin/../admin",
    "/x/%252e%252e/../admin",
    "http://a/admin",
    "http://a//admin",
    "http://a/%61dmin",
    "/admin%",
    "/admin%2",
    "/admin%zz",
    "/admin%0a",
    "/admin%0d%0a",
    "/admin%09/..",
    "/admin/%2e",
    "/admin/%2e%2e/admin",
    "/x/./../admin",
    "/X/../admin",
    "/admin%20/../admin",
    "/.%2e/admin",
    "/%2e%2e%2fadmin",
    "/x/%2e%2e%2fadmin",
];

#[test]
fn no_spelling_of_a_denied_path_gets_through() {
    let origin = Origin::saying("reached");
    assert!(63 <= SPELLINGS.len());
    let routes = vec![
        route("admin/0", below("admin"), respond(403, "denied")),
        route("all/0", all_paths(), forward(&[1_000_000])),
    ];
    let clusters = vec![cluster("app", &[origin.address], UpstreamProtocol::Http1)];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    for spelling in SPELLINGS {
        let answer = proxy.send(&format!(
            "GET {spelling} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ));
        let received = origin.received();
        let target = received.split(' ').nth(1).unwrap_or("").to_owned();
        let reaches = target.to_ascii_lowercase();
        let is_admin = reaches.starts_with("/admin") && !reaches.starts_with("/admin;")
            || reaches.contains("..")
            || reaches.contains('\\');
        assert!(
            !is_admin,
            "{spelling} reached the origin as {target}: {answer}"
        );
        origin.forget();
    }
}
