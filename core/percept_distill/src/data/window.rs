//! Windows of the canvas: a training step on a part of the grid costs in proportion, and objects fill more of it.

use percept_models::pointpillars::{CellWindow, NETWORK_STRIDE, PointPillarsConfig};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::DistillError;
use crate::random::uniform;
use crate::targets::{TruthBox, TruthRole};

/// Size and number of the windows taken of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowSettings {
    /// Cells along x.
    pub nx: usize,
    /// Cells along y.
    pub ny: usize,
    /// Windows a frame.
    pub per_frame: usize,
    /// Share of the windows that are put round an object; the others lie anywhere.
    pub on_object_probability: f64,
}

impl WindowSettings {
    /// Checks the size against a grid and the network's stride.
    ///
    /// # Errors
    /// A size of 0, no multiple of the stride, or beyond the grid; no window a frame; a share outside 0 to 1.
    pub fn validate(&self, config: &PointPillarsConfig) -> Result<(), DistillError> {
        config.check_window(&CellWindow { x0: 0, y0: 0, nx: self.nx, ny: self.ny })?;
        if self.per_frame == 0 {
            return Err(DistillError::Setting { name: "windows a frame", found: "0".into(), expected: "at least 1" });
        }
        crate::augment::probability("on_object_probability", self.on_object_probability)
    }
}

/// Puts a window somewhere on the grid, in whole strides: round an object (of a random class, so that rare classes
/// are seen as often as common ones) or anywhere.
pub fn place_window(
    config: &PointPillarsConfig,
    settings: &WindowSettings,
    truth: &[TruthBox],
    rng: &mut ChaCha8Rng,
) -> CellWindow {
    let grid = config.grid();
    let on_object = uniform(rng, 0.0, 1.0) < settings.on_object_probability;
    let anchor_m = on_object.then(|| pick_object(config.num_classes(), truth, rng)).flatten();
    let mut first = |axis: usize, cells: usize, of_grid: usize| {
        let last = of_grid - cells;
        // Where in the window the object lies; the outer eighths would show too little of what is round it.
        let share = uniform(rng, 0.125, 0.875);
        let cell = match anchor_m {
            Some(center_m) => {
                let cell = (center_m[axis] - grid.range_m()[axis]) / grid.voxel_size_m()[axis];
                cell - share * cells as f64
            }
            None => uniform(rng, 0.0, last as f64),
        };
        let strides = (cell / NETWORK_STRIDE as f64).round().max(0.0) as usize;
        (strides * NETWORK_STRIDE).min(last / NETWORK_STRIDE * NETWORK_STRIDE)
    };
    let x0 = first(0, settings.nx, grid.nx());
    let y0 = first(1, settings.ny, grid.ny());
    CellWindow { x0, y0, nx: settings.nx, ny: settings.ny }
}

fn pick_object(num_classes: usize, truth: &[TruthBox], rng: &mut ChaCha8Rng) -> Option<[f64; 3]> {
    let of_class = |class: usize| {
        truth.iter().filter(move |t| t.roles.get(class) == Some(&TruthRole::Wanted)).map(|t| t.box3d.center_m)
    };
    let present: Vec<usize> = (0..num_classes).filter(|class| of_class(*class).next().is_some()).collect();
    if present.is_empty() {
        return None;
    }
    let objects: Vec<[f64; 3]> = of_class(present[rng.random_range(0..present.len())]).collect();
    Some(objects[rng.random_range(0..objects.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, frame_rng};
    use percept_models::pointpillars::{GridPreset, RawPointPillarsConfig, Width};
    use percept_types::Box3d;

    fn config() -> PointPillarsConfig {
        RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti).try_into().unwrap()
    }

    #[test]
    fn every_window_lies_on_the_grid_in_whole_strides_and_holds_its_object() {
        let settings = WindowSettings { nx: 216, ny: 248, per_frame: 1, on_object_probability: 1.0 };
        settings.validate(&config()).unwrap();
        for index in 0..200 {
            let mut rng = frame_rng(1, index, Purpose::Window);
            let center_m = [uniform(&mut rng, 0.0, 69.0), uniform(&mut rng, -39.0, 39.0), -1.0];
            let box3d = Box3d { center_m, size_m: [4.0, 1.6, 1.5], yaw_rad: 0.0 };
            let truth =
                [TruthBox { box3d, roles: vec![TruthRole::Wanted, TruthRole::Background, TruthRole::Background] }];
            let window = place_window(&config(), &settings, &truth, &mut rng);
            config().check_window(&window).unwrap();
            let range = window.range_m(config().grid());
            assert!((0..2).all(|axis| center_m[axis] >= range[axis] && center_m[axis] < range[axis + 3]), "{window:?}");
        }
    }

    #[test]
    fn a_frame_without_objects_still_gets_windows_all_over_the_grid() {
        let settings = WindowSettings { nx: 216, ny: 248, per_frame: 1, on_object_probability: 1.0 };
        let places: std::collections::BTreeSet<(usize, usize)> = (0..100)
            .map(|index| place_window(&config(), &settings, &[], &mut frame_rng(1, index, Purpose::Window)))
            .map(|window| (window.x0, window.y0))
            .collect();
        assert!(places.len() > 50);
    }

    #[test]
    fn a_window_larger_than_the_grid_is_refused() {
        let settings = WindowSettings { nx: 440, ny: 248, per_frame: 1, on_object_probability: 1.0 };
        assert!(settings.validate(&config()).is_err());
        let whole = WindowSettings { nx: 432, ny: 496, per_frame: 1, on_object_probability: 0.5 };
        whole.validate(&config()).unwrap();
        let window = place_window(&config(), &whole, &[], &mut frame_rng(1, 1, Purpose::Window));
        assert_eq!((window.x0, window.y0), (0, 0));
    }
}
