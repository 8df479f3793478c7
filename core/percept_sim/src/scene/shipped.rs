//! The scenes that come with the program, scene files, and mixes of scenes to draw frames from.

use super::SceneConfig;
use crate::changes::merged;
use crate::error::SimError;
use crate::random::Sampler;
use serde_json::Value;
use std::fmt;
use std::path::Path;

/// Name for the command line, file, text.
const SHIPPED: [(&str, &str, &str); 5] = [
    ("mixed", "scenes/mixed.json", include_str!("../../scenes/mixed.json")),
    ("urban", "scenes/urban.json", include_str!("../../scenes/urban.json")),
    ("residential", "scenes/residential.json", include_str!("../../scenes/residential.json")),
    ("highway", "scenes/highway.json", include_str!("../../scenes/highway.json")),
    ("parking", "scenes/parking.json", include_str!("../../scenes/parking.json")),
];

/// A scene file is at most this large.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl SceneConfig {
    /// Names of the scenes that come with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _, _)| *name)
    }

    /// A scene from its JSON text; what it leaves out is as in the scene `mixed`. `file` names the file in errors.
    ///
    /// # Errors
    /// When the text is no JSON, has an unknown key or an impossible number.
    pub fn from_json(file: &str, text: &str) -> Result<Self, SimError> {
        let refuse = |reason: String| SimError::SceneFile { file: file.to_owned(), reason };
        let config: Self = serde_json::from_str(text).map_err(|error| {
            let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
            let key = line.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(key, _)| key);
            refuse(key.map_or(error.to_string(), |key| format!("{key}: {error}")))
        })?;
        config.validate().map_err(|error| refuse(error.to_string()))?;
        Ok(config)
    }

    /// A shipped scene by its name (case, `-` and `_` do not matter), or one from a JSON file.
    ///
    /// # Errors
    /// When there is neither such a name nor such a file, or the file describes no scene.
    pub fn named_or_from_file(name: &str) -> Result<Self, SimError> {
        if let Some((_, file, text)) = SHIPPED.iter().find(|(shipped, _, _)| letters(shipped) == letters(name)) {
            return Self::from_json(file, text);
        }
        let unknown = || SimError::UnknownScene { found: name.to_owned(), shipped: Self::shipped().collect() };
        let file = std::fs::metadata(Path::new(name)).map_err(|_| unknown())?;
        let refuse = |reason: String| SimError::SceneFile { file: name.to_owned(), reason };
        if !file.is_file() || file.len() > MAX_FILE_BYTES {
            return Err(refuse(format!("{} bytes: expected a file of at most {MAX_FILE_BYTES}", file.len())));
        }
        let text = std::fs::read_to_string(name).map_err(|error| refuse(error.to_string()))?;
        Self::from_json(name, &text)
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// Scenes with weights: each seed draws one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneMix {
    scenes: Vec<(String, f64, SceneConfig)>,
}

impl SceneMix {
    /// The mix to train in where nothing else is asked for: every shipped scene, streets most often.
    pub const DEFAULT: &'static str = "mixed=2,urban=4,residential=3,highway=1,parking=1";

    /// Reads `NAME[=WEIGHT][,NAME[=WEIGHT]...]`; names are those of shipped scenes or files, weights 1 where left out.
    ///
    /// # Errors
    /// When a scene is unknown or broken, or the weights cannot be drawn from.
    pub fn parse(list: &str) -> Result<Self, SimError> {
        let unreadable = || SimError::SceneList { found: list.to_owned() };
        let scene = |item: &str| {
            let (name, weight) = match item.rsplit_once('=') {
                Some((name, weight)) => (name.trim(), weight.trim().parse::<f64>().map_err(|_| unreadable())?),
                None => (item.trim(), 1.0),
            };
            if name.is_empty() || !weight.is_finite() || weight < 0.0 {
                return Err(unreadable());
            }
            Ok((name.to_owned(), weight, SceneConfig::named_or_from_file(name)?))
        };
        let scenes: Vec<_> = list.split(',').map(scene).collect::<Result<_, _>>()?;
        if scenes.iter().map(|(_, weight, _)| weight).sum::<f64>() <= 0.0 {
            return Err(unreadable());
        }
        Ok(Self { scenes })
    }

