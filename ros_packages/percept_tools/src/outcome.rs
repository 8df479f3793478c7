//! How a command ends: its exit code, and its error in words.

use percept_app::AppError;
use std::process::ExitCode;

/// How a command that ran to its end turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done, nothing to say.
    Done,
    /// 1: done, but something was found: a failed check, frames that failed, losses under --strict.
    Findings,
    /// 130: stopped by Ctrl-C; what was written up to there is complete and readable.
    Interrupted,
}

/// What `--help` says of exit codes.
pub const EXIT_CODES: &str = "Exit codes:
  0    done
  1    done, with findings: a failed check, frames that failed, losses under --strict
  2    wrong usage or bad input: nothing was done, or the message says how far it got
  3    the output could not be written (a full disk); what was written before is readable
  4    the GPU failed or ran out of memory: start the command anew
  130  stopped by Ctrl-C; what was written before is readable";

impl Outcome {
    /// Findings where there are any.
    pub fn found(any: bool) -> Self {
        if any { Self::Findings } else { Self::Done }
    }

    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Interrupted => 130,
        }
    }
}

/// Prints the error with what caused it and gives the exit code.
pub fn finish(result: anyhow::Result<Outcome>) -> ExitCode {
    let error = match result {
        Ok(outcome) => return ExitCode::from(outcome.code()),
        Err(error) => error,
    };
    // A reader that went away (`percept ... | head`) is no fault worth words.
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        // Transparent layers repeat themselves, and many messages end with their own cause.
        let text = cause.to_string();
        if !said.contains(&text) {
            eprintln!("  because: {text}");
        }
        said = text;
    }
    ExitCode::from(match error.downcast_ref::<AppError>() {
        Some(error) if error.is_output_failure() => 3,
        Some(error) if error.is_device_lost() => 4,
        Some(_) | None => 2,
    })
}
