//! The light of a day: sun, sky with clouds, haze, and what stands on the horizon.
//!
//! Radiances are relative: white paper in full sun at noon is about 3. Sunlit paper, clear sky and shade stand to each
//! other about as photometers find them (IES Lighting Handbook: sun 100 klx, clear sky 15 klx, overcast 10 to 20 klx).

use super::noise::{lattice, octaves, plane, step};
use crate::random::Sampler;
use crate::vector::Vec3;
use std::f32::consts::{PI, TAU};

/// What a day's light is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightSettings {
    /// Height of the sun above the horizon.
    pub sun_elevation_deg: f64,
    /// Where it stands, counter-clockwise from the world's +x.
    pub sun_azimuth_deg: f64,
    /// Share of the sky under clouds, 0 to 1; from about 0.9 on no shadow is left.
    pub cloud_cover: f64,
    /// Share of light that is lost over 100 m of air.
    pub haze_per_100m: f64,
}

impl LightSettings {
    /// The light in which a world of this seed is seen: clear, broken and grey days, from low to high sun.
    pub fn sample(seed: u64) -> Self {
        let mut random = Sampler::new(seed, "light");
        let cloud_cover = match random.weighted(&[0.38, 0.34, 0.28]) {
            0 => random.uniform(0.0, 0.25),
            1 => random.uniform(0.25, 0.65),
            _ => random.uniform(0.85, 1.0),
        };
        Self {
            sun_elevation_deg: if random.chance(0.25) { random.uniform(6.0, 18.0) } else { random.uniform(18.0, 66.0) },
            sun_azimuth_deg: random.uniform(0.0, 360.0),
            cloud_cover,
            haze_per_100m: 0.02 + 0.16 * random.unit().powi(3) + 0.05 * cloud_cover,
        }
    }
}

/// A day's light.
#[derive(Clone, Debug)]
pub struct Light {
    /// Unit vector to the sun, in axes parallel to the world's.
    pub to_sun: Vec3,
    /// Radiance of white paper that faces the sun.
    pub sun: Vec3,
    /// Radiance of white paper under the open sky, in shade.
    pub sky_light: Vec3,
    /// Radiance of white paper that faces down.
    pub ground_light: Vec3,
    /// Colour into which distance fades.
    pub haze: Vec3,
    haze_per_m: f32,
    zenith: Vec3,
    horizon: Vec3,
    cloud: Vec3,
    cover: f32,
    seed: u32,
}

/// Colours of red, green, blue.
const fn rgb(r: f32, g: f32, b: f32) -> Vec3 {
    Vec3::new(r, g, b)
}

/// Brightness as the eye weighs it (ITU-R BT.709).
pub fn luminance(color: Vec3) -> f32 {
    color.dot(rgb(0.2126, 0.7152, 0.0722))
}

impl Light {
    /// The light of these settings; `seed` shapes clouds and horizon.
    pub fn new(settings: &LightSettings, seed: u64) -> Self {
        let elevation = settings.sun_elevation_deg.to_radians() as f32;
        let azimuth = settings.sun_azimuth_deg.to_radians() as f32;
        let (sin, cos) = elevation.sin_cos();
        let cover = settings.cloud_cover as f32;
        // Absorption by wavelength along the slanted way through the air; the way of Kasten and Young (1989), roughly.
        let air_mass = 1.0 / (sin.max(0.0) + 0.06);
        let passed = rgb((-0.10 * air_mass).exp(), (-0.17 * air_mass).exp(), (-0.32 * air_mass).exp());
        let clear_sun = passed * 4.0;
        let open = 1.0 - step(0.55, 0.92, cover);
        let day = sin.max(0.05).sqrt();
        let warm = step(0.35, 0.05, sin);
        let clear_zenith = rgb(0.16, 0.33, 0.74) * (0.95 * day);
        let clear_horizon = rgb(0.62, 0.74, 0.90).lerp(rgb(0.95, 0.72, 0.50), warm) * (1.05 * day);
        let grey = rgb(0.74, 0.78, 0.82) * (1.15 * day);
        let veil = step(0.5, 0.95, cover);
        let (zenith, horizon) = (clear_zenith.lerp(grey, veil), clear_horizon.lerp(grey * 0.8, veil));
        let cloud = (clear_sun * 0.30 + rgb(0.35, 0.37, 0.40) * day).lerp(grey, veil);
        // Clouds scatter light into the shade.
        let mean_sky = (zenith * 0.65 + horizon * 0.35).lerp(cloud, 0.55 * cover.min(0.6) + 0.4 * veil);
        let sun = clear_sun * open;
        let ground = (sun * sin + mean_sky) * rgb(0.17, 0.165, 0.15);
        let spread = settings.haze_per_100m.clamp(0.0, 0.95);
        Self {
            to_sun: Vec3::new(cos * azimuth.cos(), cos * azimuth.sin(), sin),
            sun,
            sky_light: mean_sky,
            ground_light: ground,
            haze: horizon.lerp(mean_sky, 0.4),
            haze_per_m: -((1.0 - spread).ln() / 100.0) as f32,
            zenith,
            horizon,
            cloud,
            cover,
            seed: (seed ^ (seed >> 32)) as u32 ^ 0x5f3a_11c7,
        }
    }

    /// Radiance of white paper of this normal in shade, before what stands round it.
    pub fn ambient(&self, normal: Vec3) -> Vec3 {
        self.ground_light.lerp(self.sky_light, 0.5 + 0.5 * normal.z)
    }

