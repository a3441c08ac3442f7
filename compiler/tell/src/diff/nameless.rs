//! What a port shows to clients of TLS that name no host: a certificate that may be implied by all of its listeners together.

use std::collections::BTreeSet;

use weft_snapshot::choice::hears_nameless;
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{Certificate, Listener, ListenerSecurity};

use super::pairs::NodeListener;

/// The certificate that the port of a listener shows to clients which name no host, as the proxy chooses it: the one that a listener of the
/// port names for that, else that of a listener for all hosts, else the only one of the port. Without one, the handshake fails.
pub(super) fn certificate(one: NodeListener<'_>) -> Option<&Certificate> {
    let at_port = || at_port(one);
    let named = at_port().find_map(NodeListener::default_certificate);
    let of_all_hosts = || {
        let mut any = at_port().filter(|one| one.listener.hosts.iter().any(|host| host == "*"));
        any.find_map(NodeListener::certificate)
    };
    let only = || {
        let shown: Vec<&Certificate> = at_port().filter_map(NodeListener::certificate).collect();
        let files: BTreeSet<(&str, &str)> = shown
            .iter()
            .map(|one| (one.chain.as_str(), one.key.as_str()))
            .collect();
        (files.len() == 1).then(|| shown.first().copied()).flatten()
    };
    named.or_else(of_all_hosts).or_else(only)
}

/// Whether a listener answers the requests of such clients, and does not refuse them as misdirected.
pub(super) fn is_heard(one: NodeListener<'_>) -> bool {
    hears_nameless(&listeners_at(one), one.listener)
}

/// Whether a listener speaks TLS with anybody.
pub(super) fn speaks_tls(one: NodeListener<'_>) -> bool {
    matches!(one.listener.security, ListenerSecurity::Tls { .. })
}

fn at_port(one: NodeListener<'_>) -> impl Iterator<Item = NodeListener<'_>> {
    let plan: &NodePlan = one.plan;
    listeners_at(one).map(move |listener| NodeListener { plan, listener })
}

fn listeners_at(one: NodeListener<'_>) -> impl Iterator<Item = &Listener> + Clone {
    let port = (one.listener.address, one.listener.port);
    let listeners = one.plan.settings.listeners.iter();
    listeners.filter(move |other| (other.address, other.port) == port)
}

#[cfg(test)]
mod tests {
    use crate::diff::tests::reported;

    const ONE: &str = r"
    mesh: {name: m, trustDomain: m.x, defaults: {timeout: {request: 5s}}}
    certificates: {ce: {chain: /c.pem, key: /c.key}, ce2: {chain: /c2.pem, key: /c2.key}}
    gateways: {g: {listeners: {t: {port: 8443, protocol: https, hosts: [a.x], tls: {certificate: ce}}}}}
    routes: {s: {listener: g/t, host: a.x, rules: [{respond: {status: 200}}]}}
    ";

    fn titles(old: &str, new: &str) -> Vec<String> {
        let found = reported(old, new);
        let titles = found.statements.iter().map(|one| one.title.clone());
        titles.filter(|one| one.contains("default")).collect()
    }

    fn with_second(certificate: &str) -> String {
        let second = format!(
            "tls: {{certificate: ce}}}}, u: {{port: 8443, protocol: https, hosts: [d.x], tls: {{certificate: {certificate}}}}}"
        );
        let more = "routes: {du: {listener: g/u, host: d.x, rules: [{respond: {status: 200}}]}, ";
        ONE.replace("tls: {certificate: ce}}", &second)
            .replace("routes: {", more)
    }

    #[test]
    fn a_certificate_that_is_implied_is_a_certificate() {
        // With a second certificate at the port, clients of the first listener that name no host are shown none.
        let several = with_second("ce2");
        let lost = [
            "default certificate of listener gateway/g/t: ce (/c.pem, /c.key) -> none, so that the handshake fails",
        ];
        assert_eq!(titles(ONE, &several), lost);
        assert_eq!(titles(&several, ONE).len(), 1);
        assert_eq!(titles(&with_second("ce"), &several).len(), 2);
        // Naming what was implied changes nothing.
        let named = ONE.replace("{certificate: ce}", "{certificate: ce, default: ce}");
        assert_eq!(titles(ONE, &named), Vec::<String>::new());
        let kept = several.replacen("{certificate: ce}", "{certificate: ce, default: ce}", 1);
        assert_eq!(titles(ONE, &kept), Vec::<String>::new());
    }

    #[test]
    fn who_names_the_certificate_is_heard_with_it() {
        let with = |t: &str, u: &str| {
            let several = with_second("ce2");
            let several =
                several.replacen("{certificate: ce}", &format!("{{certificate: ce{t}}}"), 1);
            several.replacen("{certificate: ce2}", &format!("{{certificate: ce2{u}}}"), 1)
        };
        // The certificate stays; which listener answers the requests of these clients does not.
        let moved = titles(&with(", default: ce2", ""), &with("", ", default: ce2"));
        let lost = "default certificate of listener gateway/g/t: ce2 (/c2.pem, /c2.key) -> ce2 (/c2.pem, /c2.key), with which requests are \
                    misdirected (421)";
        assert_eq!(moved, [lost]);
    }
}
