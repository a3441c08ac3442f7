//! What the demonstration says: step by step, and a table at the end.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Report {
    steps: Vec<Step>,
    began: Instant,
    is_finished: bool,
}

#[derive(Debug)]
struct Step {
    title: String,
    began: Instant,
    seconds: f64,
    checks: u32,
    wrong: u32,
}

impl Report {
    /// Nothing was seen yet.
    pub(super) fn new() -> Self {
        Self {
            steps: Vec::new(),
            began: Instant::now(),
            is_finished: false,
        }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.close();
        let number = self.steps.len() + 1;
        self.steps.push(Step {
            title: title.to_owned(),
            began: Instant::now(),
            seconds: 0.0,
            checks: 0,
            wrong: 0,
        });
        self.line(&format!("{number}. {title}"));
    }

    /// Says what is done.
    pub(super) fn did(&self, text: &str) {
        self.line(&format!("   do      {text}"));
    }

    /// Compares what was expected with what was seen.
    pub(super) fn check(&mut self, expected: &str, seen: &str, is_right: bool) {
        let verdict = if is_right { "ok" } else { "NOT AS EXPECTED" };
        self.line(&format!(
            "   expect  {expected}\n   see     {seen}  [{verdict}]"
        ));
        if let Some(step) = self.steps.last_mut() {
            step.checks += 1;
            step.wrong += u32::from(!is_right);
        }
    }

    /// Shows a text of several lines as it is.
    pub(super) fn quote(&self, text: &str) {
        for line in text.lines() {
            self.line(format!("           {line}").trim_end());
        }
    }

    /// Prints a line; a closed terminal is no reason to stop.
    #[expect(clippy::unused_self, reason = "whoever prints says so to the report")]
    pub(super) fn line(&self, text: &str) {
        let mut output = std::io::stdout().lock();
        let _closed = writeln!(output, "{text}").and_then(|()| output.flush());
    }

    /// Says why the demonstration ended early.
    pub(super) fn failure(&self, error: &anyhow::Error) {
        self.line(&format!("\nthe demonstration could not go on: {error:#}"));
    }

    /// Prints the table.
    pub(super) fn summary(&mut self) {
        self.close();
        self.is_finished = true;
        let width = self
            .steps
            .iter()
            .map(|step| step.title.len())
            .max()
            .unwrap_or(0);
        let mut table = String::from("summary\n");
        for (number, step) in (1..).zip(&self.steps) {
            let verdict = if step.wrong == 0 { "ok" } else { "WRONG" };
            let right = step.checks - step.wrong;
            let _infallible = writeln!(
                table,
                "  {number}. {:width$}  {right}/{} as expected  {:>5.2} s  {verdict}",
                step.title, step.checks, step.seconds
            );
        }
        let checks: u32 = self.steps.iter().map(|step| step.checks).sum();
        let wrong: u32 = self.steps.iter().map(|step| step.wrong).sum();
        let seconds = self.began.elapsed().as_secs_f64();
        let _infallible = write!(
            table,
            "{} of {checks} as expected, in {seconds:.1} s",
            checks - wrong
        );
        self.line(&table);
    }

    /// Whether the demonstration came to its end and everything was as it says.
    pub(super) fn is_as_expected(&self) -> bool {
        self.is_finished
            && self
                .steps
                .iter()
                .all(|step| step.wrong == 0 && 0 < step.checks)
    }

    fn close(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.seconds = step.began.elapsed().as_secs_f64();
            self.line("");
        }
    }
}
