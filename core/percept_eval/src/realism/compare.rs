//! Two sides held against each other, bin by bin, with a verdict.

use super::bins::Binned;
use super::objects::{CLASSES, RANGE_BIN_M, RANGE_BINS};
use super::ratio::{FrameRatio, Tallied};
use super::statistics::{KINDS, RealismStatistics};
use serde::Serialize;

/// Simulated and real agree where neither is more than this many times the other.
pub const AGREEMENT_FACTOR: f64 = 1.5;
/// Bins in which neither side has this share of its points (of rates: this rate; of counts: this share of the fullest
/// bin) are not judged.
pub const MIN_SHARE: f64 = 0.02;
/// Firings or points that a rate needs on either side.
const MIN_WHOLE: f64 = 200.0;
/// Objects that a median needs on either side.
const MIN_OBJECTS: u64 = 3;
/// Beyond the factor by no more than this many standard errors of the logarithm, the frames cannot tell.
const STANDARD_ERRORS: f64 = 2.0;

/// What is said of a bin, or of a whole statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Too little in it on either side to say anything.
    NotJudged,
    /// Within the factor.
    Within,
    /// Beyond the factor, but frames differ so much among each other that it may be chance.
    TooFewFrames,
    /// Beyond the factor.
    Outside,
}

/// What the bins of a statistic are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Shares of one whole: they add up to 1.
    Share,
    /// A rate of its own in each bin.
    Rate,
    /// A mean a frame.
    Mean,
    /// The median of objects.
    Median,
}

/// One bin of both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedBin {
    /// Where it begins on the axis.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Simulated value.
    pub simulated: Option<f64>,
    /// Real value.
    pub real: Option<f64>,
    /// Simulated over real; `None` where either is missing or the real one 0.
    pub ratio: Option<f64>,
    /// Standard error of the ratio's logarithm, from how frames or objects differ on both sides.
    pub ratio_error: f64,
    /// The verdict.
    pub agreement: Agreement,
    /// Lower and upper quartile and number of objects, simulated and real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<[ObjectSpread; 2]>,
}

/// How the objects of a bin spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ObjectSpread {
    /// Objects.
    pub count: u64,
    /// Lower and upper quartile.
    pub quartiles: [f64; 2],
}

/// One statistic of both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedStatistic {
    /// Short name, unique.
    pub name: String,
    /// What runs along the axis, with its unit.
    pub axis: &'static str,
    /// What the values are, with their unit.
    pub value: &'static str,
    /// What the bins are.
    pub quantity: Quantity,
    /// The bins.
    pub bins: Vec<ComparedBin>,
    /// Geometric mean of the factors between the sides (each at least 1) over the judged bins.
    pub typical_factor: Option<f64>,
    /// Half the sum of absolute differences of shares, 0 to 1.
    pub total_variation: Option<f64>,
    /// Mean distance, in the axis' unit, by which shares must be moved (first Wasserstein distance).
    pub wasserstein: Option<f64>,
    /// The worst verdict of its bins.
    pub agreement: Agreement,
}

/// Every statistic that both sides have, and the names of those that were left out.
pub fn compare(simulated: &RealismStatistics, real: &RealismStatistics) -> (Vec<ComparedStatistic>, Vec<String>) {
    let mut compared = Compared { simulated, real, statistics: Vec::new(), omitted: Vec::new() };
    compared.returns();
    compared.intensities();
    compared.losses();
    compared.objects();
    (compared.statistics, compared.omitted)
}

struct Compared<'a> {
    simulated: &'a RealismStatistics,
    real: &'a RealismStatistics,
    statistics: Vec<ComparedStatistic>,
    omitted: Vec<String>,
}

type Part = fn(&RealismStatistics) -> &Binned;

