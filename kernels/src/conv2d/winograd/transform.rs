//! The transforms of F(4x4, 3x3), sixteen tiles at once.
//!
//! The same arithmetic on every instruction set: no fused operations, each tile in a lane of its own. So the bytes
//! depend neither on the processor nor on which tiles are computed together.
//! Source  Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.2.

#![allow(unsafe_code)] // functions for instruction sets that were detected at run time
#![allow(clippy::needless_range_loop)] // loops over lanes by index are what the compiler turns into vectors

/// Tiles that are transformed together.
pub(super) const LANES: usize = 16;
/// Output pixels along a side of a tile.
pub(super) const TILE: usize = 4;
/// Input pixels along a side of a tile, and the side of the transformed tile.
pub(super) const PATCH: usize = 6;
/// Values of a transformed tile.
pub(super) const POINTS: usize = PATCH * PATCH;
/// Input pixels of a row under `LANES` tiles, rounded up to a whole tile.
pub(super) const LINE: usize = TILE * (LANES + 1);

/// Smaller results are zero. Next to zeros a tile leaves rounding of 1e-8 of its values, the tile next to it 1e-8 of
/// that, and so on: within a few layers numbers would be denormal, which takes processors a hundred times as long.
const TINY: f32 = 1e-30;

/// One value of each of the tiles.
pub(super) type Lane = [f32; LANES];
/// A row of input pixels taken apart: pixel `TILE * t + p` is at `[p][t]`.
pub(super) type SplitRow = [[f32; LANES + 1]; TILE];

/// G w G^T of one kernel (3, 3).
pub(super) fn kernel(w: &[f32]) -> [f64; POINTS] {
    let column = |a: f64, b: f64, c: f64| {
        let (even, odd) = ((a + c) / -6.0, b / -6.0);
        let (wide_even, wide_odd) = (a / 24.0 + c / 6.0, b / 12.0);
        [a / 4.0, even + odd, even - odd, wide_even + wide_odd, wide_even - wide_odd, c]
    };
    let at = |row: usize, col: usize| f64::from(w[row * 3 + col]);
    let rows: [[f64; PATCH]; 3] = std::array::from_fn(|row| column(at(row, 0), at(row, 1), at(row, 2)));
    let mut out = [0.0; POINTS];
    for j in 0..PATCH {
        for (i, value) in column(rows[0][j], rows[1][j], rows[2][j]).into_iter().enumerate() {
            out[i * PATCH + j] = value;
        }
    }
    out
}

/// G^T s G: from the sums at the points to the gradient of a kernel (3, 3).
pub(super) fn kernel_adjoint(s: &[f32; POINTS]) -> [f32; 9] {
    let column = |m: [f64; PATCH]| {
        let (even, odd) = ((m[1] + m[2]) / -6.0, (m[2] - m[1]) / 6.0);
        let (wide_even, wide_odd) = (m[3] + m[4], m[3] - m[4]);
        [m[0] / 4.0 + even + wide_even / 24.0, odd + wide_odd / 12.0, even + wide_even / 6.0 + m[5]]
    };
    let rows: [[f64; 3]; PATCH] = std::array::from_fn(|i| column(std::array::from_fn(|j| f64::from(s[i * PATCH + j]))));
    let mut out = [0.0; 9];
    for j in 0..3 {
        for (i, value) in column(std::array::from_fn(|i| rows[i][j])).into_iter().enumerate() {
            out[i * 3 + j] = value as f32;
        }
    }
    out
}

/// B^T d along one direction.
#[inline(always)]
fn input_points(d: [f32; PATCH]) -> [f32; PATCH] {
    let (a, b) = (d[4] - 4.0 * d[2], d[3] - 4.0 * d[1]);
    let (c, e) = (d[4] - d[2], 2.0 * (d[3] - d[1]));
    [4.0 * d[0] - 5.0 * d[2] + d[4], a + b, a - b, c + e, c - e, 4.0 * d[1] - 5.0 * d[3] + d[5]]
}

/// A^T m along one direction.
#[inline(always)]
fn output_points(m: [f32; PATCH]) -> [f32; TILE] {
    let (even, odd) = (m[1] + m[2], m[1] - m[2]);
    let (wide_even, wide_odd) = (m[3] + m[4], m[3] - m[4]);
    [m[0] + even + wide_even, odd + 2.0 * wide_odd, even + 4.0 * wide_even, odd + 8.0 * wide_odd + m[5]]
}

/// A y along one direction.
#[inline(always)]
fn gradient_points(y: [f32; TILE]) -> [f32; PATCH] {
    let (even, odd) = (y[0] + y[2], y[1] + y[3]);
    let (wide_even, wide_odd) = (y[0] + 4.0 * y[2], 2.0 * y[1] + 8.0 * y[3]);
    [y[0], even + odd, even - odd, wide_even + wide_odd, wide_even - wide_odd, y[3]]
}

#[inline(always)]
fn split_row_body(line: &[f32; LINE], out: &mut SplitRow) {
    for t in 0..=LANES {
        for p in 0..TILE {
            out[p][t] = line[TILE * t + p];
        }
    }
}