    /// What lies behind everything in a direction: sky with clouds, the sun's glow, a skyline.
    pub fn sky(&self, direction: Vec3) -> Vec3 {
        let up = direction.z;
        if up < -0.002 {
            return (self.ground_light * 1.1).lerp(self.haze, 0.75);
        }
        let open = self.open_sky(direction);
        let rise = self.skyline(direction);
        if up >= rise {
            return open;
        }
        let woods = rgb(0.06, 0.09, 0.05) * luminance(self.sky_light + self.sun * 0.3);
        woods.lerp(self.haze, (0.62 + 8.0 * self.haze_per_m).min(0.9))
    }

    /// What a mirror shows: the sky above roofs, the street below; without detail.
    pub fn mirrored(&self, direction: Vec3) -> Vec3 {
        let roofs = self.ground_light * 1.4;
        let street = self.ground_light * 1.1;
        if direction.z < 0.0 {
            return street;
        }
        let bearing = direction.y.atan2(direction.x);
        let edge = 0.10 + 0.22 * plane(self.seed ^ 77, bearing * 3.0 + 40.0, 0.5);
        roofs.lerp(self.open_sky(direction), step(edge - 0.04, edge + 0.04, direction.z))
    }

    /// Light faded by the air of a distance.
    pub fn through_air(&self, radiance: Vec3, range_m: f32) -> Vec3 {
        self.haze.lerp(radiance, (-self.haze_per_m * range_m).exp())
    }

    fn open_sky(&self, direction: Vec3) -> Vec3 {
        let up = direction.z.max(0.0);
        let mut sky = self.horizon.lerp(self.zenith, 1.0 - (1.0 - up).powi(3));
        let to_sun = direction.dot(self.to_sun).max(0.0);
        let glow = 0.12 * to_sun.powi(6) + 0.25 * to_sun.powi(48) + 8.0 * step(0.99985, 0.99996, to_sun);
        sky += self.sun * glow * (1.0 - 0.5 * self.cover);
        // A layer of clouds at one height: farther ones crowd towards the horizon.
        let reach = 1.0 / (up + 0.10);
        let (x, y) = (direction.x * reach * 1.1, direction.y * reach * 1.1);
        let billow = octaves(self.seed, x + 31.0, y + 17.0, 5);
        let edge = 0.78 - 0.62 * self.cover;
        let density = step(edge, edge + 0.20, billow) * step(0.0, 0.06, up);
        let thick = octaves(self.seed ^ 5, x * 1.3 + 9.0, y * 1.3, 3);
        let silver = 1.0 + 0.5 * to_sun.powi(8) * (1.0 - self.cover);
        let body = self.cloud * (1.18 - 0.55 * thick) * silver;
        sky.lerp(body.lerp(self.horizon, step(0.16, 0.0, up)), density * 0.94)
    }

    /// Sine of the elevation up to which far woods and houses close the view.
    fn skyline(&self, direction: Vec3) -> f32 {
        let bearing = (direction.y.atan2(direction.x) + PI) / TAU;
        // Whole cells round the circle, so that there is no seam.
        let wave = |cells: f32, salt: u32| {
            let x = bearing * cells;
            let at = |cell: f32| lattice(self.seed ^ salt, [cell.rem_euclid(cells) as i32, 0, 0]);
            let t = x - x.floor();
            at(x.floor()) + (at(x.floor() + 1.0) - at(x.floor())) * t * t * (3.0 - 2.0 * t)
        };
        let hills = 0.014 + 0.034 * wave(24.0, 1);
        let crowns = 0.010 * wave(210.0, 2) + 0.006 * wave(600.0, 3);
        let cell = (bearing * 150.0).floor();
        let roofs = if lattice(self.seed ^ 4, [cell as i32, 0, 0]) < 0.3 {
            0.022 + 0.05 * lattice(self.seed ^ 6, [cell as i32, 1, 0])
        } else {
            0.0
        };
        (hills + crowns).max(roofs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(elevation: f64, cover: f64) -> Light {
        let settings = LightSettings {
            sun_elevation_deg: elevation,
            sun_azimuth_deg: 90.0,
            cloud_cover: cover,
            haze_per_100m: 0.05,
        };
        Light::new(&settings, 1)
    }

    #[test]
    fn the_sun_is_white_at_noon_red_in_the_evening_and_gone_under_clouds() {
        let (noon, evening, grey) = (light(60.0, 0.0), light(7.0, 0.0), light(60.0, 1.0));
        assert!(noon.sun.x / noon.sun.z < 1.4 && evening.sun.x / evening.sun.z > 2.0);
        assert!(luminance(noon.sun) > 3.0 * luminance(noon.sky_light));
        assert!(grey.sun == Vec3::ZERO && luminance(grey.sky_light) > 0.5);
        assert!(noon.to_sun.y > 0.4 && noon.to_sun.x.abs() < 1e-3);
    }

    #[test]
    fn a_clear_zenith_is_blue_and_distance_fades() {
        let light = light(50.0, 0.0);
        let zenith = light.sky(Vec3::new(0.05, -0.1, 0.99).normalize());
        assert!(zenith.z > 1.5 * zenith.x, "{zenith}");
        let far = light.through_air(Vec3::ZERO, 1000.0);
        assert!(far.x > 0.3 * light.haze.x && far.x < light.haze.x);
    }

    #[test]
    fn days_differ() {
        let days: Vec<LightSettings> = (0..200).map(LightSettings::sample).collect();
        let share = |test: &dyn Fn(&LightSettings) -> bool| days.iter().filter(|d| test(d)).count();
        assert!((30..90).contains(&share(&|d| d.cloud_cover > 0.85)));
        assert!((20..90).contains(&share(&|d| d.sun_elevation_deg < 18.0)));
        assert!(share(&|d| d.sun_azimuth_deg < 180.0) > 60);
    }
}
