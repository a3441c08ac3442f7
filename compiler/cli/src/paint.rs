//! Colours of results for people, and their short form.
//!
//! What is painted went through `terminal` already, so the only escape sequences in it are those of this file; the stream takes them out
//! again where nobody sees colours. A line is painted by how it begins, and no text of users begins one.

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const END: &str = "\u{1b}[0m";

/// How the beginning of a line is painted.
type Rules = &'static [(&'static str, &'static str)];

const DIFF: Rules = &[
    ("S1 ", RED),
    ("S2 ", RED),
    ("S3 ", RED),
    ("A1 ", RED),
    ("A2 ", YELLOW),
    ("R1 ", YELLOW),
    ("R2 ", YELLOW),
    ("G1 ", CYAN),
    ("T1 ", CYAN),
    ("C0 ", GREEN),
    ("broken ", RED),
    ("foreign ", RED),
    ("new warning ", YELLOW),
    ("  UNKNOWN ", RED),
    ("    before ", DIM),
    ("    after ", BOLD),
    ("    fix ", GREEN),
    ("All requests: proven unchanged", GREEN),
    ("All other requests: proven unchanged", GREEN),
];
const WHY: Rules = &[
    ("  route ", GREEN),
    ("  allowed ", GREEN),
    ("  to ", GREEN),
    ("  redirect ", GREEN),
    ("  answer ", GREEN),
    ("  refused ", RED),
    ("  not ", YELLOW),
    ("  why not ", YELLOW),
    ("            over ", DIM),
    ("gateway/", BOLD),
    ("service/", BOLD),
];
const TEST: Rules = &[
    ("ok ", GREEN),
    ("FAIL ", RED),
    ("not sent: ", YELLOW),
    ("unnoticed: ", YELLOW),
    ("no test looks at: ", YELLOW),
];

/// What `weft diff` prints.
pub(super) fn diff(text: &str) -> String {
    painted(text, DIFF)
}

/// What `weft why` prints.
pub(super) fn why(text: &str) -> String {
    painted(text, WHY)
}

/// What `weft test` prints.
pub(super) fn test(text: &str) -> String {
    painted(text, TEST)
}

fn painted(text: &str, rules: Rules) -> String {
    let mut all = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rule = rules.iter().find(|(begin, _)| line.starts_with(begin));
        match rule.and_then(|(begin, colour)| Some((begin, colour, line.strip_prefix(begin)?))) {
            Some((begin, colour, rest)) => {
                all.extend([*colour, *begin, END, rest]);
            }
            None => all.push_str(line),
        }
    }
    all
}

/// What `weft why` prints, in a line for each proxy on the way.
pub(super) fn short_why(text: &str) -> String {
    let mut all = String::new();
    for part in text.split("\n\n") {
        let mut lines = part.lines();
        let head = lines.next().unwrap_or_default();
        let decides = |line: &&str| {
            let words = ["route ", "to ", "redirect ", "answer ", "refused "];
            let line = line.strip_prefix("  ").unwrap_or_default();
            words.iter().any(|word| line.starts_with(word))
        };
        let said = lines.filter(decides).map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        let said: Vec<String> = said.collect();
        let colon = if said.is_empty() { "" } else { ": " };
        all.extend([head, colon, &said.join(", "), "\n"]);
    }
    all
}

/// What `weft test` prints, in a line for each test that fails, and one for all.
pub(super) fn short_test(text: &str) -> String {
    let counts = |line: &str| line.contains(" passed, ") && line.contains(" failed; ");
    let is_kept = |line: &&str| line.starts_with("FAIL ") || counts(line);
    let lines = text.lines().filter(is_kept);
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_line_is_painted() {
        let text = "S1 opens-access  S1 x  [s1-1]\n    where    here\nsome S1 text\n";
        assert_eq!(
            diff(text),
            "\u{1b}[1;31mS1 \u{1b}[0mopens-access  S1 x  [s1-1]\n    where    here\nsome S1 text\n"
        );
        assert_eq!(test("ok    a\n"), "\u{1b}[32mok \u{1b}[0m   a\n");
    }

    #[test]
    fn a_short_answer_has_a_line_for_each_proxy() {
        let text = "GET a/b\n\ngateway/g, listener web\n  route     r/0  (m.yaml:1)\n  matches   any\n  \
                    to        100% s (plaintext, 127.0.0.1:1)\n\nservice/s, listener inbound\n  \
                    refused   403 denied: nobody may\n";
        assert_eq!(
            short_why(text),
            "GET a/b\n\
             gateway/g, listener web: route r/0 (m.yaml:1), to 100% s (plaintext, 127.0.0.1:1)\n\
             service/s, listener inbound: refused 403 denied: nobody may\n"
        );
    }
}
