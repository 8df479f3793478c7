//! KITTI's label and result text: 15 columns a line, and a 16th with the score in results.
//!
//! Columns: class, truncation, occlusion, alpha, left, top, right, bottom, height, width, length, x, y, z, rotation_y,
//! score.

use super::{Annotation, ScoredAnnotation};
use crate::EvalError;
use percept_types::ImageBox;
use std::fmt::Write;

/// Reads one line of 15 or 16 columns; the score is there in the second case.
/// `source_name` and `line_number` are named in errors.
///
/// # Errors
/// For another number of columns, or one that is not a finite number.
pub fn parse_label_line(
    source_name: &str,
    line_number: usize,
    line: &str,
) -> Result<(Annotation, Option<f64>), EvalError> {
    let bad = |problem: String| EvalError::BadLabel { source_name: source_name.to_owned(), line: line_number, problem };
    let mut columns = line.split_whitespace();
    let class_name = columns.next().ok_or_else(|| bad("the line is empty".to_owned()))?.to_owned();
    let mut values = [0.0; 15];
    let mut count = 0;
    for text in columns {
        let column = count + 2;
        let slot = values.get_mut(count).ok_or_else(|| bad("more than 16 columns".to_owned()))?;
        *slot = match text.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => return Err(bad(format!("column {column} is {text:?}, but a finite number is expected"))),
        };
        count += 1;
    }
    if count < 14 {
        return Err(bad(format!("{} columns, but 15 (labels) or 16 (results) are expected", count + 1)));
    }
    let [truncation, occlusion, alpha_rad, left, top, right, bottom, height, width, length, x, y, z, rotation, score] =
        values;
    if occlusion.fract() != 0.0 || !(-1.0..=3.0).contains(&occlusion) {
        return Err(bad(format!("column 3 (occlusion) is {occlusion}, but -1, 0, 1, 2 or 3 is expected")));
    }
    let annotation = Annotation {
        class_name,
        truncation,
        occlusion: occlusion as i32,
        alpha_rad,
        image_box: ImageBox { left, top, right, bottom },
        size_m: [length, width, height],
        bottom_center_m: [x, y, z],
        rotation_y_rad: rotation,
    };
    Ok((annotation, (count == 15).then_some(score)))
}

/// Reads a label file; empty lines are skipped, a score is read and left.
///
/// # Errors
/// As [`parse_label_line`].
pub fn parse_labels(source_name: &str, text: &str) -> Result<Vec<Annotation>, EvalError> {
    numbered_lines(text).map(|(n, line)| Ok(parse_label_line(source_name, n, line)?.0)).collect()
}

/// Reads a result file: every line needs its score.
///
/// # Errors
/// As [`parse_label_line`], and for a line without score.
pub fn parse_results(source_name: &str, text: &str) -> Result<Vec<ScoredAnnotation>, EvalError> {
    numbered_lines(text)
        .map(|(line, text)| match parse_label_line(source_name, line, text)? {
            (annotation, Some(score)) => Ok(ScoredAnnotation { annotation, score }),
            (_, None) => Err(EvalError::BadLabel {
                source_name: source_name.to_owned(),
                line,
                problem: "15 columns, but a result has a 16th: the score".to_owned(),
            }),
        })
        .collect()
}

fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim().is_empty())
}

/// Writes a label line without its end: 15 columns, two to four decimals.
pub fn write_label_line(annotation: &Annotation) -> String {
    let a = annotation;
    let b = &a.image_box;
    let mut line = format!("{} {} {}", a.class_name, decimals(a.truncation), a.occlusion);
    let [length, width, height] = a.size_m;
    let [x, y, z] = a.bottom_center_m;
    let numbers = [a.alpha_rad, b.left, b.top, b.right, b.bottom, height, width, length, x, y, z, a.rotation_y_rad];
    for value in numbers {
        // Writing to a String cannot fail.
        let _ = write!(line, " {}", decimals(value));
    }
    line
}

/// Writes a result line without its end: 16 columns, the score with all its digits.
pub fn write_result_line(detection: &ScoredAnnotation) -> String {
    format!("{} {}", write_label_line(&detection.annotation), detection.score)
}

/// Four decimals, of which the last two only where they are not zero, as KITTI's own files have two.
fn decimals(value: f64) -> String {
    let text = format!("{value:.4}");
    let short = text.strip_suffix('0').map(|t| t.strip_suffix('0').unwrap_or(t));
    short.unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "Car 0.80 1 2.26 0.00 209.20 198.59 374.00 1.46 1.58 3.72 -5.44 1.85 6.22 1.56";

    #[test]
    fn a_label_line_comes_back_as_it_was() {
        let (annotation, score) = parse_label_line("label", 1, LINE).unwrap();
        assert_eq!(score, None);
        assert_eq!(annotation.size_m, [3.72, 1.58, 1.46]);
        assert_eq!(write_label_line(&annotation), LINE);
    }

    #[test]
    fn a_result_line_comes_back_as_it_was() {
        let text = format!("{LINE} 0.87654321");
        let results = parse_results("result", &text).unwrap();
        assert_eq!(results[0].score, 0.87654321);
        assert_eq!(write_result_line(&results[0]), text);
    }

    #[test]
    fn a_broken_line_names_its_number_and_column() {
        let error = parse_labels("a.txt", &format!("{LINE}\n\nCar 0 0 x")).unwrap_err();
        let EvalError::BadLabel { line, problem, .. } = &error else { panic!("{error}") };
        assert_eq!(*line, 3);
        assert!(problem.contains("column 4"), "{problem}");
        for bad in ["Car", "Car 1 2", &LINE.replace("6.22", "NaN"), &format!("{LINE} 1 2"), &LINE.replace(" 1 ", " 9 ")]
        {
            assert!(matches!(parse_label_line("a.txt", 1, bad), Err(EvalError::BadLabel { .. })), "{bad}");
        }
        assert!(parse_results("a.txt", LINE).is_err());
    }
}
