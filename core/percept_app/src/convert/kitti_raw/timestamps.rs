//! Stamps as KITTI's raw data writes them: `2011-09-26 13:04:32.335337762`.

use super::TextLines;
use crate::AppError;
use percept_types::Stamp;
use std::path::Path;

/// One stamp a line; the frame's number is the index of its line.
pub(super) struct Timestamps(TextLines);

impl Timestamps {
    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>, AppError> {
        Ok(TextLines::read_if_there(path)?.map(Self))
    }

    pub(super) fn at(&self, number: u64) -> Result<Stamp, AppError> {
        let index = number as usize;
        let line = self.0.line(index)?;
        let fault = || self.0.fault(index, format!("{line:?} where YYYY-MM-DD HH:MM:SS.NNNNNNNNN is expected"));
        parse(line).ok_or_else(fault)
    }
}

/// Taken as UTC.
fn parse(text: &str) -> Option<Stamp> {
    let (date, time) = text.split_once(' ')?;
    let [year, month, day] = fields(date, '-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = fields(clock, ':')?;
    let is_fraction = !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    let in_range = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !(is_fraction && in_range && hour < 24 && minute < 60 && second < 61) {
        return None;
    }
    let nanoseconds: i64 = format!("{fraction:0<9}").parse().ok()?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Stamp::from_ns(seconds * 1_000_000_000 + nanoseconds))
}

fn fields(text: &str, separator: char) -> Option<[i64; 3]> {
    let parsed: Option<Vec<i64>> = text.split(separator).map(|part| part.parse().ok().filter(|v| *v >= 0)).collect();
    parsed?.try_into().ok()
}

/// Days of the Gregorian calendar, counted from March so that a leap day ends the year (Fliegel and Van Flandern 1968).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719 468 days lie between 1 March of year 0 and 1 January 1970.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_to_the_nanosecond() {
        let stamp = parse("2011-09-26 13:04:32.335337762").unwrap();
        assert_eq!(stamp, Stamp::from_ns(1_317_042_272_335_337_762));
        assert_eq!(parse("1970-01-01 00:00:00.5").unwrap(), Stamp::from_ns(500_000_000));
        assert_eq!(parse("2012-03-01 00:00:00").unwrap(), Stamp::from_ns(1_330_560_000_000_000_000));
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in ["", "2011-09-26", "2011-13-26 13:04:32.3", "2011-09-26 13:04", "2011-09-26 13:04:32.x", "a b"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
