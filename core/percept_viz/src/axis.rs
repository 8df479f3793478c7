//! Round numbers for axes.

/// A step of 1, 2 or 5 times a power of ten that cuts a span into about `count` parts.
pub(crate) fn round_step(span: f64, count: usize) -> f64 {
    let rough = span / count.max(1) as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let magnitude = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= rough * 0.999);
    factor.unwrap_or(10.0) * magnitude
}

/// Round numbers within a span, at most about `count` of them.
pub(crate) fn ticks(from: f64, to: f64, count: usize) -> Vec<f64> {
    let step = round_step(to - from, count);
    let first = (from / step - 1e-9).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last.min(first.saturating_add(100))).map(|i| i as f64 * step).collect()
}

/// A number as an axis shows it, with the digits that its step needs.
pub(crate) fn tick_text(value: f64, step: f64) -> String {
    if value != 0.0 && (value.abs() >= 1e6 || step < 1e-4) {
        return format!("{value:.0e}");
    }
    if step >= 1000.0 && value.abs() >= 1000.0 {
        return format!("{}k", value / 1000.0);
    }
    let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let texts: Vec<_> = ticks(0.03, 0.98, 5).into_iter().map(|v| tick_text(v, 0.2)).collect();
        assert_eq!(texts, ["0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(ticks(-1.0, 1.0, 4), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(tick_text(20_000.0, 5000.0), "20k");
    }

    #[test]
    fn spans_of_nothing_still_end() {
        assert!(ticks(1.0, 1.0, 5).len() <= 101);
        assert!(ticks(f64::NAN, 1.0, 5).len() <= 101);
        assert!(ticks(0.0, f64::INFINITY, 5).len() <= 101);
    }
}
