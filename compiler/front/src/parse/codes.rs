//! The kinds of findings about the shape of a file: its YAML, its expressions, its fields and values.

use crate::diagnostic::{Code, Severity, TOO_LARGE};

/// Every kind of finding of this pass, in the order of their names.
pub const CODES: &[&Code] = &[
    &BAD_EXPRESSION,
    &BAD_VALUE,
    &DUPLICATE_KEY,
    &FOREIGN_FILE,
    &LINK_IN_SPEC,
    &MISSING_FIELD,
    &ODD_ENDING,
    &STRAY_LINE_BREAK,
    &TOO_LARGE,
    &UNKNOWN_FIELD,
    &UNKNOWN_VERSION,
    &UNPORTABLE_YAML,
    &UNQUOTED_EXPRESSION,
    &UNQUOTED_NUMBER,
    &UNQUOTED_WORD,
    &UNREADABLE_FILE,
    &UNSUPPORTED_YAML,
    &UNUSED_VALUE,
    &WRONG_TYPE,
    &YAML_SYNTAX,
];

/// A value of a file of values that no expression uses.
pub static UNUSED_VALUE: Code = Code {
    name: "unused-value",
    severity: Severity::Warning,
    finds: "A value of a file given by `--values` that no expression of the spec uses.",
    why: "Whoever changes it changes nothing: its name was misspelt, or what used it is gone.",
    bad: "\
# file: mesh.yaml
weft: v1
mesh: {name: \"{{ name }}\", trustDomain: shop.example}
# values: values.yaml
name: shop
domain: shop.example
",
    good: "\
# file: mesh.yaml
weft: v1
mesh: {name: \"{{ name }}\", trustDomain: shop.example}
# values: values.yaml
name: shop
",
};

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

/// A file that is none of Weft, among those of a spec.
pub static FOREIGN_FILE: Code = Code {
    name: "foreign-file",
    severity: Severity::Error,
    finds: "A file among those of a spec that says no version of Weft and has none of its fields.",
    why: "It may be meant for another program, or as values, and what it says would not hold here. A file `.weftignore` names what is no part of the spec.",
    bad: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# file: service.yaml
apiVersion: v1
kind: Service
",
    good: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# file: service.yaml
weft: v1
services: {}
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

/// A variable of another product in a text. It is no entry of [`CODES`]: the rule that finds more of them has it in its table.
pub static LITERAL_VARIABLE: Code = Code {
    name: "literal-variable",
    severity: Severity::Warning,
    finds: "A variable of a shell, nginx, Envoy or HAProxy in a text: `${PORT}` anywhere; `$1`, `$remote_addr`, `%REQ(host)%` in new paths and values of headers.",
    why: "Nothing is put in its place: it is a part of the text, and clients and services get to see it. Values of an environment are expressions, \
          `\"{{ port }}\"`, and come from the files given by `--values`.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{path: /old/**, rewrite: {path: /new/$1}, to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{path: /old/**, rewrite: {path: /new/**}, to: orders}]}
"#,
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

/// A text without quotes that looks like a number.
pub static UNQUOTED_NUMBER: Code = Code {
    name: "unquoted-number",
    severity: Severity::Error,
    finds: "A text without quotes that other YAML tools take for a number: `1.10`, `01234`, `0x1F`, `1e3`, `1_000`, `12:30`.",
    why: "Only whole decimal numbers are numbers here, so it is the text as it stands. To YAML 1.1, YAML 1.2 or Go it is a number, and an editor, `yq` or a script \
          that saves the file writes `1.1`, `668`, `31`, `1000`, `750`: other requests match, and nobody sees why.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{headers: {x-version: 1.10}, to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{headers: {x-version: "1.10"}, to: orders}]}
"#,
};

/// A text without quotes that is a word or a day elsewhere.
pub static UNQUOTED_WORD: Code = Code {
    name: "unquoted-word",
    severity: Severity::Warning,
    finds: "A text without quotes that other YAML tools take for a boolean (`yes`, `no`, `on`, `off`, `y`, `n`) or a date (`2026-12-31`).",
    why: "Here it is the text as it stands. A tool for YAML 1.1 that saves the file writes `true`, `false` or a time, which is another text.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{headers: {x-beta: yes}, to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {on: public/web, host: "*", rules: [{headers: {x-beta: "yes"}, to: orders}]}
"#,
};

/// A line break that only some readers know.
pub static STRAY_LINE_BREAK: Code = Code {
    name: "stray-line-break",
    severity: Severity::Error,
    finds: "A carriage return without a line feed, or one of the line breaks U+0085, U+2028 and U+2029.",
    why: "Some tools end the line there and others do not, so a comment may hide a setting that is read: reviewers see one file and the compiler another.",
    bad: "weft: v1\nmesh: {name: shop, trustDomain: shop.example} # was:\r\u{2028}\n",
    good: "weft: v1\nmesh: {name: shop, trustDomain: shop.example} # was:\n",
};

/// What other readers of YAML refuse.
pub static UNPORTABLE_YAML: Code = Code {
    name: "unportable-yaml",
    severity: Severity::Warning,
    finds: "YAML that is read here and refused by tools that others use for it: a tab between words, or a list, mapping or text in brackets or quotes that \
            goes on at the column of what it is in.",
    why: "Editors, formatters and scripts stop at it: PyYAML at the tab, the YAML support of editors at the column.",
    bad: "\
weft: v1
mesh: {name: shop,
trustDomain: shop.example}
",
    good: "\
weft: v1
mesh: {name: shop,
  trustDomain: shop.example}
",
};

/// A file that is not read because of the ending of its name.
pub static ODD_ENDING: Code = Code {
    name: "odd-ending",
    severity: Severity::Warning,
    finds: "A file among those of a spec whose name nearly ends as theirs do, such as `x.YAML`. It is not read.",
    why: "A file that nobody reads is a setting that silently does not hold. Files of a spec end in `.yaml` or `.yml`.",
    bad: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# odd: services.YAML
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

/// What is called like a file of a spec, and cannot be read.
pub static UNREADABLE_FILE: Code = Code {
    name: "unreadable-file",
    severity: Severity::Error,
    finds: "What is called like a file of a spec and cannot be read: a link that leads to nothing or in a circle, a pipe, a file without the right to read it, or one that is no text in UTF-8.",
    why: "Half of a spec is another spec: a denial or a timeout that stands in the file would silently not hold.",
    bad: "\
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
# unreadable: services.yaml
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
