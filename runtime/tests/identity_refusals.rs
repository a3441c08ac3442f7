//! Bad identities are refused in real handshakes, as a client and as a server; good ones are accepted.
#![cfg(test)]

#[path = "common/pki.rs"]
mod pki;
#[path = "common/tls.rs"]
mod tls;

use pki::{Authority, Svid, authority_params, workload_params};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SanType, date_time_ymd,
};
use rustls::Error;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::UnixTime;
use tls::{connect, rogue_client, rogue_server};
use weft_runtime::identity::{Identity, peer_identity};

const GOOD: &str = "spiffe://shop.example/service/web";

fn identity(authority: &Authority) -> Identity {
    let directory = tempfile::tempdir().unwrap();
    authority
        .svid("service/orders")
        .write(directory.path(), &[authority]);
    Identity::load(directory.path(), "shop.example", "service/orders").unwrap()
}

/// URI names of which each breaks one rule of SPIFFE IDs, or names another trust domain.
fn bad_uris() -> Vec<String> {
    let mut uris: Vec<String> = [
        "",
        "https://shop.example/service/web",
        "http://shop.example/service/web",
        "SPIFFE://shop.example/service/web",
        "spiffe:shop.example/service/web",
        "spiffe:/shop.example/service/web",
        "spiffe:///service/web",
        "spiffe://Shop.example/service/web",
        "spiffe://shop.example:443/service/web",
        "spiffe://user@shop.example/service/web",
        "spiffe://user:word@shop.example/service/web",
        "spiffe://shop%2eexample/service/web",
        "spiffe://shop.example./service/web",
        "spiffe://shop.example.evil/service/web",
        "spiffe://evil.shop.example/service/web",
        "spiffe://other.example/service/web",
        "spiffe://shop.example",
        "spiffe://shop.example/",
        "spiffe://shop.example/service/web/",
        "spiffe://shop.example//service/web",
        "spiffe://shop.example/service//web",
        "spiffe://shop.example/service/./web",
        "spiffe://shop.example/service/../web",
        "spiffe://shop.example/service/web?admin",
        "spiffe://shop.example/service/web#admin",
        "spiffe://shop.example/service/%77eb",
        "spiffe://shop.example/service/web%00",
        "spiffe://shop.example/service/web\0",
        "spiffe://shop.example/service/web\n",
        "spiffe://shop.example/service/web ",
        "spiffe://shop.example/service/*",
        "spiffe://shop.example/service\\web",
    ]
    .map(str::to_owned)
    .to_vec();
    uris.push(format!(
        "spiffe://shop.example/service/{}",
        "w".repeat(2_048)
    ));
    uris
}

/// A certificate of our own authority, good but for what `change` does.
fn altered(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Svid {
    let mut params = workload_params(&[GOOD]);
    change(&mut params);
    authority.sign(&params)
}

fn bad_names(ours: &Authority) -> Vec<(&'static str, Svid)> {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    vec![
        (
            "two identities",
            ours.sign(&workload_params(&[GOOD, "spiffe://shop.example/service/b"])),
        ),
        (
            "one identity twice",
            ours.sign(&workload_params(&[GOOD, GOOD])),
        ),
        (
            "an identity and another URI",
            ours.sign(&workload_params(&[GOOD, "https://a.example"])),
        ),
        (
            "another URI and an identity",
            ours.sign(&workload_params(&["https://a.example", GOOD])),
        ),
        ("no name", ours.sign(&workload_params(&[]))),
        (
            "a DNS name only",
            altered(ours, |params| {
                params.subject_alt_names = vec![dns("web.shop.example")];
            }),
        ),
        (
            "an identity as DNS name",
            altered(ours, |params| {
                params.subject_alt_names = vec![dns(GOOD)];
            }),
        ),
        (
            "an identity as mail address",
            altered(ours, |params| {
                params.subject_alt_names = vec![SanType::Rfc822Name(GOOD.try_into().unwrap())];
            }),
        ),
        (
            "an identity as common name",
            altered(ours, |params| {
                params.subject_alt_names.clear();
                params.distinguished_name.push(DnType::CommonName, GOOD);
            }),
        ),
        (
            "names twice",
            altered(ours, |params| {
                let names = [&[0x30, 0x23, 0x86, 0x21], GOOD.as_bytes()].concat();
                let extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
                params.custom_extensions.push(extension);
            }),
        ),
    ]
}