#[inline(always)]
fn input_body(lines: &[[f32; LINE]; PATCH], out: &mut [Lane; POINTS]) {
    let mut rows = [[[0.0; LANES]; PATCH]; PATCH];
    for (line, row) in lines.iter().zip(&mut rows) {
        let mut d: SplitRow = [[0.0; LANES + 1]; TILE];
        split_row_body(line, &mut d);
        for t in 0..LANES {
            let points = input_points([d[0][t], d[1][t], d[2][t], d[3][t], d[0][t + 1], d[1][t + 1]]);
            for j in 0..PATCH {
                row[j][t] = points[j];
            }
        }
    }
    for j in 0..PATCH {
        for t in 0..LANES {
            let points = input_points(std::array::from_fn(|i| rows[i][j][t]));
            for i in 0..PATCH {
                out[i * PATCH + j][t] = points[i];
            }
        }
    }
}

#[inline(always)]
fn output_body(products: &[Lane; POINTS], bias: f32, floor: f32, out: &mut [[f32; TILE * LANES]; TILE]) {
    let mut columns = [[[0.0; LANES]; PATCH]; TILE];
    for j in 0..PATCH {
        for t in 0..LANES {
            let points = output_points(std::array::from_fn(|i| products[i * PATCH + j][t]));
            for i in 0..TILE {
                columns[i][j][t] = points[i];
            }
        }
    }
    for (row, line) in columns.iter().zip(out) {
        for t in 0..LANES {
            let points = output_points(std::array::from_fn(|j| row[j][t]));
            for p in 0..TILE {
                let value = (points[p] + bias).max(floor);
                line[TILE * t + p] = if value.abs() < TINY { 0.0 } else { value };
            }
        }
    }
}

#[inline(always)]
fn gradient_body(lines: &[[f32; TILE * LANES]; TILE], out: &mut [Lane; POINTS]) {
    let mut rows = [[[0.0; LANES]; PATCH]; TILE];
    for (line, row) in lines.iter().zip(&mut rows) {
        for t in 0..LANES {
            let points = gradient_points(std::array::from_fn(|p| line[TILE * t + p]));
            for j in 0..PATCH {
                row[j][t] = points[j];
            }
        }
    }
    for j in 0..PATCH {
        for t in 0..LANES {
            let points = gradient_points(std::array::from_fn(|i| rows[i][j][t]));
            for i in 0..PATCH {
                out[i * PATCH + j][t] = points[i];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn gradient_avx512(lines: &[[f32; TILE * LANES]; TILE], out: &mut [Lane; POINTS]) {
    gradient_body(lines, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gradient_avx2(lines: &[[f32; TILE * LANES]; TILE], out: &mut [Lane; POINTS]) {
    gradient_body(lines, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn input_avx512(lines: &[[f32; LINE]; PATCH], out: &mut [Lane; POINTS]) {
    input_body(lines, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn input_avx2(lines: &[[f32; LINE]; PATCH], out: &mut [Lane; POINTS]) {
    input_body(lines, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn output_avx512(products: &[Lane; POINTS], bias: f32, floor: f32, out: &mut [[f32; TILE * LANES]; TILE]) {
    output_body(products, bias, floor, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn output_avx2(products: &[Lane; POINTS], bias: f32, floor: f32, out: &mut [[f32; TILE * LANES]; TILE]) {
    output_body(products, bias, floor, out);
}

/// The functions for this processor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transform {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// On aarch64 the compiler uses NEON, which every such processor has.
    Portable,
}

impl Transform {
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// B^T d B of the tiles under six rows of input pixels.
    pub fn input(self, lines: &[[f32; LINE]; PATCH], out: &mut [Lane; POINTS]) {
        match self {
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { input_avx512(lines, out) },
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { input_avx2(lines, out) },
            Self::Portable => input_body(lines, out),
        }
    }

    /// A y A^T of the tiles of four rows of output pixels.
    pub fn gradient(self, lines: &[[f32; TILE * LANES]; TILE], out: &mut [Lane; POINTS]) {
        match self {
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { gradient_avx512(lines, out) },
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { gradient_avx2(lines, out) },
            Self::Portable => gradient_body(lines, out),
        }
    }

    /// max(A^T m A + bias, floor), four rows of output pixels.
    pub fn output(self, products: &[Lane; POINTS], bias: f32, floor: f32, out: &mut [[f32; TILE * LANES]; TILE]) {
        match self {
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { output_avx512(products, bias, floor, out) },
            // SAFETY: the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { output_avx2(products, bias, floor, out) },
            Self::Portable => output_body(products, bias, floor, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_values::values;

    #[test]
    fn every_instruction_set_gives_the_same_bytes() {
        let mut sets = vec![Transform::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                sets.push(Transform::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                sets.push(Transform::Avx512);
            }
        }
        let line = |row: usize| std::array::from_fn(|i| values(row as u64 + 1, LINE)[i]);
        let lines: [[f32; LINE]; PATCH] = std::array::from_fn(line);
        let results = sets.iter().map(|set| {
            let mut points = [[0.0; LANES]; POINTS];
            let mut pixels = [[0.0; TILE * LANES]; TILE];
            set.input(&lines, &mut points);
            set.output(&points, 0.25, 0.0, &mut pixels);
            let mut back = [[0.0; LANES]; POINTS];
            set.gradient(&pixels, &mut back);
            (points, pixels, back)
        });
        let results: Vec<_> = results.collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
