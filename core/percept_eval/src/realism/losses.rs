//! Firings lost on smooth surfaces, by how and where the beam strikes.

use super::bins::{Binned, FrameBins};
use super::surfaces::Stretch;

/// Rates of loss of one kind of surface.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    pub(super) by_incidence: Binned,
    pub(super) by_range: Binned,
    pub(super) by_row: Binned,
}

impl Losses {
    /// Nothing yet; the bins of ranges are those of `range`.
    pub(super) fn new(range: &Binned, rows: usize) -> Self {
        Self { by_incidence: Binned::even(0.0, 10.0, 9), by_range: range.clone(), by_row: Binned::even(0.0, 1.0, rows) }
    }

    /// Adds a frame's stretches.
    pub(super) fn add<'a>(&mut self, stretches: impl Iterator<Item = &'a Stretch>) {
        let pair = |binned: &Binned| (binned.empty(), binned.empty());
        let (mut by_incidence, mut by_range) = (pair(&self.by_incidence), pair(&self.by_range));
        let mut by_row = pair(&self.by_row);
        let add = |(lost, fired): &mut (FrameBins, FrameBins), place: f64, stretch: &Stretch| {
            lost.add(place, stretch.lost);
            fired.add(place, stretch.fired);
        };
        for stretch in stretches {
            if let Some(incidence_deg) = stretch.incidence_deg {
                add(&mut by_incidence, incidence_deg, stretch);
            }
            add(&mut by_range, stretch.range_m, stretch);
            add(&mut by_row, stretch.row as f64, stretch);
        }
        self.by_incidence.add_rates(&by_incidence.0, &by_incidence.1);
        self.by_range.add_rates(&by_range.0, &by_range.1);
        self.by_row.add_rates(&by_row.0, &by_row.1);
    }
}
