//! Identities as permissions and denials name them: one that stands for all which no entry tells apart.
//!
//! An entry names one identity or all below a place, so the identities that are told apart are those named alone, and what each
//! place has besides them and besides what smaller places have.

use std::collections::BTreeSet;

use weft_snapshot::identity::{ANY_BELOW, ANY_NAME, is_pattern, names};

use super::values::Values;

impl Values {
    /// The classes of identities: those mentioned, what else each pattern names, and any other, or nobody.
    pub(super) fn of_sources(entries: &BTreeSet<&str>) -> Self {
        let found = examples(entries);
        let patterns = found.iter().enumerate();
        let patterns =
            patterns.filter_map(|(class, (_, pattern))| Some(((*pattern)?.to_owned(), class)));
        let patterns: Vec<(String, usize)> = patterns.collect();
        let named = found
            .into_iter()
            .map(|(example, pattern)| (example, pattern.is_none()));
        let all = named.chain([(String::new(), false)]).collect();
        let mut values = Self::of_examples(all);
        values.patterns = patterns;
        values
    }

    /// The classes of identities that some entries name.
    pub(super) fn named_by(&self, entries: &[String]) -> Vec<usize> {
        let mut classes = self.named(entries);
        for entry in entries.iter().filter(|entry| is_pattern(entry)) {
            let all = self.all.iter().enumerate();
            let named = all.filter(|(_, value)| {
                let example = value.text().and_then(|text| std::str::from_utf8(text).ok());
                example.is_some_and(|example| names(entry, example))
            });
            classes.extend(named.map(|(class, _)| class));
        }
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// The pattern whose other identities a class is.
    pub(super) fn pattern_of(&self, class: usize) -> Option<&str> {
        let mut patterns = self.patterns.iter();
        let found = patterns.find(|(_, own)| *own == class);
        found.map(|(pattern, _)| pattern.as_str())
    }
}

/// One identity of each class, with the pattern of those that stand for what is left of it. Nobody is in none of them.
fn examples<'one>(entries: &BTreeSet<&'one str>) -> Vec<(String, Option<&'one str>)> {
    let (patterns, named): (Vec<&str>, Vec<&str>) =
        entries.iter().copied().partition(|entry| is_pattern(entry));
    let named = named.iter().map(|name| ((*name).to_owned(), None));
    let mut found: Vec<(String, Option<&'one str>)> = named.collect();
    for pattern in &patterns {
        // A smaller place is named by the pattern and is below it.
        let is_smaller = |other: &&&str| other != &pattern && names(pattern, &within(other));
        let smaller: Vec<&str> = patterns.iter().filter(is_smaller).copied().collect();
        let is_free = |one: &String| {
            !entries.contains(one.as_str()) && !smaller.iter().any(|other| names(other, one))
        };
        let mut own = candidates(pattern, entries.len());
        found.extend(own.find(is_free).map(|one| (one, Some(*pattern))));
    }
    found
}

/// An identity that a pattern names.
fn within(pattern: &str) -> String {
    let place = place(pattern);
    match pattern.strip_suffix(ANY_BELOW) {
        // So deep that what names one segment alone does not name it.
        Some(_) => format!("{place}/other/other"),
        None => format!("{place}/other"),
    }
}

fn place(pattern: &str) -> &str {
    let below = pattern.strip_suffix(ANY_BELOW);
    below
        .or_else(|| pattern.strip_suffix(ANY_NAME))
        .unwrap_or(pattern)
}

/// Identities that a pattern names, more than there are entries.
fn candidates(pattern: &str, entries: usize) -> impl Iterator<Item = String> {
    let (place, is_deep) = (place(pattern), pattern.ends_with(ANY_BELOW));
    (0..=entries).flat_map(move |number| {
        let name = match number {
            0 => "other".to_owned(),
            number => format!("other-{number}"),
        };
        let deeper = is_deep.then(|| format!("{place}/{name}/{name}"));
        std::iter::once(format!("{place}/{name}")).chain(deeper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_an_identity_of_its_own() {
        let entries = [
            "m/k/other",
            "m/k/*",
            "m/**",
            "m/*",
            "m/other/other",
            "x",
            "m/l/**",
        ];
        let entries: BTreeSet<&str> = entries.into_iter().collect();
        let found = examples(&entries);
        let of = |pattern: &str| {
            let mut found = found.iter();
            let found = found.find(|(_, own)| *own == Some(pattern)).unwrap();
            found.0.as_str()
        };
        assert_eq!(of("m/k/*"), "m/k/other-1");
        assert_eq!(of("m/*"), "m/other");
        assert_eq!(of("m/l/**"), "m/l/other");
        assert_eq!(of("m/**"), "m/other-1/other-1");
        assert_eq!(found.len(), entries.len());
    }
}
