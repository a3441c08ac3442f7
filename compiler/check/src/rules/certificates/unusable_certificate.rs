//! Finds certificates whose files no proxy can use: a text where a path belongs, what is no path, one file for the other, nothing there.
//!
//! What stands in the spec is always judged. Files are judged as far as they can be read; an absolute path at which nothing is says
//! nothing, because certificates are often not where specs are checked. Whether key and certificate are a pair is asked by `cert-lifetime`.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Certificate;
use weft_front::secrets::shape;
use weft_front::{CertificateFiles, Content, WrongFile};
use weft_spec::Spanned;

use super::path;
use crate::rules::facts::Facts;

/// A certificate that no proxy can read.
pub(super) static CODE: Code = Code {
    name: "unusable-certificate",
    severity: Severity::Error,
    finds: "A `chain` or `key` that is the text of a certificate and not the path of its file; a file, if it can be read here, that holds \
            no certificate or no private key; and, as warnings, a path that is not absolute and at which nothing is, and a `chain`, `key` or \
            `roots` that is none: a URL, a variable or `~` of a shell, a folder, a file of the other kind by its ending.",
    why: "A proxy that cannot read a certificate refuses the snapshot, and serves the one before. A path that is not absolute \
          is looked for from the folder in which the proxy is started, and `weft check` looks from its own.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: "-----BEGIN CERTIFICATE----- MIIBkTCB", key: /etc/weft/web.key}}
"#,
    good: r"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: /etc/weft/web.pem, key: /etc/weft/web.key}}
",
};

/// Reports every such certificate.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for certificate in facts.mesh.certificates.values() {
        let files = facts.certificate_files(certificate);
        let is_swapped = is_swapped(&files);
        for file in [File::Chain, File::Key] {
            diagnostics.extend(file.finding(certificate, &files, is_swapped));
        }
    }
    for service in facts.mesh.services.values() {
        let roots = service.tls.iter().map(|tls| &tls.value.roots);
        diagnostics.extend(roots.filter_map(|roots| odd("roots", roots)));
    }
}

/// A warning of what stands in the place of a path.
fn odd(field: &str, text: &Spanned<String>) -> Option<Diagnostic> {
    let (message, help) = path::odd(field, &text.value)?;
    let found = Diagnostic::new(&CODE, text.span, message);
    Some(found.as_warning().help(help))
}

/// Whether each file holds what belongs into the other one.
fn is_swapped(files: &CertificateFiles) -> bool {
    let holds = |content| Some(WrongFile::Holds(content));
    files.chain == holds(Content::Key) && files.key == holds(Content::Certificate)
}

/// Which of the two files.
#[derive(Clone, Copy, Debug)]
enum File {
    Chain,
    Key,
}

impl File {
    fn field(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Key => "key",
        }
    }

    /// What it is to hold.
    fn what(self) -> &'static str {
        match self {
            Self::Chain => "the certificate chain in PEM, leaf first",
            Self::Key => "the private key in PEM, without a password",
        }
    }

    fn finding(
        self,
        certificate: &Certificate,
        files: &CertificateFiles,
        is_swapped: bool,
    ) -> Option<Diagnostic> {
        let (path, wrong) = match self {
            Self::Chain => (&certificate.chain, files.chain),
            Self::Key => (&certificate.key, files.key),
        };
        if path.value.contains("-----BEGIN") {
            return self.inline(certificate, path);
        }
        match wrong {
            Some(WrongFile::Holds(content)) => {
                let message = format!("the file of `{}` holds {}", self.field(), content.words());
                let help = if is_swapped {
                    "`chain` and `key` name each other's file: exchange them".to_owned()
                } else {
                    format!("name a file that holds {}", self.what())
                };
                Some(unusable(certificate, path, message).help(help))
            }
            // What is no path is nowhere either.
            Some(WrongFile::Absent { is_beside_spec }) => {
                odd(self.field(), path).or_else(|| absent(certificate, path, is_beside_spec))
            }
            None => odd(self.field(), path),
        }
    }

    fn inline(self, certificate: &Certificate, text: &Spanned<String>) -> Option<Diagnostic> {
        // A private key is a secret in the first place.
        if shape(&text.value).is_some() {
            return None;
        }
        let field = self.field();
        let message = format!("`{field}` is a text in PEM, and not the path of a file");
        let help = format!(
            "write it into a file on the machine of the proxy, and the path of that here, as `/etc/weft/{}.{}`",
            certificate.name.value,
            match self {
                Self::Chain => "pem",
                Self::Key => "key",
            }
        );
        Some(unusable(certificate, text, message).help(help))
    }
}

fn absent(
    certificate: &Certificate,
    path: &Spanned<String>,
    is_beside_spec: bool,
) -> Option<Diagnostic> {
    // A variable that nobody replaces is told of by another rule.
    if path.value.contains('$') {
        return None;
    }
    let message = format!(
        "there is no file `{}` in the folder in which this runs",
        path.value
    );
    let found = unusable(certificate, path, message)
        .as_warning()
        .help("write the absolute path at which the proxy finds it");
    Some(if is_beside_spec {
        found.note("it is there from the folder of the spec; a proxy looks from the folder in which it is started")
    } else {
        found.note("a path that is not absolute is looked for from the folder in which a program is started, be it `weft` or the proxy")
    })
}

fn unusable(certificate: &Certificate, path: &Spanned<String>, message: String) -> Diagnostic {
    Diagnostic::new(&CODE, path.span, message).label(certificate.name.span, "of this certificate")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_no_path_of_a_pem_file_is_found() {
        check(
            r#"
            # certificate: /swapped.pem holds key
            # certificate: /swapped.key holds certificate
            # certificate: /locked.key holds encrypted
            # certificate: certs/gone.pem is absent
            # certificate: ${CERTS}/gone.pem is absent
            certificates:
              inline:
                chain: "-----BEGIN CERTIFICATE----- MIIB"  #~ error[unusable-certificate]
                key: "-----BEGIN PRIVATE KEY----- MIIB"  #~ error[secret-in-spec]
              swapped:
                chain: /swapped.pem  #~ error[unusable-certificate]
                key: /swapped.key  #~ error[unusable-certificate]
              locked:
                chain: /unknown.pem
                key: /locked.key  #~ error[unusable-certificate]
              gone:
                chain: certs/gone.pem  #~ warning[unusable-certificate]
                key: /gone.key
              elsewhere:
                chain: https://a.example/b.pem  #~ warning[unusable-certificate]
                key: ~/c.key  #~ warning[unusable-certificate]
              variable:
                chain: "${CERTS}/gone.pem"  #~ warning[literal-variable]
                key: /gone.key
            "#,
        );
    }
}