impl Compared<'_> {
    fn returns(&mut self) {
        self.binned("points a frame", Quantity::Mean, "", "points", |s| &s.points);
        self.binned("points a ring", Quantity::Mean, "ring from the top", "points a frame", |s| &s.points_a_row);
        self.binned("range", Quantity::Share, "distance (m)", "share of points", |s| &s.range);
        self.binned("height over ground", Quantity::Share, "height over ground (m)", "share of points", |s| &s.height);
        self.binned("nearest obstacle", Quantity::Share, "distance (m)", "share of directions", |s| &s.obstacle);
    }

    fn intensities(&mut self) {
        let (axis, value) = ("intensity", "share of points");
        if !self.simulated.has_intensity() || !self.real.has_intensity() {
            return self.omitted.push("intensity: not on a scale of 0 to 1 on both sides".to_owned());
        }
        self.binned("intensity", Quantity::Share, axis, value, |s| &s.intensity);
        for (kind, name) in KINDS.into_iter().enumerate() {
            let [simulated, real] = [self.simulated, self.real].map(|side| &side.intensity_of_kind[kind]);
            let points = |side: &Binned| side.ratio(0).whole();
            if points(simulated) < MIN_WHOLE || points(real) < MIN_WHOLE {
                let [simulated, real] = [points(simulated), points(real)];
                let left_out = format!("intensity of {name}: {simulated:.0} simulated and {real:.0} real points");
                self.omitted.push(left_out);
                continue;
            }
            let bins = compare_bins(simulated, real, Quantity::Share);
            self.push(format!("intensity of {name}"), axis, value, Quantity::Share, bins);
        }
    }

    /// Objects lose far more than walls and ground, and streets hold more or fewer of them: they are told apart where
    /// both sides know them.
    fn losses(&mut self) {
        let value = "share of firings lost";
        let (incidence, range, ring) = ("angle to the surface's normal (deg)", "distance (m)", "ring from the top");
        let has_truth = |s: &RealismStatistics| s.frames_with_truth() > 0 && s.frames_with_truth() == s.frames();
        if !(has_truth(self.simulated) && has_truth(self.real)) {
            self.binned("drop-out by incidence", Quantity::Rate, incidence, value, |s| &s.losses.by_incidence);
            self.binned("drop-out by range", Quantity::Rate, range, value, |s| &s.losses.by_range);
            return self.binned("drop-out by ring", Quantity::Rate, ring, value, |s| &s.losses.by_row);
        }
        self.binned("drop-out off objects by incidence", Quantity::Rate, incidence, value, |s| {
            &s.losses_off_objects.by_incidence
        });
        self.binned("drop-out off objects by range", Quantity::Rate, range, value, |s| &s.losses_off_objects.by_range);
        self.binned("drop-out off objects by ring", Quantity::Rate, ring, value, |s| &s.losses_off_objects.by_row);
        self.binned("drop-out on objects by incidence", Quantity::Rate, incidence, value, |s| {
            &s.losses_on_objects.by_incidence
        });
        self.binned("drop-out on objects by range", Quantity::Rate, range, value, |s| &s.losses_on_objects.by_range);
    }

    fn objects(&mut self) {
        let [simulated, real] = [self.simulated, self.real].map(|side| &side.objects);
        if simulated.count == 0 || real.count == 0 {
            let [simulated, real] = [simulated.count, real.count];
            let left_out = format!("points an object, shape of cars: {simulated} simulated and {real} real objects");
            return self.omitted.push(left_out);
        }
        for (class, name) in CLASSES.into_iter().enumerate() {
            let edge = |bin: usize| RANGE_BIN_M * bin as f64;
            let bins = (0..RANGE_BINS)
                .map(|bin| {
                    let sides = [simulated, real].map(|side| side.points.get(&(class, bin)));
                    compare_medians([edge(bin), edge(bin + 1)], sides)
                })
                .collect();
            self.push_if_any(format!("points a {name}"), "distance (m)", "points, median of objects", bins);
        }
        let level = |level: usize| {
            let sides = [simulated, real].map(|side| side.by_occlusion.get(&level));
            compare_medians([level as f64, level as f64 + 1.0], sides)
        };
        let bins = (0..3).map(level).collect();
        let (axis, value) = ("occlusion level", "points scaled to 20 m, median");
        self.push_if_any("points a Car by occlusion".to_owned(), axis, value, bins);
        self.binned("height profile of cars", Quantity::Share, "share of the box's height", "share of points", |s| {
            &s.objects.height_profile
        });
        self.binned("depth below a car's sides", Quantity::Share, "depth (m)", "share of points", |s| &s.objects.depth);
    }

    fn binned(&mut self, name: &str, quantity: Quantity, axis: &'static str, value: &'static str, part: Part) {
        let bins = compare_bins(part(self.simulated), part(self.real), quantity);
        self.push(name.to_owned(), axis, value, quantity, bins);
    }

    fn push_if_any(&mut self, name: String, axis: &'static str, value: &'static str, bins: Vec<ComparedBin>) {
        if bins.iter().any(|bin| bin.simulated.is_some() && bin.real.is_some()) {
            self.push(name, axis, value, Quantity::Median, bins);
        } else {
            self.omitted.push(format!("{name}: no distance at which both sides have any"));
        }
    }

    fn push(
        &mut self,
        name: String,
        axis: &'static str,
        value: &'static str,
        quantity: Quantity,
        bins: Vec<ComparedBin>,
    ) {
        let is_share = quantity == Quantity::Share;
        self.statistics.push(ComparedStatistic {
            name,
            axis,
            value,
            quantity,
            typical_factor: typical_factor(&bins, is_share),
            total_variation: total_variation(&bins).filter(|_| is_share),
            wasserstein: wasserstein(&bins).filter(|_| is_share),
            agreement: bins.iter().map(|bin| bin.agreement).max().unwrap_or(Agreement::NotJudged),
            bins,
        });
    }
}

