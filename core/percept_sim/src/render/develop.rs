//! From radiance to pixels: vignetting, exposure, noise of photons and read-out, tone curve, sRGB.

use super::light::luminance;
use crate::random::{mix, normal_from_hash, unit_from_hash};
use crate::vector::Vec3;
use rayon::prelude::*;

/// The grey that the mean of an image is brought to.
const MIDDLE_GREY: f32 = 0.17;
/// Share of light lost in the corners.
const VIGNETTING: f32 = 0.22;

/// Bytes of an image, three a pixel; `camera_key` is that of the camera, `key` that of the image.
pub fn develop(radiance: &[Vec3], [width, height]: [usize; 2], camera_key: u64, key: u64, has_noise: bool) -> Vec<u8> {
    let draw = |purpose: u64| unit_from_hash(mix(camera_key, purpose));
    let gain = exposure(radiance) * (0.55 * (draw(1) - 0.5)).exp2();
    let balance = Vec3::new(1.0 + 0.07 * (draw(2) - 0.5), 1.0, 1.0 + 0.09 * (draw(3) - 0.5));
    // Little light means much amplification.
    let amplified = gain.clamp(0.3, 6.0);
    let corner = (width as f32 / 2.0).hypot(height as f32 / 2.0);
    let row = |y: usize| {
        (0..width).flat_map(move |x| {
            let out = (x as f32 - width as f32 / 2.0).hypot(y as f32 - height as f32 / 2.0) / corner;
            let light = radiance[y * width + x] * balance * (gain * (1.0 - VIGNETTING * out * out));
            let pixel = mix(key, (y * width + x) as u64);
            let channel = |index: u64, value: f32| {
                let photons = if has_noise {
                    let sigma = (1.2e-4 * amplified * value.max(0.0) + 4e-6 * amplified * amplified).sqrt();
                    sigma * normal_from_hash(mix(pixel, index))
                } else {
                    0.0
                };
                to_srgb(tone(value + photons))
            };
            [channel(1, light.x), channel(2, light.y), channel(3, light.z)]
        })
    };
    (0..height).into_par_iter().flat_map_iter(row).collect()
}

/// The factor that brings the mean brightness (of logarithms, so that the sky does not rule) to the middle grey.
fn exposure(radiance: &[Vec3]) -> f32 {
    let sum: f64 = radiance.iter().map(|color| f64::from((0.003 + luminance(*color).clamp(0.0, 1.5)).ln())).sum();
    let mean = (sum / radiance.len().max(1) as f64).exp() as f32;
    MIDDLE_GREY / mean.max(1e-3)
}

/// A curve with a toe and a shoulder (Narkowicz's fit of ACES, 2015).
fn tone(value: f32) -> f32 {
    let x = value.max(0.0);
    ((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)).clamp(0.0, 1.0)
}

fn to_srgb(linear: f32) -> u8 {
    let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bright_and_dark_scenes_come_out_alike_and_noise_is_seeded() {
        let grey = |level: f32| vec![Vec3::splat(level); 64 * 32];
        let mean = |bytes: &[u8]| bytes.iter().map(|b| f64::from(*b)).sum::<f64>() / bytes.len() as f64;
        let [dark, bright] = [0.05, 1.2].map(|level| develop(&grey(level), [64, 32], 1, 2, true));
        assert!((mean(&dark) - mean(&bright)).abs() < 12.0, "{} {}", mean(&dark), mean(&bright));
        assert_eq!(dark, develop(&grey(0.05), [64, 32], 1, 2, true));
        assert_ne!(dark, develop(&grey(0.05), [64, 32], 1, 3, true));
        let clean = develop(&grey(0.05), [64, 32], 1, 2, false);
        assert!(clean[3 * (16 * 64 + 32)] > clean[0], "corners are darker");
    }
}
