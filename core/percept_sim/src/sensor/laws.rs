//! How strong, how bright and how often returns are: the laws of a sensor file.

use crate::material::Material;
use serde::Deserialize;

/// When a return is too weak to be reported: a logistic law in the logarithm of `reflectance * cos(incidence) / range^2`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropOutLaw {
    /// Share lost however strong the return.
    pub base: f32,
    /// Signal (1/m^2) at which half of the returns are lost.
    pub half_signal: f32,
    /// Exponent of the signal ratio.
    pub steepness: f32,
}

impl DropOutLaw {
    /// Probability that a return is strong enough to be reported.
    pub fn keep(&self, material: &Material, cos_incidence: f32, range_m: f32) -> f32 {
        let signal = (material.reflectance.max(0.0) + 0.02) * cos_incidence.max(1e-3) / (range_m * range_m);
        let strong = 1.0 / (1.0 + (self.half_signal / signal).powf(self.steepness));
        strong * (1.0 - self.base)
    }
}

/// What is drawn for the intensity of one return.
#[derive(Clone, Copy, Debug)]
pub struct IntensityDraws {
    /// Standard normal: the laser's offset, which it keeps.
    pub laser: f32,
    /// Standard normal: the surface's texture.
    pub texture: f32,
    /// Standard normal: the sensor's noise.
    pub noise: f32,
    /// 0 to 1: how much a weak return needs to be more than dark.
    pub dark: f32,
}

/// How intensity follows from the material.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntensityLaw {
    /// Share of the intensity that falls with the cosine of the incidence; the sensor corrects the rest.
    pub incidence_weight: f32,
    /// Range in metres and the factor left there, by rising range; straight lines between.
    pub falloff: Vec<[f32; 2]>,
    /// Standard deviation of the offset that each laser has for good.
    pub ring_spread: f32,
    /// Standard deviation of the sensor's own noise.
    pub noise: f32,
    /// Step of the values before `full_scale`.
    pub quantum: f32,
    /// What the brightness of materials is multiplied with: 1 for the sensor that it was measured with.
    #[serde(default = "one")]
    pub gain: f32,
    /// What is reported for a brightness of 1: 255 in the drivers of Velodyne and Hesai, 1 in KITTI.
    #[serde(default = "one")]
    pub full_scale: f32,
    /// Values (before `full_scale`) below the first are reported as 0, from the second on as they are; between, the
    /// share that is reported grows evenly. Where it is left out every value is reported.
    #[serde(default)]
    pub dark_below: Option<[f32; 2]>,
}

fn one() -> f32 {
    1.0
}

impl IntensityLaw {
    /// Reported intensity, 0 to `full_scale`.
    pub fn intensity(&self, material: &Material, cos_incidence: f32, range_m: f32, draws: IntensityDraws) -> f32 {
        let IntensityDraws { laser, texture, noise, dark } = draws;
        let lit = 1.0 - self.incidence_weight * (1.0 - cos_incidence);
        // The calibration that lifts weak returns lifts their noise as well: what differs from point to point stays.
        let seen = material.reflectance * lit * self.factor_at(range_m) + material.spread * texture;
        let value = (seen + self.ring_spread * laser + self.noise * noise) * self.gain;
        let stepped = if self.quantum > 0.0 { (value / self.quantum).round() * self.quantum } else { value };
        let reported = self.dark_below.is_none_or(|[none, all]| stepped > none + (all - none) * dark);
        if reported { stepped.clamp(0.0, 0.99) * self.full_scale } else { 0.0 }
    }

    fn factor_at(&self, range_m: f32) -> f32 {
        let beyond = self.falloff.iter().position(|knot| knot[0] > range_m);
        match (beyond, self.falloff.last()) {
            (Some(0), _) => self.falloff[0][1],
            (Some(index), _) => {
                let ([from, high], [to, low]) = (self.falloff[index - 1], self.falloff[index]);
                high + (low - high) * (range_m - from) / (to - from)
            }
            (None, Some(last)) => last[1],
            (None, None) => 1.0,
        }
    }
}

/// Photons counted for a return, where a sensor reports them: `photons_m2 * brightness / (range^2 + near_m^2)`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalLaw {
    /// Photons times square metres for a brightness of 1.
    pub photons_m2: f32,
    /// Range below which the optics catch no more of the light.
    pub near_m: f32,
}

impl SignalLaw {
    /// Photons, a whole number.
    pub fn photons(&self, material: &Material, cos_incidence: f32, range_m: f32, noise: f32) -> f32 {
        let brightness = (material.reflectance.max(0.0) + 0.02) * cos_incidence;
        let mean = self.photons_m2 * brightness / (range_m * range_m + self.near_m * self.near_m);
        (mean + mean.sqrt() * noise).round().max(1.0)
    }
}