fn compare_bins(simulated: &Binned, real: &Binned, quantity: Quantity) -> Vec<ComparedBin> {
    let value = |side: &Binned, bin: usize| side.ratio(bin).value().unwrap_or(0.0);
    let fullest = (0..simulated.len()).flat_map(|bin| [value(simulated, bin), value(real, bin)]).fold(0.0, f64::max);
    let least = match quantity {
        Quantity::Share | Quantity::Rate => MIN_SHARE,
        Quantity::Mean | Quantity::Median => MIN_SHARE * fullest,
    };
    (0..simulated.len().min(real.len()))
        .map(|bin| {
            let sides = [simulated.ratio(bin), real.ratio(bin)];
            let [from, to] = simulated.edges(bin);
            let log_ratio = (sides[0].comparable() / sides[1].comparable()).ln();
            let ratio_error = sides[0].relative_error().hypot(sides[1].relative_error());
            let has_weight = sides.iter().any(|side| side.value().is_some_and(|value| value >= least));
            // A rate of next to no firings is no value.
            let has_whole = |side: &FrameRatio| quantity != Quantity::Rate || side.whole() >= MIN_WHOLE;
            let [simulated, real] = sides.map(|side| side.value().filter(|_| has_whole(&side)));
            let both = simulated.is_some() && real.is_some();
            ComparedBin {
                from,
                to,
                simulated,
                real,
                ratio: simulated.zip(real).filter(|(_, real)| *real > 0.0).map(|(simulated, real)| simulated / real),
                ratio_error,
                agreement: judge(has_weight && both, log_ratio, ratio_error),
                objects: None,
            }
        })
        .collect()
}

fn compare_medians([from, to]: [f64; 2], sides: [Option<&Tallied>; 2]) -> ComparedBin {
    let none = Tallied::default();
    let sides = sides.map(|side| side.unwrap_or(&none));
    let [simulated, real] = sides.map(|side| side.quantile(0.5));
    let ratio = simulated.zip(real).filter(|(_, real)| *real > 0.0).map(|(simulated, real)| simulated / real);
    let ratio_error = sides[0].relative_error_of_median().hypot(sides[1].relative_error_of_median());
    let enough = sides.iter().all(|side| side.len() >= MIN_OBJECTS);
    let spread = |side: &Tallied| ObjectSpread {
        count: side.len(),
        quartiles: [0.25, 0.75].map(|share| side.quantile(share).unwrap_or(0.0)),
    };
    ComparedBin {
        from,
        to,
        simulated,
        real,
        ratio,
        ratio_error,
        agreement: judge(enough && ratio.is_some(), ratio.unwrap_or(1.0).max(1e-9).ln(), ratio_error),
        objects: Some(sides.map(spread)),
    }
}

fn judge(is_judged: bool, log_ratio: f64, error: f64) -> Agreement {
    let beyond = log_ratio.abs() - AGREEMENT_FACTOR.ln();
    match is_judged {
        false => Agreement::NotJudged,
        true if beyond <= 1e-9 => Agreement::Within,
        true if beyond <= STANDARD_ERRORS * error => Agreement::TooFewFrames,
        true => Agreement::Outside,
    }
}

/// Over the judged bins; of shares each counts by its share.
fn typical_factor(bins: &[ComparedBin], by_share: bool) -> Option<f64> {
    let mut sums = (0.0, 0.0);
    for bin in bins.iter().filter(|bin| bin.agreement != Agreement::NotJudged) {
        let weight = if by_share { bin.simulated.unwrap_or(0.0) + bin.real.unwrap_or(0.0) } else { 1.0 };
        // What one side lacks altogether counts as a factor of 100.
        let ratio = bin.ratio.unwrap_or(100.0).clamp(0.01, 100.0);
        sums = (sums.0 + weight * ratio.ln().abs(), sums.1 + weight);
    }
    (sums.1 > 0.0).then(|| (sums.0 / sums.1).exp())
}

fn differences(bins: &[ComparedBin]) -> Option<Vec<f64>> {
    bins.iter().map(|bin| Some(bin.simulated? - bin.real?)).collect()
}

fn total_variation(bins: &[ComparedBin]) -> Option<f64> {
    Some(differences(bins)?.iter().map(|difference| difference.abs()).sum::<f64>() / 2.0)
}

fn wasserstein(bins: &[ComparedBin]) -> Option<f64> {
    let mut carried = 0.0;
    let moved = differences(bins)?.into_iter().zip(bins).map(|(difference, bin)| {
        carried += difference;
        f64::abs(carried) * (bin.to - bin.from)
    });
    Some(moved.sum())
}
