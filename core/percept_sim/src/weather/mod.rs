//! Weather: rain, fog and dust between the sensor and the world, and the wet ground that rain leaves.
//!
//! ```text
//!  Met(hit) ─► extinction T² = exp(-2 a R) ─► stronger than the echo of the air? ─► hit, dimmed by T²
//!                                                        └─ no ─► a point of the air: class outlier, instance 0
//! ```
//! Fog     extinction ln(20) / visibility (Koschmieder at 5 % contrast) and backscatter 0.046 / visibility (Rasshofer et
//!         al., Influences of weather phenomena on automotive laser radar systems, 2011); the stronger of the soft echo
//!         and the hard one is reported, as in Hahner et al., Fog simulation on real LiDAR point clouds, ICCV 2021.
//! Rain    extinction 1.076 r^0.67 dB/km (Carbonneau and Wisely 1998, in ITU-R P.1814); signal law rho/R² exp(-2 a R) as
//!         in Goodin et al., Predicting the influence of rain on LIDAR in ADAS, Electronics 8(1), 2019. Drops near the
//!         sensor return now and then: the share of rays is an assumption, about 1 % in heavy rain.
//! Wet     a film of water halves the diffuse brightness of tarmac, mirrors flat rays away and drowns the glass beads of
//!         retro-reflecting paint; the factors are assumptions in the range that recordings show.
//! Dust    local ellipsoids of constant extinction; what comes back from inside is drawn by depth like leaves.
//!
//! Chances are hashes of the ray, so neither threads nor order matter. Cameras see no weather here.

mod config;

pub use config::WeatherMix;

use crate::ground::Ground;
use crate::material::{Material, class};
use crate::random::{Sampler, mix, normal_from_hash, unit_from_hash};
use crate::raycast::{Beam, Hit};
use crate::sensor::DropOutLaw;
use crate::solid::Shape;
use crate::vector::Vec3;

/// Length of the pulse over which soft echoes add up: about 7 ns.
const PULSE_M: f32 = 1.0;
/// Nearer than this the receiver sees less of its own beam, so that soft echoes grow no further.
const NEAR_FIELD_M: f32 = 12.0;
/// How much stronger than a hard echo at the threshold a soft one must be: it is broad and low.
const SOFT_THRESHOLD: f32 = 5.0;
/// Drops return only so near.
const DROPS_M: f32 = 14.0;

/// A cloud of dust in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DustCloud {
    /// Where it hangs.
    pub at_m: [f64; 2],
    /// Half of its length, width and height.
    pub radii_m: [f32; 3],
    /// Extinction coefficient inside.
    pub extinction_per_m: f32,
}

/// The weather of a world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weather {
    /// Extinction coefficient of the air.
    pub extinction_per_m: f32,
    /// Backscatter coefficient of fog.
    pub backscatter_per_m: f32,
    /// Rain rate.
    pub rain_mm_h: f32,
    /// How wet the ground is, 0 to 1.
    pub wetness: f32,
    /// Clouds of dust.
    pub dust: Vec<DustCloud>,
}

impl Weather {
    /// Draws the weather of a world; `places` gives a place on the ground for each cloud of dust of 100 m of road.
    pub fn sample(mix: &WeatherMix, seed: u64, length_m: f64, mut place: impl FnMut(&mut Sampler) -> [f64; 2]) -> Self {
        let mut random = Sampler::new(seed, "weather");
        let evenly_in_log = |random: &mut Sampler, range: [f64; 2]| random.within(range.map(f64::ln)).exp();
        let mut weather = match random.weighted(&[mix.clear, mix.rain, mix.fog, mix.dust]) {
            1 => Self::rain(evenly_in_log(&mut random, mix.rain_mm_h), random.uniform(0.35, 1.0)),
            2 => Self::fog(evenly_in_log(&mut random, mix.fog_visibility_m)),
            3 => Self { dust: Self::dust_along(mix, &mut random, length_m, &mut place), ..Self::default() },
            _ => Self::default(),
        };
        if weather.rain_mm_h == 0.0 && random.chance(mix.wet_share) {
            weather.wetness = random.uniform(0.2, 0.9) as f32;
        }
        weather
    }

