//! What a check found, worst last in weight but in the order of looking.

use serde::Serialize;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It will run, but look at it.
    Warning,
    /// It will not run, or not give what it should.
    Error,
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub about: &'static str,
    /// What was found.
    pub found: String,
    /// What to do; empty where all is well.
    pub way_out: String,
}

/// Everything looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Findings {
    pub(super) fn ok(&mut self, about: &'static str, found: String) {
        self.findings.push(Finding { level: Level::Ok, about, found, way_out: String::new() });
    }

    pub(super) fn warn(&mut self, about: &'static str, found: String, way_out: impl Into<String>) {
        self.findings.push(Finding { level: Level::Warning, about, found, way_out: way_out.into() });
    }

    pub(super) fn error(&mut self, about: &'static str, found: String, way_out: impl Into<String>) {
        self.findings.push(Finding { level: Level::Error, about, found, way_out: way_out.into() });
    }

    /// Whether something will not work.
    pub fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let mark = match finding.level {
                Level::Ok => "ok     ",
                Level::Warning => "WARNING",
                Level::Error => "ERROR  ",
            };
            writeln!(f, "{mark}  {}: {}", finding.about, finding.found)?;
            if !finding.way_out.is_empty() {
                writeln!(f, "         to do: {}", finding.way_out)?;
            }
        }
        writeln!(f, "{} errors, {} warnings", self.count(Level::Error), self.count(Level::Warning))
    }
}
