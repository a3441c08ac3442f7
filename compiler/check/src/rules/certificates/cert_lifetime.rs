//! Finds certificates that end soon, or that no client accepts.
//!
//! Exact for the files that can be read and the day of the check (`--now`); a file that is not there says nothing, because
//! certificates are read by the proxy, often where no spec is checked.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A certificate whose time is nearly over.
pub(super) static CODE: Code = Code {
    name: "cert-lifetime",
    severity: Severity::Warning,
    finds: "A certificate whose file can be read here, and that ends within 30 days, or, as an error, within 7 days; that is an \
            authority's; whose extended key usage lacks server authentication; whose key or signature is too weak for clients; or \
            whose key file, where that can be read too, holds another key.",
    why: "On the day after, no client connects. Files that cannot be read are not judged.",
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
        let name = &certificate.name.value;
        let mut wrong = |span: Span, what: &str, help: &str| {
            let message = format!("certificate `{name}` {what}");
            let mut finding = Diagnostic::new(&CODE, span, message).help(help);
            finding.severity = Severity::Error;
            diagnostics.push(finding);
        };
        let (chain, issue) = (
            certificate.chain.span,
            "let your authority issue one for servers",
        );
        if read.is_authority {
            wrong(chain, "is an authority's", issue);
        }
        if !read.serves {
            wrong(chain, "is not for servers", issue);
        }
        if let Some(weakness) = &read.weakness {
            let help = "let your authority issue one that clients accept: RSA of 2048 bits or P-256, with SHA-256";
            wrong(chain, weakness, help);
        }
        if read.has_other_key == Some(true) {
            let help = "name the key that the certificate was issued for";
            wrong(certificate.key.span, "belongs to another key", help);
        }
        let Some(today) = facts.today else {
            continue;
        };
        let midnight = today.end_unix_seconds() - DAY;
        let left = (read.not_after - midnight).div_euclid(DAY);
        if SOON <= left {
            continue;
        }
        let message = if left < 0 {
            format!("certificate `{name}` has ended")
        } else {
            format!("certificate `{name}` ends in {left} days")
        };
        let mut finding = Diagnostic::new(&CODE, certificate.chain.span, message)
            .help("renew it; proxies read the file again when it changes");
        if left < LATE {
            finding.severity = Severity::Error;
        }
        diagnostics.push(finding);
    }
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
}