    /// Clouds of dust along so much road.
    pub(crate) fn dust_along(
        mix: &WeatherMix,
        random: &mut Sampler,
        length_m: f64,
        mut place: impl FnMut(&mut Sampler) -> [f64; 2],
    ) -> Vec<DustCloud> {
        let count = (random.within(mix.dust_per_100m) * length_m / 100.0).round() as usize;
        let mut cloud = |random: &mut Sampler| DustCloud {
            at_m: place(random),
            radii_m: [random.uniform(0.6, 6.0), random.uniform(0.5, 3.0), random.uniform(0.4, 2.2)].map(|r| r as f32),
            extinction_per_m: random.within(mix.dust_extinction_per_m) as f32,
        };
        (0..count).map(|_| cloud(random)).collect()
    }

    /// Fog of a meteorological visibility.
    pub fn fog(visibility_m: f64) -> Self {
        let visibility_m = visibility_m.max(1.0) as f32;
        Self {
            extinction_per_m: 20.0_f32.ln() / visibility_m,
            backscatter_per_m: 0.046 / visibility_m,
            ..Self::default()
        }
    }

    /// Rain of a rate, and how wet it made the ground.
    pub fn rain(rate_mm_h: f64, wetness: f64) -> Self {
        let decibels_per_km = 1.076 * rate_mm_h.max(0.0).powf(0.67);
        Self {
            extinction_per_m: (decibels_per_km * std::f64::consts::LN_10 / 10.0 / 1000.0) as f32,
            rain_mm_h: rate_mm_h as f32,
            wetness: wetness as f32,
            ..Self::default()
        }
    }

    /// The air round an anchor, in the axes in which rays are cast.
    pub(crate) fn round(&self, anchor_m: [f64; 2], reach_m: f64, ground: &Ground) -> Air {
        let clouds = self.dust.iter().filter_map(|cloud| {
            let at = [cloud.at_m[0] - anchor_m[0], cloud.at_m[1] - anchor_m[1]].map(|v| v as f32);
            let radii = Vec3::from_array(cloud.radii_m);
            let z = ground.height_m(at[0], at[1]) + 0.6 * radii.z;
            let is_near = f64::from(at[0].hypot(at[1])) < reach_m + f64::from(radii.max_element());
            is_near.then(|| (Shape::ellipsoid(Vec3::new(at[0], at[1], z), radii), cloud.extinction_per_m))
        });
        Air {
            extinction_per_m: self.extinction_per_m,
            backscatter_per_m: self.backscatter_per_m,
            drop_share: if self.rain_mm_h > 0.0 { 8e-4 * self.rain_mm_h.powf(0.67) } else { 0.0 },
            clouds: clouds.collect(),
        }
    }
}

/// The air through which rays go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Air {
    extinction_per_m: f32,
    backscatter_per_m: f32,
    /// Share of rays that a drop returns.
    drop_share: f32,
    clouds: Vec<(Shape, f32)>,
}

impl Air {
    fn is_clear(&self) -> bool {
        self.extinction_per_m == 0.0 && self.clouds.is_empty()
    }

    /// What the sensor gets of a ray that meets `hit` in clear air.
    pub fn pass(&self, hit: Option<Hit>, beam: &Beam, max_m: f32, law: &DropOutLaw) -> Option<Hit> {
        if self.is_clear() {
            return hit;
        }
        let reach_m = hit.map_or(max_m, |hit| hit.range_m);
        if let Some(drop) = self.drop(beam, reach_m) {
            return Some(drop);
        }
        let (in_dust, transmission) = self.through_dust(beam, reach_m);
        if in_dust.is_some() {
            return in_dust;
        }
        let transmission = transmission * (-2.0 * self.extinction_per_m * reach_m).exp();
        let hit = hit.map(|hit| Hit { transmission: hit.transmission * transmission, ..hit });
        self.stronger_echo(hit, beam, law)
    }

