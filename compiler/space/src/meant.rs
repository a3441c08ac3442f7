//! What was meant by a path in the words of another router: `*`, `~ ^/a`, `{id:[0-9]+}`, a whole URL.

use crate::path::is_segment_name;

/// What to write for a path that does not start with a slash.
pub(crate) fn path(text: &str) -> String {
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        return format!("write `{path}`, and the host as `host` of the route");
    }
    if matches!(text, "*" | "**" | "*/**") {
        return "write `/**`".to_owned();
    }
    let bare = text.trim_start_matches(['~', '=', '*', ' ']);
    if text.starts_with(['~', '^']) || text.starts_with("*~") {
        let bare = bare.trim_start_matches('^');
        return format!(
            "write an expression as `path: {{regex: \"{bare}.*\"}}`, or `{bare}/**` for all below"
        );
    }
    if text.starts_with('=') {
        return format!("write `{bare}`");
    }
    format!("write `/{text}`")
}

/// A path with one slash for several.
pub(crate) fn merged(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

/// What to write for a name of a segment that is none.
pub(crate) fn segment_name(name: &str) -> String {
    match name.split_once(':') {
        Some((bare, _)) if is_segment_name(bare) => format!(
            "write `{{{bare}}}` for any segment, or `path: {{regex: …}}` for an expression of the whole path"
        ),
        _ if name.starts_with('*') || name.ends_with('*') => {
            "write `/**` at the end for all that is below".to_owned()
        }
        _ => "write a name of letters, digits, `_` and `-`, as `{id}`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::path::parse;

    #[test]
    fn paths_of_other_routers_say_what_to_write() {
        for (text, meant) in [
            ("cart", "write `/cart`"),
            ("*", "write `/**`"),
            ("~ ^/a", "`/a/**`"),
            ("= /a", "write `/a`"),
            ("https://a.example/b", "write `/b`"),
            ("//a", "write `/a`"),
            ("/{id:[0-9]+}", "write `{id}`"),
            ("/{*rest}", "`/**`"),
            ("/a/../b", "leads to"),
            ("/{a}/{a}", "of its own"),
        ] {
            let help = parse(text).unwrap_err().help.unwrap_or_default();
            assert!(help.contains(meant), "{text} {help}");
        }
    }
}
