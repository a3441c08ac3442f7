//! Finds certificates that end soon, or that no client accepts.
//!
//! Exact for the files that can be read and the day of the check (`--now`); a file that is not there says nothing, because
//! certificates are read by the proxy, often where no spec is checked.

use weft_front::IssuerFacts;
use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_spec::Span;
use weft_spec::units::Date;

use crate::rules::facts::Facts;

/// A certificate whose time is nearly over.
pub(super) static CODE: Code = Code {
    name: "cert-lifetime",
    severity: Severity::Warning,
    finds: "A certificate whose file can be read here, and that ends within 30 days, or, as an error, within 7 days; that does not \
            hold yet; that is an authority's; whose extended key usage lacks server authentication; whose key or signature is too \
            weak for clients; or whose key file, where that can be read too, holds another key. The authorities above it in the same \
            file are looked at alike, and must be allowed to issue for each of its names.",
    why: "On the day after, no client connects: it refuses a chain of which any part is wrong. Files that cannot be read are not judged.",
    bad: r"# now: 2026-11-27
# certificate: /etc/weft/web.pem ends 2026-12-10
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: /etc/weft/web.pem, key: /etc/weft/web.key}}
",
    good: r"# now: 2026-11-27
# certificate: /etc/weft/web.pem ends 2027-02-10
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: /etc/weft/web.pem, key: /etc/weft/web.key}}
",
};

const DAY: i64 = 86_400;
/// So long before the end it is time to renew, in days.
const SOON: i64 = 30;
/// So long before the end it is late, in days.
const LATE: i64 = 7;

/// Reports every such certificate.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for certificate in facts.mesh.certificates.values() {
        let Some(read) = facts.certificate(certificate) else {
            continue;
        };
        let name = format!("certificate `{}`", certificate.name.value);
        let chain = certificate.chain.span;
        let issue = "let your authority issue one for servers";
        if read.is_authority {
            diagnostics.push(wrong(chain, format!("{name} is an authority's"), issue));
        }
        if !read.serves {
            diagnostics.push(wrong(chain, format!("{name} is not for servers"), issue));
        }
        if let Some(weakness) = &read.weakness {
            diagnostics.push(wrong(chain, format!("{name} {weakness}"), STRONG));
        }
        if read.has_other_key == Some(true) {
            let help = "name the key that the certificate was issued for";
            let key = certificate.key.span;
            diagnostics.push(wrong(key, format!("{name} belongs to another key"), help));
        }
        let renew = "renew it; proxies read the file again when it changes";
        let held = (read.not_before, read.not_after);
        diagnostics.extend(lifetime(facts.today, (&name, chain), held, renew));
        for issuer in &read.issuers {
            of_issuer(facts.today, (&name, chain), issuer, diagnostics);
        }
    }
}

const STRONG: &str =
    "let your authority issue one that clients accept: RSA of 2048 bits or P-256, with SHA-256";

/// Reports what is wrong with an authority above a certificate.
fn of_issuer(
    today: Option<Date>,
    (certificate, place): (&str, Span),
    issuer: &IssuerFacts,
    diagnostics: &mut Diagnostics,
) {
    let name = format!("the authority `{}` of {certificate}", issuer.name);
    let another = "let another authority issue it, and put the chain of that one into the file";
    if !issuer.is_authority {
        diagnostics.push(wrong(place, format!("{name} may not issue any"), another));
    }
    if !issuer.serves {
        diagnostics.push(wrong(
            place,
            format!("{name} may not issue it for servers"),
            another,
        ));
    }
    if let Some(weakness) = &issuer.weakness {
        diagnostics.push(wrong(place, format!("{name} {weakness}"), STRONG));
    }
    if let Some(forbidden) = &issuer.forbids {
        let message = format!("{name} may not issue for `{forbidden}`, which is among its names");
        let help =
            "let an authority issue it that may, or leave that name out: clients refuse all of it";
        diagnostics.push(wrong(place, message, help));
    }
    let renew = "put the certificate that this authority has now into the chain; proxies read the file again when it changes";
    let held = (issuer.not_before, issuer.not_after);
    diagnostics.extend(lifetime(today, (&name, place), held, renew));
}

/// What the day of the check says of one that holds from one second to another.
fn lifetime(
    today: Option<Date>,
    (name, place): (&str, Span),
    (not_before, not_after): (i64, i64),
    renew: &str,
) -> Option<Diagnostic> {
    let tomorrow = today?.end_unix_seconds();
    if tomorrow <= not_before {
        let begin = Date::of_unix_seconds(not_before);
        let begin = begin.map_or_else(|| "a day far away".to_owned(), |day| day.to_string());
        let message = format!("{name} does not hold before {begin}");
        let help = "use one that holds today; clients refuse this one until then";
        return Some(wrong(place, message, help));
    }
    let left = (not_after - (tomorrow - DAY)).div_euclid(DAY);
    if SOON <= left {
        return None;
    }
    let message = if left < 0 {
        format!("{name} has ended")
    } else {
        format!("{name} ends in {left} days")
    };
    Some(if left < LATE {
        wrong(place, message, renew)
    } else {
        Diagnostic::new(&CODE, place, message).help(renew)
    })
}

fn wrong(place: Span, message: String, help: &str) -> Diagnostic {
    Diagnostic::new(&CODE, place, message)
        .help(help)
        .of(Severity::Error)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_end_is_seen_from_afar() {
        check(
            r"
            # now: 2026-11-27
            # certificate: /a.pem ends 2026-12-27
            # certificate: /b.pem ends 2026-12-26
            # certificate: /c.pem ends 2026-12-03
            # certificate: /d.pem ends 2026-11-01
            # certificate: /f.pem ends 2027-11-01
            # certificate: /weak.pem ends 2027-11-01
            certificates:
              a: {chain: /a.pem, key: /a.key}
              b: {chain: /b.pem, key: /b.key}  #~ warning[cert-lifetime]
              c: {chain: /c.pem, key: /c.key}  #~ error[cert-lifetime]
              d: {chain: /d.pem, key: /d.key}  #~ error[cert-lifetime]
              e: {chain: /e.pem, key: /e.key}
              f: {chain: /f.pem, key: /other.key}  #~ error[cert-lifetime]
              g: {chain: /weak.pem, key: /g.key}  #~ error[cert-lifetime]
            ",
        );
    }

    #[test]
    fn the_whole_chain_has_to_hold() {
        check(
            r"
            # now: 2026-11-27
            # certificate: /a.pem ends 2027-12-27 begins 2026-11-27
            # certificate: /b.pem ends 2027-12-27 begins 2026-11-28
            # certificate: /c.pem ends 2027-12-27 issuer-ends 2026-12-20
            # certificate: /d.pem ends 2027-12-27 issuer-ends 2026-11-01
            # certificate: /e.pem ends 2027-12-27 issuer-forbids a.example
            certificates:
              a: {chain: /a.pem, key: /a.key}
              b: {chain: /b.pem, key: /b.key}  #~ error[cert-lifetime]
              c: {chain: /c.pem, key: /c.key}  #~ warning[cert-lifetime]
              d: {chain: /d.pem, key: /d.key}  #~ error[cert-lifetime]
              e: {chain: /e.pem, key: /e.key}  #~ error[cert-lifetime]
            ",
        );
    }
}
