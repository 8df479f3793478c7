//! Weather as a distribution of a scene file.

use crate::error::SimError;
use crate::scene::{check_range, check_share, check_weights};
use serde::{Deserialize, Serialize};

/// Chances and strengths of weather; the default is always clear and dry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeatherMix {
    /// Weight of clear air.
    pub clear: f64,
    /// Weight of rain.
    pub rain: f64,
    /// Weight of fog.
    pub fog: f64,
    /// Weight of clouds of dust, smoke or exhaust steam.
    pub dust: f64,
    /// Rain rate; drawn evenly in the logarithm.
    pub rain_mm_h: [f64; 2],
    /// Meteorological visibility in fog; drawn evenly in the logarithm.
    pub fog_visibility_m: [f64; 2],
    /// Clouds of dust on each 100 m of the road.
    pub dust_per_100m: [f64; 2],
    /// Extinction coefficient inside a cloud of dust.
    pub dust_extinction_per_m: [f64; 2],
    /// Chance that the ground is wet though no rain falls.
    pub wet_share: f64,
}

impl Default for WeatherMix {
    fn default() -> Self {
        Self {
            clear: 1.0,
            rain: 0.0,
            fog: 0.0,
            dust: 0.0,
            rain_mm_h: [1.0, 50.0],
            fog_visibility_m: [30.0, 600.0],
            dust_per_100m: [1.0, 6.0],
            dust_extinction_per_m: [0.05, 0.6],
            wet_share: 0.0,
        }
    }
}

impl WeatherMix {
    /// Checks that every number is possible.
    ///
    /// # Errors
    /// Names the first setting that is not.
    pub fn validate(&self) -> Result<(), SimError> {
        check_weights("weather", &[self.clear, self.rain, self.fog, self.dust])?;
        check_range("weather.rain_mm_h", self.rain_mm_h, [0.1, 200.0])?;
        check_range("weather.fog_visibility_m", self.fog_visibility_m, [5.0, 1e5])?;
        check_range("weather.dust_per_100m", self.dust_per_100m, [0.0, 50.0])?;
        check_range("weather.dust_extinction_per_m", self.dust_extinction_per_m, [0.0, 10.0])?;
        check_share("weather.wet_share", self.wet_share)
    }
}
