//! The findings of resolution: names that point nowhere, or to two things, and shapes that types leave open.

use crate::diagnostic::{Code, Severity};

/// All of them.
pub static CODES: &[&Code] = &[
    &BAD_OPERATION,
    &BAD_PATH,
    &BAD_TEST,
    &DUPLICATE_DEFINITION,
    &EMPTY_GLOB,
    &MISSING_MESH,
    &MISSING_VERSION,
    &UNCLEAR_ASSERTION,
    &UNCLEAR_OUTCOME,
    &UNCLEAR_OWNER,
    &UNKNOWN_REFERENCE,
];

/// A name that nothing defines.
pub static UNKNOWN_REFERENCE: Code = Code {
    name: "unknown-reference",
    severity: Severity::Error,
    finds: "A name of a service, gateway, listener, certificate or team that no file defines.",
    why: "A proxy could only answer such requests with an error. Names are checked across all files, so a rename \
          cannot leave half of its uses behind.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: order}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
"#,
};

/// A version that its service does not have.
pub static MISSING_VERSION: Code = Code {
    name: "missing-version",
    severity: Severity::Error,
    finds: "A backend `service@version` whose service has no such version, or a backend without a version \
            whose service has only versions.",
    why: "There would be no endpoint to send the requests to.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    mtls: disabled
    endpoints: ["127.0.0.1:8081"]
    versions: {v2: {endpoints: ["127.0.0.1:8082"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders@v9}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    mtls: disabled
    endpoints: ["127.0.0.1:8081"]
    versions: {v2: {endpoints: ["127.0.0.1:8082"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders@v2}]}
"#,
};

/// One name for two things.
pub static DUPLICATE_DEFINITION: Code = Code {
    name: "duplicate-definition",
    severity: Severity::Error,
    finds: "Two definitions with one name, in one file or in two: services, routes, gateways, certificates, the mesh, \
            or rules of one route; and a service or a host that two teams, or a team and the platform, list as theirs.",
    why: "Files make one mesh together, in no order, so neither definition could win. Names are also how logs, \
          metrics and identities tell things apart.",
    bad: r#"# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
# file: orders.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}}
"#,
    good: r#"# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
# file: orders.yaml
weft: v1
services: {payments: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}}
"#,
};

/// No `mesh:` anywhere.
pub static MISSING_MESH: Code = Code {
    name: "missing-mesh",
    severity: Severity::Error,
    finds: "A spec of which no file has `mesh`.",
    why: "The mesh gives the trust domain that all identities are made of; without it no node has a name.",
    bad: r#"weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
};

/// A path that is no pattern or can never match.
pub static BAD_PATH: Code = Code {
    name: "bad-path",
    severity: Severity::Error,
    finds: "A path that is not a pattern of ours, or that no request can have once it is canonical.",
    why: "Requests are matched after `//`, `.` and `..` are resolved and escapes are decoded, so a pattern with \
          them looks like a protection and is none.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  denied: {listener: public/web, host: "*", rules: [{path: /admin//**, respond: {status: 403}}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  denied: {listener: public/web, host: "*", rules: [{path: /admin/**, respond: {status: 403}}]}
"#,
};

/// Not exactly one of `to`, `redirect`, `respond`.
pub static UNCLEAR_OUTCOME: Code = Code {
    name: "unclear-outcome",
    severity: Severity::Error,
    finds: "A rule with none of `to`, `redirect` and `respond`, or with several of them.",
    why: "A rule says which requests and what becomes of them; one of the two halves is missing or said twice.",
    bad: r"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  old: {listener: public/web, host: shop.example, rules: [{path: /old, redirect: {host: new.example}, respond: {status: 410}}]}
",
    good: r"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  old: {listener: public/web, host: shop.example, rules: [{path: /old, redirect: {host: new.example}}]}
",
};

/// An operation that is not `METHOD /path`.
pub static BAD_OPERATION: Code = Code {
    name: "bad-operation",
    severity: Severity::Error,
    finds: "An entry of `operations` that is not a method, a space and a path.",
    why: "Operations are what a call is checked against, at the caller and at the callee.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    calls: {rates: {operations: [/v1/rates]}}
  rates: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    calls: {rates: {operations: [GET /v1/rates]}}
  rates: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
"#,
};

/// An assertion of which nobody can say whether it holds.
pub static UNCLEAR_ASSERTION: Code = Code {
    name: "unclear-assertion",
    severity: Severity::Error,
    finds: "An entry of `assert` that says nothing, or several things at once.",
    why: "An assertion is proved or refuted; one that says nothing would look as if it protected something.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
assert:
  - name: slow requests end
    bound: {for: {path: /reports/**}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
assert:
  - name: slow requests end
    bound: {for: {path: /reports/**}, timeout: 30s}
"#,
};

/// A test that cannot be run.
pub static BAD_TEST: Code = Code {
    name: "bad-test",
    severity: Severity::Error,
    finds: "An entry of `tests` whose request is none, that asks about nothing, or that expects nothing.",
    why: "A test that cannot fail is worse than none.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
tests:
  - {name: orders are routed, request: GET http://shop.example/orders, expect: {}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
tests:
  - {name: orders are routed, request: GET http://shop.example/orders, expect: {backend: orders}}
"#,
};

/// A glob that gives nothing to anybody.
pub static EMPTY_GLOB: Code = Code {
    name: "empty-glob",
    severity: Severity::Error,
    finds: "A glob in the `files` of a team or of the platform that matches no file. Globs are relative to the folder of the file \
            with `mesh`; `../` leads up, but not out of the folder that the command was given.",
    why: "What it was meant for belongs to somebody else, and nobody notices. That a spec was read from the wrong folder \
          shows here, too.",
    bad: r#"# file: platform/mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {orders: {files: [../orders/**, orders/**]}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
    good: r#"# file: platform/mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {orders: {files: [../orders/**]}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
};

/// A file without an owner, or with two.
pub static UNCLEAR_OWNER: Code = Code {
    name: "unclear-owner",
    severity: Severity::Error,
    finds: "A file that no glob of a team or of `mesh.platform` matches although there are teams, or that globs of two owners \
            match. The file with `mesh` is always the platform's.",
    why: "A file of nobody would count as the platform's, which may do everything; one of two owners escapes the review of one \
          of them.",
    bad: r#"# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example, teams: {orders: {files: [orders/**]}}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
# file: more/service.yaml
weft: v1
services: {more: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}}
"#,
    good: r#"# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example, teams: {orders: {files: [orders/**]}}, platform: {files: [more/**]}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
# file: more/service.yaml
weft: v1
services: {more: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}}
"#,
};

/// A rewrite that makes no sense. The list of the rules has it, one of which looks at new hosts.
pub static BAD_REWRITE: Code = Code {
    name: "bad-rewrite",
    severity: Severity::Error,
    finds: "A new path that uses a `{name}` or a `/**` which the path of the rule does not have, a new path or host that is not \
            one, the `host` of a service that is not one, and a rewrite in a rule that forwards nothing.",
    why: "The proxy would have nothing to put there.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
routes:
  orders: {listener: public/web, host: "*", rules: [{path: "/o/{id}", rewrite: {path: "/orders/{order}"}, to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
routes:
  orders: {listener: public/web, host: "*", rules: [{path: "/o/{id}", rewrite: {path: "/orders/{id}"}, to: orders}]}
"#,
};

/// Endpoints that are none. The list of the rules has it, one of which looks at services that are called.
pub static BAD_ENDPOINTS: Code = Code {
    name: "bad-endpoints",
    severity: Severity::Error,
    finds: "An empty list of endpoints, a DNS name without a port, an empty file name, or a service that is called and has no \
            endpoints at all.",
    why: "Every request would be answered with 503.",
    bad: r"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  rates: {protocol: http, mtls: disabled, endpoints: {dns: rates.internal}, tls: {verify: rates.internal, roots: /etc/roots.pem}}
",
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  rates: {protocol: http, mtls: disabled, endpoints: {dns: "rates.internal:443"}, tls: {verify: rates.internal, roots: /etc/roots.pem}}
"#,
};
