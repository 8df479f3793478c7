//! Tables: average precision, counts, plain texts.

use super::html::tone_class;
use super::{Count, Tone, escape};

/// Average precision of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ApRow {
    /// The class.
    pub class_name: String,
    /// A value in percent a metric and difficulty, in the order of the table's columns; `None` where nothing of the
    /// class is true.
    pub ap_percent: Vec<Option<f64>>,
}

/// Average precision of a detector.
#[derive(Clone, Debug, PartialEq)]
pub struct ApTable {
    /// Groups of columns: "3D AP R40", "BEV AP R40".
    pub metrics: Vec<String>,
    /// Columns of each group: "easy", "moderate", "hard".
    pub difficulties: Vec<String>,
    /// One a class.
    pub rows: Vec<ApRow>,
}

/// Each value stands on a bar of its length.
pub(super) fn average_precision(table: &ApTable) -> String {
    let span = table.difficulties.len().max(1);
    let group = |metric: &String| format!("<th class=\"group\" colspan=\"{span}\">{}</th>", escape(metric));
    let groups: String = table.metrics.iter().map(group).collect();
    let column = |name: &String| format!("<th>{}</th>", escape(name));
    let columns: String = table.metrics.iter().flat_map(|_| table.difficulties.iter().map(column)).collect();
    let cell = |ap: &Option<f64>| match ap {
        Some(ap) => format!("<td class=\"bar\" style=\"--fill:{:.1}%\">{ap:.2}</td>", ap.clamp(0.0, 100.0)),
        None => "<td class=\"none\">none</td>".to_owned(),
    };
    let row = |row: &ApRow| {
        let cells: String = row.ap_percent.iter().map(cell).collect();
        format!("<tr><th>{}</th>{cells}</tr>\n", escape(&row.class_name))
    };
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table class=\"ap\">\n<thead><tr><th></th>{groups}</tr>\n<tr><th>class</th>{columns}</tr>\
         </thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

pub(super) fn plain(columns: &[&str], rows: &[Vec<String>]) -> String {
    let columns: String = columns.iter().map(|name| format!("<th>{}</th>", escape(name))).collect();
    let cell = |(index, text): (usize, &String)| match index {
        0 => format!("<th>{}</th>", escape(text)),
        _ => format!("<td>{}</td>", escape(text)),
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
    let rows: String = rows.iter().map(row).collect();
    format!("<div class=\"scroll\"><table>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n")
}

/// What is not 0 is marked with its tone.
pub(super) fn counts(counts: &[Count]) -> String {
    let row = |count: &Count| {
        let (tone, meaning) = if count.count == 0 { (Tone::Plain, "") } else { (count.tone, count.meaning.as_str()) };
        format!(
            "<tr class=\"{}\"><th>{}</th><td>{}</td><td class=\"text\">{}</td></tr>\n",
            tone_class(tone),
            escape(&count.what),
            count.count,
            escape(meaning)
        )
    };
    let rows: String = counts.iter().map(row).collect();
    format!("<div class=\"scroll\"><table class=\"counts\">\n<tbody>\n{rows}</tbody></table></div>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_truth_has_no_number() {
        let rows = vec![ApRow { class_name: "Cyclist".into(), ap_percent: vec![Some(51.234), None] }];
        let difficulties = vec!["easy".into(), "hard".into()];
        let html = average_precision(&ApTable { metrics: vec!["3D".into()], difficulties, rows });
        assert!(html.contains(">51.23</td>") && html.contains(">none</td>"));
    }

    #[test]
    fn nothing_lost_is_not_marked() {
        let count = |count| Count { what: "dropped".into(), count, meaning: "look".into(), tone: Tone::Bad };
        assert!(!counts(&[count(0)]).contains("look") && counts(&[count(3)]).contains("class=\"bad\""));
    }
}