    /// Each scene with changes: a JSON object with keys of scene files.
    ///
    /// # Errors
    /// When a key is unknown or a number impossible.
    pub fn changed(&self, changes: &Value) -> Result<Self, SimError> {
        let change = |(name, weight, scene): &(String, f64, SceneConfig)| {
            let refuse = |reason: String| SimError::SceneFile { file: format!("{name} with changes"), reason };
            let value = serde_json::to_value(scene).map_err(|error| refuse(error.to_string()))?;
            let text = merged(value, changes).to_string();
            Ok((name.clone(), *weight, SceneConfig::from_json(&format!("{name} with changes"), &text)?))
        };
        Ok(Self { scenes: self.scenes.iter().map(change).collect::<Result<_, SimError>>()? })
    }

    /// The scene of a seed.
    pub fn draw(&self, seed: u64) -> &SceneConfig {
        let weights: Vec<f64> = self.scenes.iter().map(|(_, weight, _)| *weight).collect();
        &self.scenes[Sampler::new(seed, "scene").weighted(&weights)].2
    }
}

impl fmt::Display for SceneMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, weight, _)) in self.scenes.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{name}={weight}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scene_is_possible_and_says_what_it_is() {
        for name in SceneConfig::shipped() {
            let scene = SceneConfig::named_or_from_file(name).unwrap();
            assert!(scene.description.len() > 20, "{name}");
        }
    }

    #[test]
    fn the_scene_mixed_is_the_default() {
        let mixed = SceneConfig::named_or_from_file("Mixed").unwrap();
        assert_eq!(mixed, SceneConfig { description: mixed.description.clone(), ..SceneConfig::default() });
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_shipped_ones() {
        let error = SceneConfig::named_or_from_file("village").unwrap_err().to_string();
        assert!(error.contains("village") && error.contains("urban") && error.contains("parking"), "{error}");
    }

    #[test]
    fn a_broken_file_is_refused_with_file_and_key() {
        let refused = |text: &str, key: &str| {
            let error = SceneConfig::from_json("mine.json", text).unwrap_err().to_string();
            assert!(error.contains("mine.json") && error.contains(key), "{text}: {error}");
        };
        refused("{\"traffic\": {\"bus_shares\": 0.1}}", "bus_shares");
        refused("{\"van_share\": 1.5}", "van_share");
        refused("{\n\"van_share\": \"many\"\n}", "van_share");
        refused("{\"layout\": \"canal\"}", "canal");
        refused("{\"details\": {\"signs_per_100m\": [3.0, 1.0]}}", "signs_per_100m");
        refused("{\"weather\": {\"fog_visibility_m\": [0.0, 10.0]}}", "fog_visibility_m");
        refused("{\"van_share\": 0.1", "EOF");
    }

    #[test]
    fn a_mix_draws_each_scene_in_proportion_to_its_weight() {
        let mix = SceneMix::parse("urban=3, highway").unwrap();
        assert_eq!(mix.to_string(), "urban=3,highway=1");
        let urban = SceneConfig::named_or_from_file("urban").unwrap();
        let count = (0..2000).filter(|seed| *mix.draw(*seed) == urban).count();
        assert!((1400..1600).contains(&count), "{count}");
        for wrong in ["", "urban=", "urban=-1", "urban=0", "urban=1,,highway"] {
            assert!(SceneMix::parse(wrong).is_err(), "{wrong}");
        }
        assert!(SceneMix::parse(SceneMix::DEFAULT).is_ok());
    }

    #[test]
    fn changes_reach_every_scene_of_a_mix_and_an_unknown_key_is_named() {
        let mix = SceneMix::parse("urban,highway").unwrap();
        let changes = serde_json::json!({"weather": {"rain": 0.0}, "simplify": {"cars_as_boxes": true}});
        let changed = mix.changed(&changes).unwrap();
        for seed in 0..20 {
            let (before, after) = (mix.draw(seed), changed.draw(seed));
            assert!(after.simplify.cars_as_boxes && after.weather.rain == 0.0);
            assert_eq!(before.weather.fog, after.weather.fog);
        }
        let error = mix.changed(&serde_json::json!({"wether": 1})).unwrap_err().to_string();
        assert!(error.contains("wether") && error.contains("urban"), "{error}");
    }
}
