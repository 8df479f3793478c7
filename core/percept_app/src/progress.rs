//! How far a long piece of work is, told to whoever watches; and whether they want it to stop.

/// Whoever watches: a progress bar, a log, or nobody.
pub trait Progress: Send {
    /// A stretch of work begins: what it is, and how many steps where that is known.
    fn begin(&mut self, what: &str, steps: Option<u64>);
    /// That many steps more are done.
    fn advance(&mut self, steps: u64);
    /// The stretch is over.
    fn end(&mut self);
    /// Something a person should know now.
    fn note(&mut self, text: &str);
    /// Whether to stop at the next clean point (Ctrl-C).
    fn stop_asked(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&mut self, _what: &str, _steps: Option<u64>) {}
    fn advance(&mut self, _steps: u64) {}
    fn end(&mut self) {}
    fn note(&mut self, _text: &str) {}
}
