//! Random specs as text, and requests that meet them.

use weft_space::WitnessRequest;
use weft_testing::Random;

const HOSTS: [&str; 3] = ["*", "*.example", "a.example"];
/// Two headers of one line, a list, and the one that is joined in its own way.
const HEADERS: [&str; 4] = ["x-a", "x-b", "accept-language", "cookie"];

/// One rule as its parts, so that a single one can be changed.
#[derive(Clone)]
pub(super) struct WrittenRule {
    pub(super) host: usize,
    pub(super) path: String,
    pub(super) methods: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) query: String,
    pub(super) outcome: String,
    pub(super) priority: usize,
}

pub(super) fn path(random: &mut Random) -> String {
    let text = random.pick(&[
        "/a",
        "/b",
        "/a/b",
        "/a/**",
        "/**",
        "\"/a/{x}\"",
        "\"/{x}/b\"",
        "\"/{x}/**\"",
        "/a/",
        "/b/**",
        "{regex: \"/a/[a-c]+\"}",
        "{regex: \"/.*b\"}",
        "{regex: \"/[ab](/.*)?\"}",
    ]);
    text.to_owned()
}

fn value(random: &mut Random) -> String {
    random
        .pick(&[
            "\"1\"",
            "v1",
            "{present: true}",
            "{absent: true}",
            "{regex: \"[0-9]+\"}",
            "{regex: \"1[,;] v?1\"}",
        ])
        .to_owned()
}

pub(super) fn conditions(random: &mut Random) -> (String, Vec<(&'static str, String)>, String) {
    let methods = random
        .pick(&["", "", "GET", "POST", "GET, POST"])
        .to_owned();
    let mut headers = Vec::new();
    for name in HEADERS {
        if random.one_in(if name.starts_with("x-") { 3 } else { 8 }) {
            headers.push((name, value(random)));
        }
    }
    let query = if random.one_in(4) {
        value(random)
    } else {
        String::new()
    };
    (methods, headers, query)
}

pub(super) fn rule(random: &mut Random) -> WrittenRule {
    let (methods, headers, query) = conditions(random);
    WrittenRule {
        host: random.below(HOSTS.len()),
        path: path(random),
        methods,
        headers,
        query,
        outcome: random
            .pick(&[
                "to: s",
                "to: t",
                "to: {s: 50%, t: 50%}",
                "to: s, timeout: {request: 1s}",
                "to: t, timeout: {request: 2s}, retry: {attempts: 3}",
                "respond: {status: 404}",
                "redirect: {host: b.example}",
            ])
            .to_owned(),
        priority: random.below(3),
    }
}

pub(super) fn asked(path: &str, methods: &str, headers: &[(&str, String)], query: &str) -> String {
    let headers: Vec<String> = headers
        .iter()
        .map(|(name, test)| format!("{name}: {test}"))
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("q: {query}")
    };
    let headers = headers.join(", ");
    format!("path: {path}, methods: [{methods}], headers: {{{headers}}}, query: {{{query}}}")
}

pub(super) fn spec(rules: &[WrittenRule], slashes: &str, region: &str) -> String {
    let mut text = format!(
        "gateways: {{g: {{listeners: {{w: {{port: 1, protocol: http, slashes: {slashes}}}}}}}}}\n"
    );
    text += "mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}\n\
        services:\n  s: {protocol: http, endpoints: [\"127.0.0.1:1\"]}\n  \
        t: {protocol: http, endpoints: [\"127.0.0.1:2\"], timeout: {request: 5s}}\nroutes:\n";
    for (host, pattern) in HOSTS.iter().enumerate() {
        let of_host = rules.iter().filter(|rule| rule.host == host);
        let lines = of_host.map(|rule| {
            let asked = asked(&rule.path, &rule.methods, &rule.headers, &rule.query);
            format!(
                "      - {{{asked}, priority: {}, {}}}\n",
                rule.priority, rule.outcome
            )
        });
        let lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            let head = format!("  r{host}:\n    on: g/w\n    host: \"{pattern}\"\n    rules:\n");
            text.extend([head, lines.concat()]);
        }
    }
    text + region
}

pub(super) fn rules(random: &mut Random) -> Vec<WrittenRule> {
    (0..=random.below(7)).map(|_| rule(random)).collect()
}

pub(super) fn request(random: &mut Random, slashes: &str) -> WitnessRequest {
    let mut headers = Vec::new();
    for name in HEADERS {
        // Two lines of a header now and then.
        for lines in [2, 5] {
            if random.one_in(lines) {
                let value = random.pick(&["1", "v1", "", "77", "x"]);
                headers.push((name.to_owned(), value.as_bytes().to_vec()));
            }
        }
    }
    let path = random.pick(&[
        "/", "/a", "/b", "/c", "/a/", "/a/b", "/a/c", "/c/b", "/a/b/c", "/b/a", "/ab", "/a/bb",
        "/b/",
    ]);
    let path = match (slashes, random.below(3)) {
        ("keep", 0) => random.pick(&["//", "//a", "/a//b", "/a//", "/b//a", "//b", "/a//b/c"]),
        (_, _) => path,
    };
    let query = random
        .one_in(2)
        .then(|| format!("q={}", random.pick(&["1", "v1", "", "x"])));
    WitnessRequest {
        method: random.pick(&["GET", "POST", "PUT"]).to_owned(),
        host: random
            // The last one stands for a request without a host.
            .pick(&["a.example", "b.example", "c.d.example", "other", ""])
            .to_owned(),
        path: path.to_owned(),
        query,
        headers,
        source: None,
    }
}
