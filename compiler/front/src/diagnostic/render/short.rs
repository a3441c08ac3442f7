//! Findings in a line each, as editors and `grep` take them: `file:line:column: error[code]: message`.

use super::places::Places;
use super::{level, summary};
use crate::diagnostic::Diagnostic;
use crate::text;

/// Those that are shown, how many there are of all, and a word about the rest.
pub(super) fn render(
    shown: &[Diagnostic],
    (all, rest): (&[Diagnostic], Option<String>),
    places: &Places<'_>,
) -> String {
    let mut lines = String::new();
    for one in shown.iter().filter(|one| one.suppressed.is_none()) {
        let place = places.region(one.primary.span).map(|region| {
            let path = text::line(&places.path(one.primary.span.file));
            format!("{path}:{}:{}: ", region.line, region.column)
        });
        let (level, code) = (level(one.severity), one.code.name);
        let message = text::line(&one.message);
        let place = place.unwrap_or_default();
        lines.extend([&place, level, "[", code, "]: ", &message, "\n"]);
    }
    if !lines.is_empty() {
        let rest = rest.map_or(String::new(), |rest| format!("; {rest}"));
        lines.extend([summary(all), rest, "\n".to_owned()]);
    }
    text::without_commands(&lines)
}
