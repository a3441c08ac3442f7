//! What somebody means by `DIST` or `DIST:TAG`: one rule, for every argument and every field of a spec that takes a snapshot.

use std::path::Path;

/// Where a snapshot is: a folder, and the tag of one of those that it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reference<'name> {
    /// The folder.
    pub dist: &'name Path,
    /// The tag, if one is asked for.
    pub tag: Option<&'name str>,
}

impl<'name> Reference<'name> {
    /// The place that is called so. What is there as it is written is a folder, whatever is in its name.
    pub fn named(name: &'name Path, is_there: impl Fn(&Path) -> bool) -> Self {
        let whole = Self {
            dist: name,
            tag: None,
        };
        let Some((folder, tag)) = name.to_str().and_then(|name| name.rsplit_once(':')) else {
            return whole;
        };
        let dist = Path::new(folder);
        // INVARIANT: a tag has no slash (annotations.md, "org.opencontainers.image.ref.name").
        if folder.is_empty() || tag.is_empty() || tag.contains('/') {
            return whole;
        }
        if is_there(name) || !is_there(dist) {
            return whole;
        }
        Self {
            dist,
            tag: Some(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_last_colon_is_a_tag_unless_it_is_there() {
        let there = ["dist", "with:colon"];
        for (name, dist, tag) in [
            ("dist", "dist", None),
            ("dist:generation-3", "dist", Some("generation-3")),
            ("with:colon", "with:colon", None),
            ("with:colon:latest", "with:colon", Some("latest")),
            ("gone:latest", "gone:latest", None),
            ("dist:", "dist:", None),
            ("dist:a/b", "dist:a/b", None),
        ] {
            let place = Reference::named(Path::new(name), |path| {
                path.to_str().is_some_and(|path| there.contains(&path))
            });
            assert_eq!((place.dist, place.tag), (Path::new(dist), tag), "{name}");
        }
    }
}
