//! Words of other products: what somebody who knows Envoy, Istio, nginx, HAProxy, Traefik or Kubernetes writes here first.
//!
//! A word that we have by another name gets that name, and one that we do not have gets the reason, so that nobody searches the manual
//! for it. The words are data; see [`fields`] and [`values`].

mod fields;
mod values;

use crate::diagnostic::Diagnostic;

/// What is said about a word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// It is this field, with the same value.
    Renamed(&'static str),
    /// It is this, written so: the end of "Weft calls it …".
    Called(&'static str),
    /// It is there, but elsewhere: the end of "it belongs …".
    Belongs(&'static str),
    /// It is not there: the end of "Weft has none, because …", and what to do instead.
    Missing(&'static str, &'static str),
}

/// Words that mean one thing.
#[derive(Debug)]
pub(super) struct Word {
    /// The words, as other products spell them; letters count alike in either case, and so do `_` and `-`, which are left out.
    names: &'static [&'static str],
    /// The types in which they mean it; anywhere if there are none.
    within: &'static [&'static str],
    /// What to say.
    answer: Answer,
}

/// What is said about a field that the type `of` does not have.
pub(super) fn field(name: &str, of: &str) -> Option<Answer> {
    let name = plain(name)?;
    let of_type = |word: &&Word| word.within.contains(&of) && word.names.contains(&name.as_str());
    let anywhere = |word: &&Word| word.within.is_empty() && word.names.contains(&name.as_str());
    let mut tables = fields::WORDS.iter();
    let found = tables.find(of_type);
    found
        .or_else(|| fields::WORDS.iter().find(anywhere))
        .map(|word| word.answer)
}

/// What is said about a word that is none of `known`.
pub(super) fn value(word: &str, known: &[&str]) -> Option<Answer> {
    let word = plain(word)?;
    let of = of_known(known);
    let mut words = values::WORDS.iter();
    words
        .find(|known| known.within.contains(&of) && known.names.contains(&word.as_str()))
        .map(|word| word.answer)
}

/// The name of what takes these fields or words and tells no name of its own.
pub(super) fn of_known(known: &[&str]) -> &'static str {
    match known {
        ["regex"] => "PathMatch",
        ["present", "absent", "regex"] => "ValueMatch",
        ["dns", "file"] => "Endpoints",
        ["http", "http2", "grpc"] => "ServiceProtocol",
        ["http", "https"] => "ListenerProtocol",
        ["strict", "permissive", "disabled"] => "Mtls",
        ["connect-failure", ..] => "RetryOn",
        ["public", "internal", ..] => "Sensitivity",
        _ => "",
    }
}

/// A word without what products differ in; nothing where it is longer than any.
fn plain(word: &str) -> Option<String> {
    (word.len() <= 64).then(|| {
        let letters = word.chars().filter(|letter| !matches!(letter, '_' | '-'));
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    })
}

impl Answer {
    /// Says it; `open` are the fields or words that may be written there.
    pub(super) fn explain(self, found: Diagnostic, open: &[&str]) -> Diagnostic {
        let span = found.primary.span;
        match self {
            Self::Renamed(name) if open.contains(&name) => found
                .help(format!("Weft calls it `{name}`"))
                .edit(span, name),
            Self::Renamed(name) => found.help(format!("Weft calls it `{name}`")),
            Self::Belongs(place) => found.help(format!("it belongs {place}")),
            Self::Called(how) => found.help(format!("Weft calls it {how}")),
            Self::Missing(why, instead) => found
                .note(format!("Weft has none, because {why}"))
                .help(instead),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static Word> {
        fields::WORDS.iter().chain(values::WORDS)
    }

    #[test]
    fn words_are_written_without_what_products_differ_in() {
        for word in all() {
            for name in word.names {
                assert_eq!(plain(name).as_deref(), Some(*name));
            }
        }
        assert!(40 <= all().count());
    }

    #[test]
    fn a_word_has_one_meaning_in_a_place() {
        let mut seen = std::collections::BTreeSet::new();
        for (table, words) in [fields::WORDS, values::WORDS].into_iter().enumerate() {
            for word in words {
                let places = if word.within.is_empty() {
                    &[""][..]
                } else {
                    word.within
                };
                for (place, name) in places
                    .iter()
                    .flat_map(|place| word.names.iter().map(move |name| (place, name)))
                {
                    assert!(seen.insert((table, *place, *name)), "{name} in `{place}`");
                }
            }
        }
    }

    #[test]
    fn the_names_of_types_are_those_of_the_language() {
        let schema = weft_spec::schema::draft2020().to_string();
        for word in all() {
            for of in word.within.iter().filter(|of| **of != "File") {
                assert!(schema.contains(&format!("\"{of}\"")), "{of}");
            }
        }
    }

    #[test]
    fn a_word_means_something_else_in_another_place() {
        let called = |name: &str, of: &str| format!("{:?}", field(name, of));
        assert!(called("statusCode", "Redirect").contains("code"));
        assert!(called("statusCode", "Respond").contains("status"));
        assert!(called("proxy_pass", "Rule").contains("to"));
        assert!(called("host", "Rule").contains("to the route"));
        assert!(called("timeout", "Route").contains("to a rule"));
        assert!(called("try_files", "Rule").contains("no files"));
        assert!(called("from", "Only").contains("callers"));
        assert!(field("colour", "Rule").is_none());
    }
}
