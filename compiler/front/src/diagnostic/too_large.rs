//! What every pass may have to say: that a spec is beyond what it looks at.

use super::{Code, Severity};

/// Input beyond the limits of one run.
pub static TOO_LARGE: Code = Code {
    name: "too-large",
    severity: Severity::Error,
    finds: "A file beyond the limits: 8 MiB, 2,000,000 keys and values, 10,000 documents, 64 levels of nesting; files of more than 512 MiB together; \
            a list of more than 4,096 entries within a definition; expressions that take too much work together; \
            more than 256 listeners of a gateway or 100,000 hosts of one; more than 100,000 rules of routes for several hosts, counted for each host; globs of owners that take too many steps; findings that would take too many steps to look for; \
            more than 200 findings of one kind in a file, of which the others are counted.",
    why: "A spec is input like any other, and a bound on it is what keeps a build server alive.",
    bad: "\
weft: v1
mesh: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example}
",
};
