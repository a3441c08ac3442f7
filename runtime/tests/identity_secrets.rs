//! No part of a private key is ever printed: not by `Debug`, not in an error, not in the log.
#![cfg(test)]

#[path = "common/pki.rs"]
mod pki;

use std::fmt::{Debug, Display};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use pki::{Authority, Svid};
use weft_runtime::identity::{
    EdgeListener, EdgeStore, Identity, IdentityFiles, IdentityStatus, refresh,
};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Spellings under which a key could be printed: PEM lines, bytes in decimal and in hexadecimal.
fn canaries(svid: &Svid) -> Vec<String> {
    let der = svid.key.serialize_der();
    // The secret scalar of a P-256 key starts at byte 36 of its PKCS #8 form.
    let secret = &der[36..44];
    let decimal = format!("{secret:?}").replace(['[', ']'], "");
    let hexadecimal: String = secret
        .iter()
        .flat_map(|byte| {
            [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap())
        })
        .collect();
    let mut canaries = vec![decimal, hexadecimal.to_uppercase(), hexadecimal];
    canaries.extend(
        svid.key_pem()
            .lines()
            .filter(|line| !line.starts_with("---"))
            .map(str::to_owned),
    );
    canaries
}

/// A result in every form in which it can be printed.
fn outcome<T: Debug, E: Debug + Display>(result: &Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?} {value:#?}"),
        Err(error) => format!("{error} {error:?} {error:#?}"),
    }
}

/// Prints all there is about a good identity, and about all ways to break its key file.
fn print_everything(directory: &Path, authority: &Authority, svid: &Svid) -> String {
    let mut shown = String::new();
    let mut show = |text: String| shown.push_str(&text);
    svid.write(directory, &[authority]);
    let files = IdentityFiles::new(directory, "shop.example", "service/orders").unwrap();
    let slot = ArcSwapOption::empty();
    let status = IdentityStatus::default();
    refresh(&files, &slot, &status);
    let identity = slot.load_full().unwrap();
    show(format!(
        "{identity:#?} {identity:?} {files:?} {:?} {:?}",
        identity.server, identity.client
    ));

    let pair = |key: &str| EdgeListener {
        hosts: vec!["*".to_owned()],
        chain: directory.join("svid.pem"),
        key: directory.join(key),
        default: None,
    };
    let store = EdgeStore::default();
    let config = store.config(&[pair("svid_key.pem")]).unwrap();
    show(format!("{store:#?} {config:?}"));

    let key = svid.key_pem();
    let (begin, rest) = key.split_once('\n').unwrap();
    for broken in [
        key.replace("-----END", "----END"),
        rest.to_owned(),
        format!("-----BEGIN {rest}"),
        key.split_at(key.len() / 2).0.to_owned(),
        key.replacen('M', "!", 1),
        format!("{begin}-{rest}"),
        key.replace("PRIVATE KEY", "EC PRIVATE KEY"),
        key.replace("PRIVATE KEY", "CERTIFICATE"),
    ] {
        fs::write(directory.join("svid_key.pem"), &broken).unwrap();
        refresh(&files, &slot, &status);
        show(outcome(&Identity::load(
            directory,
            "shop.example",
            "service/orders",
        )));
        show(format!("{status:?} {:?}", status.last_error()));
        show(outcome(
            &EdgeStore::default().config(&[pair("svid_key.pem")]),
        ));
        // A key where a certificate is expected.
        fs::write(directory.join("svid_bundle.pem"), &broken).unwrap();
        show(outcome(&Identity::load(
            directory,
            "shop.example",
            "service/orders",
        )));
    }
    shown
}

#[test]
fn no_key_is_printed() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("shop.example");
    let svid = authority.svid("service/orders");

    let mut shown = tracing::subscriber::with_default(subscriber, || {
        print_everything(directory.path(), &authority, &svid)
    });
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    shown.push_str(&logged);

    assert!(
        logged.contains("identity rotated") && logged.contains("refused"),
        "{logged}"
    );
    for canary in canaries(&svid) {
        assert!(!shown.contains(&canary), "{canary}");
    }
}