fn bad_usages(ours: &Authority) -> Vec<(&'static str, Svid)> {
    use ExtendedKeyUsagePurpose as Extended;
    use KeyUsagePurpose as Usage;
    let usages = |usages: Vec<Usage>| altered(ours, |params| params.key_usages = usages);
    let extended =
        |usages: Vec<Extended>| altered(ours, |params| params.extended_key_usages = usages);
    vec![
        (
            "an authority",
            altered(ours, |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }),
        ),
        (
            "may sign certificates",
            usages(vec![Usage::DigitalSignature, Usage::KeyCertSign]),
        ),
        (
            "may sign revocation lists",
            usages(vec![Usage::DigitalSignature, Usage::CrlSign]),
        ),
        ("no key usage", usages(Vec::new())),
        (
            "may not sign handshakes",
            usages(vec![Usage::KeyEncipherment]),
        ),
        (
            "key usage not critical",
            altered(ours, |params| {
                params.key_usages.clear();
                let extension =
                    CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 7, 128]);
                params.custom_extensions.push(extension);
            }),
        ),
        ("server only", extended(vec![Extended::ServerAuth])),
        ("client only", extended(vec![Extended::ClientAuth])),
        ("for code only", extended(vec![Extended::CodeSigning])),
        (
            "unknown critical extension",
            altered(ours, |params| {
                let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
                extension.set_criticality(true);
                params.custom_extensions.push(extension);
            }),
        ),
        (
            "expired",
            altered(ours, |params| params.not_after = date_time_ymd(2026, 1, 1)),
        ),
        (
            "not yet valid",
            altered(ours, |params| params.not_before = date_time_ymd(2400, 1, 1)),
        ),
    ]
}

fn bad_signers(ours: &Authority) -> Vec<(&'static str, Svid)> {
    let foreign = Authority::new("other.example");
    let namesake = Authority::new("shop.example");
    let key = KeyPair::generate().unwrap();
    let alone = workload_params(&[GOOD]).self_signed(&key).unwrap();
    let stolen = ours.svid("service/web").chain;
    vec![
        (
            "an authority of the same name",
            namesake.svid("service/web"),
        ),
        (
            "its own authority in the chain",
            namesake.svid("service/web").with(&namesake),
        ),
        (
            "our identity by a foreign authority",
            foreign.sign(&workload_params(&[GOOD])),
        ),
        (
            "a foreign identity by its authority",
            foreign.svid("service/web").with(&foreign),
        ),
        (
            "signed by itself",
            Svid {
                chain: vec![alone.der().clone()],
                key,
            },
        ),
        (
            "another's certificate",
            Svid {
                chain: stolen,
                key: KeyPair::generate().unwrap(),
            },
        ),
    ]
}

/// A good workload below an intermediate authority that is good but for what `change` does.
fn below(ours: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Svid {
    let mut params = authority_params("shop.example", "odd");
    change(&mut params);
    let odd = ours.below(params);
    let mut workload = workload_params(&[GOOD]);
    workload
        .subject_alt_names
        .push(SanType::DnsName("web.shop.example".try_into().unwrap()));
    odd.sign(&workload).with(&odd)
}

fn bad_intermediates(ours: &Authority) -> Vec<(&'static str, Svid)> {
    let intermediate = ours.intermediate();
    let foreign = || vec![SanType::URI("spiffe://other.example".try_into().unwrap())];
    let only = || NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("only.example".to_owned())],
        excluded_subtrees: Vec::new(),
    };
    vec![
        ("missing", intermediate.svid("service/web")),
        (
            "another one",
            intermediate.svid("service/web").with(&ours.intermediate()),
        ),
        (
            "no authority",
            below(ours, |params| params.is_ca = IsCa::NoCa),
        ),
        (
            "may not sign",
            below(ours, |params| {
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            }),
        ),
        (
            "no key usage",
            below(ours, |params| params.key_usages.clear()),
        ),
        (
            "expired",
            below(ours, |params| params.not_after = date_time_ymd(2026, 1, 1)),
        ),
        (
            "of another trust domain",
            below(ours, |params| params.subject_alt_names = foreign()),
        ),
        (
            "for other names",
            below(ours, |params| params.name_constraints = Some(only())),
        ),
    ]
}

fn is_about_the_peer(error: Option<&Error>) -> bool {
    matches!(
        error,
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented)
    )
}

