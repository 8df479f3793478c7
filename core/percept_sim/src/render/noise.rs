//! Value noise (Perlin 1985, with values instead of gradients at the lattice): the grain of every texture.

use crate::vector::Vec3;

/// A hash of a lattice point in [0, 1) (after the finaliser of MurmurHash3, Appleby).
pub fn lattice(seed: u32, [x, y, z]: [i32; 3]) -> f32 {
    let mut h = seed
        ^ (x as u32).wrapping_mul(0x8DA6_B343)
        ^ (y as u32).wrapping_mul(0xD816_3841)
        ^ (z as u32).wrapping_mul(0xCB1A_B31F);
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    ((h ^ (h >> 16)) >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Smooth noise in [0, 1) on the plane, one cell a unit.
pub fn plane(seed: u32, x: f32, y: f32) -> f32 {
    let (fx, fy) = (x.floor(), y.floor());
    let (i, j) = (fx as i32, fy as i32);
    let (u, v) = (smooth(x - fx), smooth(y - fy));
    let at = |di: i32, dj: i32| lattice(seed, [i + di, j + dj, 0]);
    mix(mix(at(0, 0), at(1, 0), u), mix(at(0, 1), at(1, 1), u), v)
}

/// Smooth noise in [0, 1) in space, one cell a unit.
pub fn space(seed: u32, p: Vec3) -> f32 {
    let cell = p.floor();
    let [i, j, k] = [cell.x as i32, cell.y as i32, cell.z as i32];
    let t = p - cell;
    let (u, v, w) = (smooth(t.x), smooth(t.y), smooth(t.z));
    let at = |di: i32, dj: i32, dk: i32| lattice(seed, [i + di, j + dj, k + dk]);
    let layer = |dk: i32| mix(mix(at(0, 0, dk), at(1, 0, dk), u), mix(at(0, 1, dk), at(1, 1, dk), u), v);
    mix(layer(0), layer(1), w)
}

/// A sum of octaves of noise on the plane, each twice as fine and half as strong; in [0, 1).
pub fn octaves(seed: u32, x: f32, y: f32, count: u32) -> f32 {
    let (mut sum, mut weight, mut scale, mut total) = (0.0, 1.0, 1.0, 0.0);
    for octave in 0..count {
        sum += weight * plane(seed.wrapping_add(octave.wrapping_mul(0x9E37_79B9)), x * scale, y * scale);
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

/// From 0 to 1 between two edges, smoothly.
pub fn step(low: f32, high: f32, value: f32) -> f32 {
    smooth(((value - low) / (high - low)).clamp(0.0, 1.0))
}

/// How much of a pattern of this period shows in a pixel of this footprint: 1 near, 0 where it blurs.
pub fn shows(period_m: f32, footprint_m: f32) -> f32 {
    (1.6 - 2.0 * footprint_m / period_m).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_and_fills_its_range() {
        let values: Vec<f32> = (0..4000).map(|i| octaves(7, i as f32 * 0.37, i as f32 * 0.11, 3)).collect();
        let (low, high) = values.iter().fold((1.0_f32, 0.0_f32), |(l, h), v| (l.min(*v), h.max(*v)));
        assert!(low < 0.25 && high > 0.75 && low >= 0.0 && high < 1.0, "{low} {high}");
        for i in 0..1000 {
            let p = Vec3::new(i as f32 * 0.013 - 5.0, 0.3, -2.0);
            assert!((space(3, p) - space(3, p + Vec3::X * 0.001)).abs() < 0.01);
        }
    }
}
