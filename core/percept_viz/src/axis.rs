//! Round numbers for axes.

/// A step of 1, 2 or 5 times a power of ten that cuts a span into about `count` parts.
pub(crate) fn round_step(span: f64, count: usize) -> f64 {
    let rough = span / count.max(1) as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let magnitude = 10f64.powf(rough.log10().floor());
    // Each factor serves what is nearer to it than to its neighbours on a logarithmic scale, about.
    let factor = match rough / magnitude {
        ..1.5 => 1.0,
        ..3.5 => 2.0,
        ..7.5 => 5.0,
        _ => 10.0,
    };
    factor * magnitude
}

/// The values 1, 2 and 5 times powers of ten between two exponents, or the powers alone where they are many.
pub(crate) fn log_ticks(from_exponent: f64, to_exponent: f64) -> Vec<f64> {
    let span = to_exponent - from_exponent;
    if !(span.is_finite() && span < 300.0) {
        return Vec::new();
    }
    let factors: &[f64] = if span < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = from_exponent.floor() as i32..=to_exponent.ceil() as i32;
    let values = decades
        .step_by((span / 8.0).ceil().max(1.0) as usize)
        .flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)));
    values.filter(|value| (from_exponent..=to_exponent).contains(&value.log10())).collect()
}

/// Round numbers within a span, about `count` of them.
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
        assert_eq!(log_ticks(-1.05, 0.4), [0.1, 0.2, 0.5, 1.0, 2.0]);
        assert_eq!(log_ticks(-3.0, 1.0).len(), 5);
    }

    #[test]
    fn spans_of_nothing_still_end() {
        assert!(ticks(1.0, 1.0, 5).len() <= 101);
        assert!(ticks(f64::NAN, 1.0, 5).len() <= 101);
        assert!(ticks(0.0, f64::INFINITY, 5).len() <= 101);
        assert!(log_ticks(f64::NAN, 1.0).is_empty() && log_ticks(-300.0, 300.0).is_empty());
    }
}
