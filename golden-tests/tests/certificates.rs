//! What `weft check` says of certificates is what real clients make of them: OpenSSL is asked about each, with the host of the route
//! and on the day of the check.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use weft_golden_tests::programs::{self, Need};

/// A certificate below an authority below a root, and who asks for it.
struct Case {
    name: &'static str,
    /// Extensions of the certificate and of the authority.
    leaf: &'static str,
    authority: &'static str,
    /// So many days the authority holds; the certificate holds for 400.
    days: u32,
    host: &'static str,
    /// The day of the check, counted from today.
    day: i64,
    /// The code that says it; none where clients connect.
    code: Option<&'static str>,
}

const SOUND: Case = Case {
    name: "sound",
    leaf: "subjectAltName=DNS:a.shop.example",
    authority: "",
    days: 800,
    host: "a.shop.example",
    day: 0,
    code: None,
};

const COVERAGE: Option<&str> = Some("cert-coverage");
const LIFETIME: Option<&str> = Some("cert-lifetime");

#[rustfmt::skip]
const CASES: &[Case] = &[
    SOUND,
    Case { name: "below-a-wildcard", leaf: "subjectAltName=DNS:*.shop.example", ..SOUND },
    Case { name: "an-address", leaf: "subjectAltName=IP:10.0.0.1", host: "10.0.0.1", ..SOUND },
    Case { name: "an-address-of-version-6", leaf: "subjectAltName=IP:2001:db8::1", host: "[2001:db8::1]", ..SOUND },
    Case { name: "within-constraints", authority: "nameConstraints=permitted;DNS:shop.example", ..SOUND },
    Case { name: "beside-what-is-excluded", authority: "nameConstraints=excluded;DNS:b.shop.example", ..SOUND },
    Case { name: "constraints-of-addresses-alone", authority: "nameConstraints=permitted;IP:10.0.0.0/255.0.0.0", ..SOUND },
    Case { name: "not-yet", day: -10, code: LIFETIME, ..SOUND },
    Case { name: "an-authority-has-ended", days: 100, day: 110, code: LIFETIME, ..SOUND },
    Case { name: "it-has-ended", day: 410, code: LIFETIME, ..SOUND },
    Case { name: "outside-of-what-is-permitted", authority: "nameConstraints=permitted;DNS:other.example", code: LIFETIME, ..SOUND },
    Case { name: "below-what-is-permitted-alone", authority: "nameConstraints=permitted;DNS:.a.shop.example", code: LIFETIME, ..SOUND },
    Case { name: "excluded", authority: "nameConstraints=excluded;DNS:shop.example", code: LIFETIME, ..SOUND },
    Case { name: "one-name-too-many", leaf: "subjectAltName=DNS:a.shop.example,DNS:x.other.example", authority: "nameConstraints=permitted;DNS:shop.example", code: LIFETIME, ..SOUND },
    Case { name: "an-address-outside", leaf: "subjectAltName=DNS:a.shop.example,IP:192.0.2.1", authority: "nameConstraints=permitted;IP:10.0.0.0/255.0.0.0", code: LIFETIME, ..SOUND },
    Case { name: "no-names", leaf: "", code: COVERAGE, ..SOUND },
    Case { name: "addresses-alone", leaf: "subjectAltName=IP:10.0.0.1", code: COVERAGE, ..SOUND },
    Case { name: "a-wildcard-of-everything", leaf: "subjectAltName=DNS:*.example", host: "shop.example", code: COVERAGE, ..SOUND },
    Case { name: "two-labels-below-a-wildcard", leaf: "subjectAltName=DNS:*.shop.example", host: "a.b.shop.example", code: COVERAGE, ..SOUND },
    Case { name: "an-address-without-its-name", host: "10.0.0.1", code: COVERAGE, ..SOUND },
    Case { name: "an-address-as-a-name", leaf: "subjectAltName=DNS:10.0.0.1", host: "10.0.0.1", code: COVERAGE, ..SOUND },
    Case { name: "another-address", leaf: "subjectAltName=IP:10.0.0.2", host: "10.0.0.1", code: COVERAGE, ..SOUND },
    Case { name: "not-for-servers", leaf: "subjectAltName=DNS:a.shop.example\nextendedKeyUsage=clientAuth", code: LIFETIME, ..SOUND },
    Case { name: "an-authority-for-clients", authority: "extendedKeyUsage=clientAuth", code: LIFETIME, ..SOUND },
];

