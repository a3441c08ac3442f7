//! The kinds of findings about the shape of a file: its YAML, its expressions, its fields and values.

use crate::diagnostic::{Code, Severity, TOO_LARGE};

/// Every kind of finding of this pass, in the order of their names.
pub const CODES: &[&Code] = &[
    &BAD_EXPRESSION,
    &BAD_VALUE,
    &DUPLICATE_KEY,
    &LINK_IN_SPEC,
    &MISSING_FIELD,
    &TOO_LARGE,
    &UNKNOWN_FIELD,
    &UNKNOWN_VERSION,
    &UNQUOTED_EXPRESSION,
    &UNSUPPORTED_YAML,
    &WRONG_TYPE,
    &YAML_SYNTAX,
];

/// An expression in `{{ }}` that cannot be evaluated to one value.
pub static BAD_EXPRESSION: Code = Code {
    name: "bad-expression",
    severity: Severity::Error,
    finds: "An expression in `{{ }}` that cannot be evaluated to one value.",
    why: "A value that is not known must stop the build: guessing it would deploy something that nobody wrote. Values come from the files given by `--values`; `default` gives one where none is set.",
    bad: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults:
    timeout: {request: \"{{ requestTimeout }}\"}
",
    good: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults:
    timeout: {request: \"{{ requestTimeout | default('15s') }}\"}
",
};

/// A value of the right kind that its field does not accept: an unknown word, a number out of range, a text without the form that is needed.
pub static BAD_VALUE: Code = Code {
    name: "bad-value",
    severity: Severity::Error,
    finds: "A value of the right kind that its field does not accept: an unknown word, a number out of range, a text without the form that is needed.",
    why: "Durations, sizes, shares, hosts, methods and addresses have one form each, so that everybody reads them alike.",
    bad: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults:
    timeout: {request: 15 seconds}
",
    good: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults:
    timeout: {request: 15s}
",
};

/// A key that is there twice in one mapping.
pub static DUPLICATE_KEY: Code = Code {
    name: "duplicate-key",
    severity: Severity::Error,
    finds: "A key that is there twice in one mapping.",
    why: "Most readers of YAML keep the last one without a word. Which one was meant is for a person to say.",
    bad: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  name: store
",
    good: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
",
};

/// Something among the files of a spec that leads elsewhere, and is not read.
pub static LINK_IN_SPEC: Code = Code {
    name: "link-in-spec",
    severity: Severity::Warning,
    finds: "A link, or a repository of its own such as a submodule, among the files of a spec. It is not read, and neither is what it leads to.",
    why: "A revision holds where a link leads and not what is there, so a verdict about the one would not be one about the other; and a link \
          may lead to files that are nobody's to print. A folder of links that are none of the spec takes a file `.weftignore`.",
    bad: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# link: services.yaml
",
    good: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# file: services.yaml
weft: v1
services: {}
",
};

/// A field that is needed and not there.
pub static MISSING_FIELD: Code = Code {
    name: "missing-field",
    severity: Severity::Error,
    finds: "A field that is needed and not there.",
    why: "There is no value that would be right for everybody, so it has to be written.",
    bad: "\
weft: v1
mesh: {name: shop}
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example}
",
};

/// A field that does not exist at this place.
pub static UNKNOWN_FIELD: Code = Code {
    name: "unknown-field",
    severity: Severity::Error,
    finds: "A field that does not exist at this place.",
    why: "A misspelt field that is silently ignored is a setting that silently does not hold.",
    bad: "\
weft: v1
mesh:
  name: shop
  trustdomain: shop.example
  trustDomain: shop.example
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example}
",
};

/// A version of the language that this compiler does not know.
pub static UNKNOWN_VERSION: Code = Code {
    name: "unknown-version",
    severity: Severity::Error,
    finds: "A version of the language that this compiler does not know.",
    why: "The version decides what a file means; reading it by the rules of another one would be a guess.",
    bad: "\
weft: v7
mesh: {name: shop, trustDomain: shop.example}
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example}
",
};

/// An expression `{{ }}` without quotes around it.
pub static UNQUOTED_EXPRESSION: Code = Code {
    name: "unquoted-expression",
    severity: Severity::Error,
    finds: "An expression `{{ }}` without quotes around it.",
    why: "For YAML this is a mapping whose key is a mapping; only quotes make it a text in which an expression can stand.",
    bad: "\
weft: v1
mesh: {name: shop, trustDomain: {{ domain | default('shop.example') }} }
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: \"{{ domain | default('shop.example') }}\"}
",
};

/// Anchors, aliases, tags, merge keys, and keys that are not names.
pub static UNSUPPORTED_YAML: Code = Code {
    name: "unsupported-yaml",
    severity: Severity::Error,
    finds: "Anchors, aliases, tags, merge keys, and keys that are not names.",
    why: "They make a file mean something else than what stands at its place, and no diagnostic could point at one place any more.",
    bad: "\
weft: v1
mesh:
  name: &name shop
  trustDomain: shop.example
",
    good: "\
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
",
};

/// A value of another kind than its field has: a text in place of a number, a list in place of a mapping.
pub static WRONG_TYPE: Code = Code {
    name: "wrong-type",
    severity: Severity::Error,
    finds: "A value of another kind than its field has: a text in place of a number, a list in place of a mapping.",
    why: "Nothing is converted silently: `no` is a text, `8080` is a number, and what looks like one and is needed as the other gets quotes, or loses them.",
    bad: "\
weft: v1
mesh: {name: 17, trustDomain: shop.example}
",
    good: "\
weft: v1
mesh: {name: \"17\", trustDomain: shop.example}
",
};

/// A text that is not YAML.
pub static YAML_SYNTAX: Code = Code {
    name: "yaml-syntax",
    severity: Severity::Error,
    finds: "A text that is not YAML.",
    why: "Nothing behind the mistake can be trusted to mean what it seems to, so the document is left out.",
    bad: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example}
",
};