#[test]
fn no_bad_identity_is_accepted_by_either_side() {
    let ours = Authority::new("shop.example");
    let identity = identity(&ours);
    let mut bad: Vec<(String, Svid)> = bad_uris()
        .into_iter()
        .map(|uri| (uri.clone(), ours.sign(&workload_params(&[&uri]))))
        .collect();
    for (what, svid) in [
        bad_names(&ours),
        bad_usages(&ours),
        bad_signers(&ours),
        bad_intermediates(&ours),
    ]
    .into_iter()
    .flatten()
    {
        bad.push((what.to_owned(), svid));
    }
    assert!(60 <= bad.len(), "{}", bad.len());

    for (what, svid) in &bad {
        let client = rogue_client(Some(svid.certified()), &TLS13);
        let called = connect(&client, &identity.server, "orders.service.shop.example");
        assert!(
            is_about_the_peer(called.server_error.as_ref()),
            "{what}: {:?}",
            called.server_error
        );

        let server = rogue_server(svid.certified(), &TLS13);
        let calling = connect(&identity.client, &server, "web.service.shop.example");
        assert!(
            is_about_the_peer(calling.client_error.as_ref()),
            "{what}: {:?}",
            calling.client_error
        );
    }
}

#[test]
fn no_altered_byte_of_a_good_certificate_is_accepted() {
    let ours = Authority::new("shop.example");
    let identity = identity(&ours);
    let mut svid = ours.svid("service/web");
    let good = svid.chain[0].to_vec();

    for (position, byte) in good.iter().enumerate() {
        let mut altered = good.clone();
        altered[position] = byte ^ (1 << (position % 8));
        svid.chain = vec![altered.into()];

        let client = rogue_client(Some(svid.certified()), &TLS13);
        let called = connect(&client, &identity.server, "orders.service.shop.example");
        assert!(called.server_error.is_some(), "byte {position}");
    }
}

#[test]
fn a_client_without_certificate_is_refused() {
    let identity = identity(&Authority::new("shop.example"));

    let ends = connect(
        &rogue_client(None, &TLS13),
        &identity.server,
        "orders.service.shop.example",
    );

    assert_eq!(ends.server_error, Some(Error::NoCertificatesPresented));
}

#[test]
fn good_identities_are_accepted_by_both_sides() {
    let ours = Authority::new("shop.example");
    let identity = identity(&ours);
    let intermediate = ours.intermediate();
    let params = workload_params(&[GOOD]);
    let keyed = |algorithm| ours.sign_key(&params, KeyPair::generate_for(algorithm).unwrap());
    let good = [
        ("intermediate with names", below(&ours, |_params| {})),
        ("P-256", keyed(&PKCS_ECDSA_P256_SHA256)),
        ("P-384", keyed(&PKCS_ECDSA_P384_SHA384)),
        ("Ed25519", keyed(&PKCS_ED25519)),
        ("RSA", keyed(&PKCS_RSA_SHA256)),
        (
            "intermediate",
            intermediate.svid("service/web").with(&intermediate),
        ),
        (
            "explicitly no authority",
            altered(&ours, |params| params.is_ca = IsCa::ExplicitNoCa),
        ),
        (
            "no extended key usage",
            altered(&ours, |params| params.extended_key_usages.clear()),
        ),
        (
            "a DNS name besides",
            altered(&ours, |params| {
                let name = SanType::DnsName("web.shop.example".try_into().unwrap());
                params.subject_alt_names.push(name);
            }),
        ),
    ];

    for (what, svid) in good {
        let client = rogue_client(Some(svid.certified()), &TLS13);
        let called = connect(&client, &identity.server, "orders.service.shop.example");
        assert!(called.agreed(), "{what}: {:?}", called.server_error);
        let shown = called.server.peer_certificates().unwrap();
        assert_eq!(
            identity.peer(shown, UnixTime::now()).as_deref(),
            Ok(GOOD),
            "{what}"
        );
        assert_eq!(peer_identity(shown).as_deref(), Ok(GOOD), "{what}");

        let server = rogue_server(svid.certified(), &TLS13);
        let calling = connect(&identity.client, &server, "web.service.shop.example");
        assert!(calling.agreed(), "{what}: {:?}", calling.client_error);
    }
}

#[test]
fn tls_1_2_is_not_spoken_between_proxies() {
    let ours = Authority::new("shop.example");
    let identity = identity(&ours);
    let peer = ours.svid("service/web").certified();

    let client = rogue_client(Some(peer.clone()), &TLS12);
    let called = connect(&client, &identity.server, "orders.service.shop.example");
    let calling = connect(
        &identity.client,
        &rogue_server(peer, &TLS12),
        "web.service.shop.example",
    );

    assert!(matches!(
        called.server_error,
        Some(Error::PeerIncompatible(_))
    ));
    assert!(calling.client_error.is_some() && calling.server_error.is_some());
}

#[test]
fn two_proxies_of_one_trust_domain_speak_http_2() {
    let ours = Authority::new("shop.example");
    let (client, server) = (identity(&ours), identity(&ours));

    let ends = connect(
        &client.client,
        &server.server,
        "orders.service.shop.example",
    );

    assert!(ends.agreed());
    assert_eq!(ends.server.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(
        ends.server.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
}