const DAY: i64 = 86_400;

fn run(folder: &Path, words: &[&str]) -> (bool, String) {
    let (program, words) = words.split_first().unwrap();
    let output = Command::new(program)
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Makes a certificate with these extensions; one without an issuer signs itself.
fn certificate(folder: &Path, name: &str, extensions: &str, (issuer, days): (Option<&str>, u32)) {
    let settings =
        format!("[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n{extensions}\n");
    fs::write(folder.join("settings"), settings).unwrap();
    let (out, key, days) = (
        format!("{name}.pem"),
        format!("{name}.key"),
        days.to_string(),
    );
    let subject = format!("/CN=the-{name}");
    let mut words = vec![
        "openssl",
        "req",
        "-x509",
        "-config",
        "settings",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        &subject,
        "-days",
        &days,
        "-out",
        &out,
        "-keyout",
        &key,
    ];
    let of_issuer = issuer.map(|issuer| (format!("{issuer}.pem"), format!("{issuer}.key")));
    if let Some((chain, key)) = &of_issuer {
        words.extend(["-CA", chain, "-CAkey", key]);
    }
    let (is_made, said) = run(folder, &words);
    assert!(is_made, "{name}: {said}");
}

/// Whether OpenSSL accepts the certificate for a host at a second.
fn is_accepted(folder: &Path, host: &str, second: i64) -> (bool, String) {
    let address = host.trim_matches(['[', ']']);
    let is_address = address.parse::<std::net::IpAddr>().is_ok();
    let asked = if is_address {
        "-verify_ip"
    } else {
        "-verify_hostname"
    };
    let second = second.to_string();
    let words = [
        "openssl",
        "verify",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "authority.pem",
        "-purpose",
        "sslserver",
        "-attime",
        &second,
        asked,
        address,
        "leaf.pem",
    ];
    run(folder, &words)
}

/// Now, in Unix time.
#[expect(
    clippy::disallowed_methods,
    reason = "OpenSSL 3.0 makes certificates that begin now"
)]
fn today() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn what_a_check_says_of_certificates_is_what_clients_make_of_them() {
    if programs::is_missing(&[Need::Program("openssl", "version")]).unwrap() {
        return;
    }
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash";
        certificate(at, "root", authority, (None, 3_000));
        let extensions = format!(
            "{authority}\nauthorityKeyIdentifier=keyid\n{}",
            case.authority
        );
        certificate(at, "authority", &extensions, (Some("root"), case.days));
        let extensions = format!(
            "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n{}",
            case.leaf
        );
        certificate(at, "leaf", &extensions, (Some("authority"), 400));
        let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
        fs::write(
            at.join("chain.pem"),
            read("leaf.pem") + &read("authority.pem"),
        )
        .unwrap();
        let spec = format!(
            "weft: v1\nmesh: {{name: m, trustDomain: m.example}}\n\
             gateways: {{g: {{listeners: {{w: {{port: 8443, protocol: https, tls: {{certificate: c}}}}}}}}}}\n\
             certificates: {{c: {{chain: chain.pem, key: leaf.key}}}}\n\
             routes: {{r: {{listener: g/w, host: \"{}\", rules: [{{respond: {{status: 204}}}}]}}}}\n",
            case.host
        );
        fs::write(at.join("mesh.yaml"), spec).unwrap();
        // The clock is asked when all are made: none of them may be of a later second.
        let second = today() + case.day * DAY;
        let (is_accepted, said_there) = is_accepted(at, case.host, second);
        let (_, date) = run(at, &["date", "-u", "-d", &format!("@{second}"), "+%F"]);
        let weft = env!("CARGO_BIN_EXE_weft-tested");
        std::os::unix::fs::symlink(weft, at.join("weft")).unwrap();
        let words = [
            "./weft",
            "check",
            ".",
            "--format",
            "json",
            "--now",
            date.trim(),
        ];
        let (is_sound, said) = run(at, &words);
        let name = case.name;
        assert_eq!(is_accepted, case.code.is_none(), "{name}: {said_there}");
        assert_eq!(is_sound, is_accepted, "{name}: {said}\n{said_there}");
        let mut lines = said.lines().filter(|line| line.contains("\"error\""));
        let code = case.code.map(|code| format!("\"{code}\""));
        assert!(
            lines.all(|line| code.as_ref().is_some_and(|code| line.contains(code))),
            "{name}: {said}"
        );
    }
}
