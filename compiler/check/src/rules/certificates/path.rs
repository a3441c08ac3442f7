//! Texts in the place of a path of certificates or a key: a URL, a variable or `~` of a shell, a folder, a file of the other kind by its ending.

/// What is odd about the text of a field, and what to write: nothing if it may be the path of such a file.
pub(super) fn odd(field: &str, text: &str) -> Option<(String, &'static str)> {
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
    Some((format!("`{field}` `{}` {why}", shown.escape_debug()), help))
}

#[cfg(test)]
mod tests {
    use super::odd;

    #[test]
    fn what_no_proxy_could_open_is_odd() {
        for (field, text) in [
            ("chain", "https://a.example/b.pem"),
            ("chain", "~/c.pem"),
            ("chain", "$HOME/d.pem"),
            ("chain", "/etc/weft/"),
            ("chain", "/f.key"),
            ("key", "/g.crt"),
            ("roots", "-----BEGIN CERTIFICATE-----"),
        ] {
            assert!(odd(field, text).is_some(), "{field} {text}");
        }
        for (field, text) in [
            ("chain", "/h.pem"),
            ("key", "/h.pem"),
            ("chain", "certs/i.crt"),
            ("key", "certs/i.key"),
        ] {
            assert_eq!(odd(field, text), None, "{field} {text}");
        }
    }
}