    /// A rain drop or a splash near the sensor.
    fn drop(&self, beam: &Beam, reach_m: f32) -> Option<Hit> {
        let chance = unit_from_hash(mix(beam.key, 0x6472_6f70));
        if self.drop_share <= chance {
            return None;
        }
        // The nearer the likelier: the signal of a drop falls with the fourth power of the range.
        let range_m = 1.0 + (DROPS_M - 1.0) * unit_from_hash(mix(beam.key, 0x6472_6f71)).powi(2);
        (range_m < reach_m).then(|| of_air(range_m, 0.05))
    }

    /// A point inside a cloud of dust, or what share of the light returns through all of them.
    fn through_dust(&self, beam: &Beam, reach_m: f32) -> (Option<Hit>, f32) {
        /// Share of the extinguished light that comes straight back, over that of a surface.
        const RETURNED: f32 = 0.35;
        let mut transmission = 1.0;
        let mut nearest: Option<Hit> = None;
        for (index, (shape, extinction)) in self.clouds.iter().enumerate() {
            let Some(crossing) = shape.crossing(beam.origin, beam.direction) else { continue };
            let leave_m = crossing.leave_m.min(reach_m);
            if crossing.enter_m >= leave_m {
                continue;
            }
            let draw = unit_from_hash(mix(beam.key, 0x6475_7374 + index as u64));
            let depth_m = -(1.0 - draw).ln() / (RETURNED * extinction).max(1e-6);
            let range_m = crossing.enter_m + depth_m;
            if range_m < leave_m && nearest.is_none_or(|hit| range_m < hit.range_m) {
                nearest = Some(of_air(range_m, 0.12));
            }
            transmission *= (-2.0 * (1.0 - RETURNED) * extinction * (leave_m - crossing.enter_m)).exp();
        }
        (nearest, transmission)
    }

    /// The echo of fog where it is stronger than that of the surface behind and strong enough to be seen.
    fn stronger_echo(&self, hit: Option<Hit>, beam: &Beam, law: &DropOutLaw) -> Option<Hit> {
        if self.backscatter_per_m <= 0.0 {
            return hit;
        }
        let draw = |purpose: u64| mix(beam.key, 0x666f_6700 + purpose);
        let range_m = 1.5 - 4.0 * (1.0 - unit_from_hash(draw(0))).ln();
        // Fog is no even grey: wisps.
        let wisp = (0.6 * normal_from_hash(draw(1))).exp();
        let returned = std::f32::consts::PI * self.backscatter_per_m * PULSE_M * wisp;
        let soft = returned * (-2.0 * self.extinction_per_m * range_m).exp() / range_m.max(NEAR_FIELD_M).powi(2);
        let hard = hit.map_or(0.0, |hit| {
            (hit.material.reflectance.max(0.0) + 0.02) * hit.cos_incidence * hit.transmission / hit.range_m.powi(2)
        });
        let seen = 1.0 / (1.0 + (SOFT_THRESHOLD * law.half_signal / soft.max(1e-12)).powf(law.steepness));
        let is_nearer = hit.is_none_or(|hit| range_m < hit.range_m);
        if is_nearer && soft > hard && unit_from_hash(draw(2)) < seen {
            return Some(of_air(range_m, 0.02 + 5.0 * returned));
        }
        hit
    }
}

