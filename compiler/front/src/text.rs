//! Text that users wrote, on its way to a reader: one function for each kind of reader.
//!
//! Whoever writes a spec is not always whoever reads what is said about it: a contributor's text ends up in the
//! terminal of a reviewer, in the log of a build, in a comment below a pull request. None of it may be taken there for
//! anything but text. What GitHub's own annotations need is in `diagnostic/render/github.rs`.

/// Stands for a symbol that a reader must not get.
const REPLACED: char = '\u{FFFD}';

/// Whether a symbol does something instead of showing something: controls, which terminals obey; what turns the order of
/// writing (UAX 9, as in CVE-2021-42574); and line breaks that only some readers know.
fn is_active(symbol: char) -> bool {
    symbol.is_control()
        || matches!(
            symbol,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

/// Text for people at a terminal or in the log of a build, which may have several lines.
///
/// Runners of builds take a line that begins with `::`, or has `##[` in it, for a command to them (GitHub documentation,
/// "Workflow commands for GitHub Actions"; Azure Pipelines, "Logging commands"): a blank makes text of it.
pub fn terminal(text: &str) -> String {
    without_commands(&visible(text))
}

/// Text of which all that is not a line break or a tabulator can be seen.
pub fn visible(text: &str) -> String {
    let plain = |symbol: char| match symbol {
        '\n' | '\t' => symbol,
        symbol if is_active(symbol) => REPLACED,
        symbol => symbol,
    };
    text.chars().map(plain).collect()
}

/// Text that has escape sequences of our own in it, of whose parts each went through [`terminal`] already.
pub fn without_commands(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start();
        match begins.strip_prefix("::") {
            // Three colons and a blank name no command; a place in another file is drawn so.
            Some(rest) if !rest.starts_with(": ") => {
                let blanks = line.len().saturating_sub(begins.len());
                safe.push_str(line.get(..blanks).unwrap_or_default());
                safe.push_str(": :");
                safe.push_str(&without_brackets(rest));
            }
            Some(_) | None => safe.push_str(&without_brackets(line)),
        }
    }
    safe
}

fn without_brackets(line: &str) -> std::borrow::Cow<'_, str> {
    if line.contains("##") {
        let line = line.replace("##[", "## [").replace("##vso[", "##vso [");
        std::borrow::Cow::Owned(line)
    } else {
        std::borrow::Cow::Borrowed(line)
    }
}

/// Text for people in one line.
pub fn line(text: &str) -> String {
    let plain = |symbol: char| match symbol {
        '\n' | '\r' | '\t' => ' ',
        symbol if is_active(symbol) => REPLACED,
        symbol => symbol,
    };
    text.chars().map(plain).collect()
}

/// A code span of Markdown: as many backticks around it as it takes (`CommonMark` 0.31, section 6.1), and no line break,
/// because a blank line or a mark of a block in front of a line would end it.
pub fn code(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|letter| letter != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or_default().saturating_add(1));
    // One blank on each side is taken off again; without it a backtick at the edge would belong to the fence, and a text of
    // blanks alone would be no span.
    let needs_blanks = text.contains('`') || text.trim().is_empty();
    if needs_blanks {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Prose of Markdown in one line: every sign that could mean something is escaped (`CommonMark` 0.31, section 2.4), and
/// nobody is notified (`@name`) or linked (`#1`).
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for symbol in line(text).chars() {
        match symbol {
            // Behind a letter, as in `orders@v2`, nobody is meant.
            '@' if !before.is_alphanumeric() => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '|' | '~' | '&' | '!' | '$' => {
                safe.push('\\');
                safe.push(symbol);
            }
            symbol => safe.push(symbol),
        }
        before = symbol;
    }
    // A scheme in front of text makes a link of it where a reader extends Markdown.
    safe.replace("://", ":\\//").replace("www.", "www\\.")
}

/// A message of SARIF: brackets, which would be read as a link, and the backslash that escapes them.
///
/// Source: OASIS Static Analysis Results Interchange Format 2.1.0, section 3.11.6.
pub fn sarif(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in visible(text).chars() {
        if matches!(symbol, '[' | ']' | '\\') {
            safe.push('\\');
        }
        safe.push(symbol);
    }
    safe
}

/// At most so many bytes of a text, and a sign where something was left out.
pub fn cut(mut text: String, bytes: usize) -> String {
    if bytes < text.len() {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_and_a_runner_no_command() {
        assert_eq!(
            terminal("a\u{1b}[2Jb\r\u{9b}c\u{202e}d"),
            "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c\u{FFFD}d"
        );
        assert_eq!(
            terminal("x ::y\n  ::error::z\n::stop-commands::q"),
            "x ::y\n  : :error::z\n: :stop-commands::q"
        );
        assert_eq!(
            terminal("a ##[command]b ##vso[task]c"),
            "a ## [command]b ##vso [task]c"
        );
    }

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("a\n\n# b"), "`a  # b`");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn prose_of_markdown_means_nothing_but_itself() {
        assert_eq!(
            markdown("[a](http://b) *c* <img> @d a@v2 #1\n# e"),
            "\\[a\\](http:\\//b) \\*c\\* \\<img> &#64;d a@v2 &#35;1 &#35; e"
        );
    }

    #[test]
    fn a_message_of_sarif_has_no_link() {
        assert_eq!(sarif("[a](1) \\ \u{1b}"), "\\[a\\](1) \\\\ \u{FFFD}");
    }

    #[test]
    fn a_long_text_is_cut_between_symbols() {
        assert_eq!(cut("aéb".to_owned(), 2), "a…");
        assert_eq!(cut("aé".to_owned(), 3), "aé");
    }
}
