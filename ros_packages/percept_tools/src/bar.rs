//! Progress on the terminal's standard error, and Ctrl-C.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use percept_app::Progress;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A progress bar for one stretch of work after the other; silent where standard error is no terminal, notes excepted.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
    stop: Arc<AtomicBool>,
    quiet: bool,
}

impl Bar {
    /// A bar that stops the work on the first Ctrl-C, and the process on the second.
    pub fn new(quiet: bool) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            eprintln!("\nstopping after this frame; press Ctrl-C again to leave at once");
        })?;
        Ok(Self { bar: None, stop, quiet })
    }

    /// Set once Ctrl-C or SIGTERM came: for what runs without progress.
    pub fn stop_flag(&self) -> &AtomicBool {
        &self.stop
    }
}

impl Progress for Bar {
    fn begin(&mut self, what: &str, steps: Option<u64>) {
        let (bar, template) = match steps {
            Some(steps) => {
                (ProgressBar::new(steps), "{prefix:<12} {wide_bar:.cyan/dim} {pos}/{len}  {per_sec}  {eta} left ")
            }
            None => (ProgressBar::no_length(), "{prefix:<12} {spinner} {pos}  {per_sec}"),
        };
        if self.quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        // The template is a constant; should it be refused, the plain bar still tells the progress.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        self.bar = Some(bar);
    }

    fn advance(&mut self, steps: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(steps);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            // Not `finish`, which shows the whole stretch as done where Ctrl-C ended it.
            bar.abandon();
        }
    }

    fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) if !bar.is_hidden() => bar.suspend(|| eprintln!("{text}")),
            Some(_) | None => eprintln!("{text}"),
        }
    }

    fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