/// A point of the air itself.
fn of_air(range_m: f32, reflectance: f32) -> Hit {
    Hit {
        range_m,
        cos_incidence: 1.0,
        material: Material::opaque(class::OUTLIER, reflectance, 0.03),
        instance_id: 0,
        lost: false,
        transmission: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law() -> DropOutLaw {
        DropOutLaw { base: 0.0, half_signal: 3e-6, steepness: 1.6 }
    }

    fn hit(range_m: f32) -> Hit {
        let material = Material::opaque(class::BUILDING, 0.4, 0.1);
        Hit { range_m, cos_incidence: 0.9, material, instance_id: 0, lost: false, transmission: 1.0 }
    }

    fn beam(key: u64) -> Beam {
        Beam { origin: Vec3::ZERO, direction: Vec3::X, time_s: 0.0, key, patch_key: key }
    }

    fn air(weather: &Weather) -> Air {
        weather.round([0.0; 2], 100.0, &Ground::level())
    }

    /// Share of 2000 rays that still tell of a wall.
    fn told(weather: &Weather, range_m: f32) -> f32 {
        let air = air(weather);
        let kept = |key: &u64| {
            let Some(hit) = air.pass(Some(hit(range_m)), &beam(*key), 80.0, &law()) else { return false };
            let keep = law().keep(&hit.material, hit.cos_incidence, hit.range_m / hit.transmission.sqrt());
            hit.material.class_id == class::BUILDING && unit_from_hash(mix(*key, 99)) < keep
        };
        (0..2000).filter(kept).count() as f32 / 2000.0
    }

    #[test]
    fn fog_of_30_m_visibility_hides_far_walls_and_leaves_near_ones() {
        let fog = Weather::fog(30.0);
        assert!(told(&fog, 5.0) > 0.9, "{}", told(&fog, 5.0));
        assert!(told(&fog, 40.0) < 0.05, "{}", told(&fog, 40.0));
        assert!(told(&Weather::fog(600.0), 40.0) > 0.9);
        assert!((told(&Weather::default(), 60.0) - told(&Weather::fog(1e5), 60.0)).abs() < 0.02);
    }

    #[test]
    fn points_of_the_air_lie_near_the_sensor_and_belong_to_nothing() {
        for weather in [Weather::fog(40.0), Weather::rain(40.0, 1.0)] {
            let air = air(&weather);
            let noise: Vec<Hit> = (0..20_000)
                .filter_map(|key| air.pass(Some(hit(50.0)), &beam(key), 80.0, &law()))
                .filter(|hit| hit.material.class_id == class::OUTLIER)
                .collect();
            assert!(noise.len() > 50, "{weather:?}: {}", noise.len());
            assert!(noise.iter().all(|hit| hit.range_m < 50.0 && hit.instance_id == 0));
            let near = noise.iter().filter(|hit| hit.range_m < 15.0).count();
            assert!(near * 10 > noise.len() * 8, "{weather:?}: {near} of {}", noise.len());
        }
    }

    #[test]
    fn a_cloud_of_dust_returns_some_rays_and_dims_what_is_behind() {
        let cloud = DustCloud { at_m: [10.0, 0.0], radii_m: [2.0, 2.0, 2.0], extinction_per_m: 0.3 };
        let weather = Weather { dust: vec![cloud], ..Weather::default() };
        let air = air(&weather);
        let met: Vec<Hit> = (0..2000).filter_map(|key| air.pass(Some(hit(30.0)), &beam(key), 80.0, &law())).collect();
        let dust = met.iter().filter(|hit| hit.material.class_id == class::OUTLIER);
        assert!(dust.clone().all(|hit| (8.0..12.0).contains(&hit.range_m)));
        assert!((300..1200).contains(&dust.count()));
        assert!(met.iter().filter(|hit| hit.range_m == 30.0).all(|hit| hit.transmission < 0.5));
    }

    #[test]
    fn rain_reaches_as_far_as_its_extinction_allows() {
        let (drizzle, cloudburst) = (Weather::rain(2.0, 0.5), Weather::rain(60.0, 1.0));
        assert!(drizzle.extinction_per_m < 0.0005 && cloudburst.extinction_per_m > 0.003);
        assert!(told(&drizzle, 60.0) > told(&cloudburst, 60.0));
    }
}
