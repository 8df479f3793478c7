//! Plain-text tables: columns as wide as they must be, numbers to the right.

use std::fmt;

/// Rows of cells under a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, further ones are cut.
    pub fn push(&mut self, mut row: Vec<String>) {
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    fn write_row(f: &mut fmt::Formatter<'_>, row: &[String], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            // Names stand left; figures right.
            let (before, after) = if column == 0 { ("", padding.as_str()) } else { (padding.as_str(), "") };
            let gap = if column == 0 { "" } else { "  " };
            line.push_str(&format!("{gap}{before}{cell}{after}"));
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().chain(std::iter::once(&self.header)).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        Self::write_row(f, &self.header, &widths)?;
        let rules: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
        Self::write_row(f, &rules, &widths)?;
        self.rows.iter().try_for_each(|row| Self::write_row(f, row, &widths))
    }
}

/// A percentage with two decimals; a figure that does not exist says so.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "no truth".to_owned(), |v| format!("{v:.2}"))
}

/// A figure with some decimals; `-` where it does not exist.
pub fn figure(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["class", "AP"]);
        table.push(vec!["Car".into(), percent(Some(76.7432))]);
        table.push(vec!["Pedestrian".into(), percent(None)]);
        let expected = "class             AP\n----------  --------\nCar            76.74\nPedestrian  no truth\n";
        assert_eq!(table.to_string(), expected);
    }
}
