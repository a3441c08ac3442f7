//! Finds texts in the place of a file with a certificate or a key that are no path of one.
//!
//! The proxy reads these files and the compiler need not have them, so a wrong path is found when a proxy refuses to start. What cannot be
//! right is said here.

use weft_front::WrongFile;
use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_spec::Spanned;

use crate::rules::facts::Facts;

/// No path of a file that a proxy could read.
pub(super) static CODE: Code = Code {
    name: "odd-certificate-path",
    severity: Severity::Warning,
    finds: "A `chain`, `key` or `roots` that is no path of such a file: the text of a certificate, a URL, a variable or `~` of a shell, a folder, or a file of the other kind by its ending.",
    why: "Proxies read the files where they run, and open the path as it is written; what no file has is found there, when a snapshot is refused.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: public}}}}}
certificates: {public: {chain: /etc/weft/public.key, key: /etc/weft/public.key}}
routes: {orders: {listener: public/web, host: "*", rules: [{respond: {status: 204}}]}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: public}}}}}
certificates: {public: {chain: /etc/weft/public.pem, key: /etc/weft/public.key}}
routes: {orders: {listener: public/web, host: "*", rules: [{respond: {status: 204}}]}}
"#,
};

/// Reports every such path.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for certificate in mesh.certificates.values() {
        let files = facts.certificate_files(certificate);
        let paths = [
            ("chain", &certificate.chain, files.chain),
            ("key", &certificate.key, files.key),
        ];
        for (field, path, wrong) in paths {
            // Text in their place and files that hold something else are errors of their own, `unusable-certificate`.
            let is_told =
                path.value.contains("-----BEGIN") || matches!(wrong, Some(WrongFile::Holds(_)));
            diagnostics.extend(odd(field, path).filter(|_| !is_told));
        }
    }
    for service in mesh.services.values() {
        diagnostics.extend(
            service
                .tls
                .iter()
                .filter_map(|tls| odd("roots", &tls.value.roots)),
        );
    }
}

fn odd(field: &str, path: &Spanned<String>) -> Option<Diagnostic> {
    let text = path.value.as_str();
    let ending = text.rsplit('/').next().unwrap_or_default().rsplit_once('.');
    let ending = ending.map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase());
    let (is_key, is_chain) = (
        ending == "key",
        matches!(ending.as_str(), "crt" | "cer" | "cert" | "csr"),
    );
    let (why, help) = if text.contains("-----BEGIN") {
        (
            "is the text of a file, and its path is wanted",
            "write the text into a file, and its path here: `/etc/weft/public.pem`",
        )
    } else if text.contains("://") {
        (
            "is a URL, and the path of a file is wanted",
            "write the path at which the proxy finds the file: `/etc/weft/public.pem`",
        )
    } else if text.starts_with('~') || (text.contains('$') && !text.contains("${")) {
        (
            "is not the path that it is to a shell: proxies open it as it is written",
            "write the whole path, or an expression over values: `\"{{ certificates }}/public.pem\"`",
        )
    } else if text.is_empty() || text.ends_with('/') {
        (
            "is no file but a folder",
            "write the path of the file in it: `/etc/weft/public.pem`",
        )
    } else if is_key && field != "key" {
        (
            "is the file of a key by its ending",
            "write the file of the certificates here, and the key behind `key`",
        )
    } else if is_chain && field == "key" {
        (
            "is the file of a certificate by its ending",
            "write the file of the private key here",
        )
    } else {
        return None;
    };
    let shown: String = text.chars().take(60).collect();
    let message = format!("`{field}` `{}` {why}", shown.escape_debug());
    Some(Diagnostic::new(&CODE, path.span, message).help(help))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_no_proxy_could_open_is_found() {
        check(
            r#"
            certificates:
              a: {chain: "-----BEGIN CERTIFICATE-----", key: /a.key}  #~ error[unusable-certificate]
              b: {chain: "https://a.example/b.pem", key: /b.key}  #~ warning[odd-certificate-path]
              c: {chain: "~/c.pem", key: /c.key}  #~ warning[odd-certificate-path]
              d: {chain: "$HOME/d.pem", key: /d.key}  #~ warning[odd-certificate-path]
              e: {chain: /etc/weft/, key: /e.key}  #~ warning[odd-certificate-path]
              f: {chain: /f.key, key: /f.key}  #~ warning[odd-certificate-path]
              g: {chain: /g.pem, key: /g.crt}  #~ warning[odd-certificate-path]
              h: {chain: /h.pem, key: /h.pem}
              i: {chain: certs/i.crt, key: certs/i.key}
            "#,
        );
    }
}
