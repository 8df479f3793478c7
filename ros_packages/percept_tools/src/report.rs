//! A report on standard output: a text for people, or JSON for machines.

use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Prints `report` as one JSON document, or as text.
pub fn print<R: Serialize + Display>(report: &R, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(out.flush()?)
}
