//! An evaluation or a replay as one HTML file: style, tables and plots inside, pictures linked beside it.
//!
//! The file asks nothing of the network and the same report gives the same bytes. Everything that comes from data
//! is escaped.

mod html;
mod latency;
mod style;
mod tables;

pub use html::escape;
pub use latency::StageLatency;
pub use tables::{ApRow, ApTable};

use crate::curves::{Plot, render_svg};
use std::fmt::Write;

/// How a tile or a count is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// Good.
    Good,
    /// Worth a look.
    Warning,
    /// Bad.
    Bad,
}

/// A number that matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// A line below it.
    pub note: String,
    /// How to take it.
    pub tone: Tone,
}

/// How many of something, with what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// What was counted.
    pub what: String,
    /// How many.
    pub count: u64,
    /// What it means where it is not 0.
    pub meaning: String,
    /// How to take it where it is not 0.
    pub tone: Tone,
}

/// A picture in a file beside the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Path of the file relative to the report.
    pub href: String,
    /// A line below it.
    pub caption: String,
}

/// A report under construction; sections appear in the order they are added.
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    subtitle: String,
    sections: Vec<(String, String)>,
}

impl Report {
    /// A report without sections.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), sections: Vec::new() }
    }

    /// The numbers that matter, as tiles.
    pub fn tiles(self, tiles: &[Tile]) -> Self {
        self.section("", html::tiles(tiles))
    }

    /// A paragraph.
    pub fn note(self, heading: &str, text: &str) -> Self {
        self.section(heading, format!("<p>{}</p>\n", escape(text)))
    }

    /// Average precision a class, metric and difficulty.
    pub fn average_precision(self, heading: &str, table: &ApTable) -> Self {
        self.section(heading, tables::average_precision(table))
    }

    /// Plots side by side: precision over recall a class, training curves.
    pub fn plots(self, heading: &str, plots: &[Plot]) -> Self {
        let figures: String = plots.iter().map(|plot| format!("<figure>{}</figure>\n", render_svg(plot))).collect();
        self.section(heading, format!("<div class=\"plots\">\n{figures}</div>\n"))
    }

    /// Time a stage: percentiles and histogram.
    pub fn latency(self, heading: &str, stages: &[StageLatency]) -> Self {
        self.section(heading, latency::table(stages))
    }

    /// A table of texts; the first column names its rows.
    pub fn table(self, heading: &str, columns: &[&str], rows: &[Vec<String>]) -> Self {
        self.section(heading, tables::plain(columns, rows))
    }

    /// What was lost or dropped.
    pub fn counts(self, heading: &str, counts: &[Count]) -> Self {
        self.section(heading, tables::counts(counts))
    }

    /// A strip of pictures that lie in files beside the report.
    pub fn strip(self, heading: &str, pictures: &[Picture]) -> Self {
        self.section(heading, html::strip(pictures))
    }

    /// Where the numbers come from: weights and their hash, bag, command.
    pub fn provenance(self, heading: &str, facts: &[(String, String)]) -> Self {
        let rows: String =
            facts.iter().map(|(k, v)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(k), escape(v))).collect();
        self.section(heading, format!("<dl>\n{rows}</dl>\n"))
    }

    /// The HTML file.
    pub fn to_html(&self) -> String {
        let (title, subtitle) = (escape(&self.title), escape(&self.subtitle));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>\n{}</style>\n</head>\n<body>\n<header><h1>{title}</h1><p>{subtitle}</p></header>\n<main>\n",
            style::CSS
        );
        for (heading, body) in &self.sections {
            // Writing to a String cannot fail.
            let _ = match heading.as_str() {
                "" => writeln!(page, "<section>\n{body}</section>"),
                heading => writeln!(page, "<section>\n<h2>{}</h2>\n{body}</section>", escape(heading)),
            };
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }

    fn section(mut self, heading: &str, body: String) -> Self {
        self.sections.push((heading.to_owned(), body));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_data_cannot_become_markup() {
        let hostile = "<img src=x onerror=alert(1)>\"'&";
        let html = Report::new(hostile, hostile)
            .tiles(&[Tile { label: hostile.into(), value: hostile.into(), note: hostile.into(), ..Tile::default() }])
            .note(hostile, hostile)
            .table(hostile, &[hostile], &[vec![hostile.into()]])
            .strip(hostile, &[Picture { href: hostile.into(), caption: hostile.into() }])
            .provenance(hostile, &[(hostile.into(), hostile.into())])
            .to_html();
        assert!(!html.contains("<img src=x") && !html.contains("alert(1)>\""));
    }

    #[test]
    fn a_report_asks_nothing_of_the_network() {
        let plot = Plot { title: "p".into(), ..Plot::default() };
        let html = Report::new("r", "").plots("curves", &[plot]).latency("time", &[]).counts("losses", &[]).to_html();
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"));
    }

    #[test]
    fn sections_stand_in_the_order_they_were_added() {
        let html = Report::new("r", "").note("first", "a").note("second", "b").to_html();
        assert!(html.find("first").unwrap() < html.find("second").unwrap());
    }
}
