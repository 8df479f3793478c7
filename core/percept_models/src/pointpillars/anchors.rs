//! The boxes from which the head's predictions are measured.
//!
//! Order   [y, x, class, rotation], y slowest: anchor `((y * W + x) * K + class) * 2 + rotation`.

use percept_kernels::voxelize::CellWindow;
use percept_types::Box3d;

use super::config::AnchorConvention;
use super::{ANCHOR_ROTATIONS, AnchorClass, OUTPUT_STRIDE, PointPillarsConfig};
use crate::ModelError;

/// One anchor and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// The box, with its geometric centre.
    pub box3d: Box3d,
    /// Its class, in the order of the head.
    pub class_index: usize,
    /// 0 along x, 1 along y.
    pub rotation_index: usize,
    /// Row of the head's map.
    pub y: usize,
    /// Column of the head's map.
    pub x: usize,
}

/// The anchors over a window, computed where they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchors {
    xs_m: Vec<f64>,
    ys_m: Vec<f64>,
    classes: Vec<AnchorClass>,
}

impl Anchors {
    /// The anchors of a window of the grid; those of the whole grid for `config.whole_window()`. Positions are those
    /// of the whole grid, whatever the window.
    ///
    /// # Errors
    /// A window that does not fit the network's strides or the grid.
    pub fn new(config: &PointPillarsConfig, window: &CellWindow) -> Result<Self, ModelError> {
        config.check_window(window)?;
        let grid = config.grid();
        let range = grid.range_m();
        let convention = config.raw().anchor_convention;
        let positions = |axis: usize, of_grid: usize, first: usize, cells: usize| {
            let whole = of_grid / OUTPUT_STRIDE;
            let first = first / OUTPUT_STRIDE;
            let position = |i| position_m(convention, range[axis], range[axis + 3], whole, i);
            (first..first + cells / OUTPUT_STRIDE).map(position).collect()
        };
        Ok(Self {
            xs_m: positions(0, grid.nx(), window.x0, window.nx),
            ys_m: positions(1, grid.ny(), window.y0, window.ny),
            classes: config.anchors().to_vec(),
        })
    }

    /// Number of anchors, H W A.
    pub fn len(&self) -> usize {
        self.xs_m.len() * self.ys_m.len() * self.per_cell()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A, anchors a cell of the map.
    pub fn per_cell(&self) -> usize {
        self.classes.len() * ANCHOR_ROTATIONS.len()
    }

    /// (H, W) of the map.
    pub fn map_size(&self) -> [usize; 2] {
        [self.ys_m.len(), self.xs_m.len()]
    }

    /// Positions of the columns along x, W.
    pub fn xs_m(&self) -> &[f64] {
        &self.xs_m
    }

    /// Positions of the rows along y, H.
    pub fn ys_m(&self) -> &[f64] {
        &self.ys_m
    }

    /// The classes with their sizes and thresholds, in the order of the head.
    pub fn classes(&self) -> &[AnchorClass] {
        &self.classes
    }

    /// Number of the anchor at a place of the map.
    pub fn index(&self, y: usize, x: usize, class_index: usize, rotation_index: usize) -> usize {
        ((y * self.xs_m.len() + x) * self.classes.len() + class_index) * ANCHOR_ROTATIONS.len() + rotation_index
    }

    /// The anchor of a number; `None` beyond the last.
    pub fn get(&self, index: usize) -> Option<Anchor> {
        let (cell, in_cell) = (index / self.per_cell(), index % self.per_cell());
        let (class_index, rotation_index) = (in_cell / ANCHOR_ROTATIONS.len(), in_cell % ANCHOR_ROTATIONS.len());
        let (y, x) = (cell / self.xs_m.len(), cell % self.xs_m.len());
        let class = self.classes.get(class_index)?;
        let box3d = Box3d {
            center_m: [self.xs_m[x], *self.ys_m.get(y)?, class.center_z_m],
            size_m: class.size_m,
            yaw_rad: ANCHOR_ROTATIONS[rotation_index],
        };
        Some(Anchor { box3d, class_index, rotation_index, y, x })
    }

    /// All anchors in order.
    pub fn iter(&self) -> impl Iterator<Item = Anchor> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Place of anchor `index` of `count` along an axis.
fn position_m(convention: AnchorConvention, min: f64, max: f64, count: usize, index: usize) -> f64 {
    let span = max - min;
    match convention {
        // At least four positions: a grid has at least eight cells along each axis.
        AnchorConvention::EndsIncluded => min + index as f64 * (span / (count - 1) as f64),
        AnchorConvention::CellCentres => min + (index as f64 + 0.5) * (span / count as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointpillars::{GridPreset, PfnLayout, RawPointPillarsConfig, Width};

    fn pcdet() -> PointPillarsConfig {
        RawPointPillarsConfig::openpcdet(Width::Full, GridPreset::Kitti).try_into().unwrap()
    }

    #[test]
    fn the_kitti_grid_has_the_published_number_of_anchors() {
        let config = pcdet();
        assert_eq!(Anchors::new(&config, &config.whole_window()).unwrap().len(), 321_408);
    }

    #[test]
    fn openpcdet_puts_the_first_and_last_anchor_on_the_ends_of_the_range() {
        let config = pcdet();
        let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
        assert_eq!(anchors.xs_m()[0], 0.0);
        assert!((anchors.xs_m()[215] - 69.12).abs() < 1e-9);
        assert!((anchors.ys_m()[247] - 39.68).abs() < 1e-9);
        let car = anchors.get(1).unwrap();
        assert_eq!((car.class_index, car.rotation_index, car.box3d.yaw_rad), (0, 1, 1.57));
        assert!((car.box3d.center_m[2] - (-1.78 + 0.78)).abs() < 1e-12);
    }

    #[test]
    fn mmdetection3d_puts_anchors_in_the_centres_of_cells_and_cars_last() {
        let raw = RawPointPillarsConfig::mmdetection3d(PfnLayout::Mm10Legacy, -std::f64::consts::FRAC_PI_2);
        let config = PointPillarsConfig::try_from(raw).unwrap();
        let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
        assert!((anchors.xs_m()[0] - 0.16).abs() < 1e-12);
        assert!((anchors.xs_m()[215] - (69.12 - 0.16)).abs() < 1e-9);
        assert!((anchors.ys_m()[0] - (-39.68 + 0.16)).abs() < 1e-9);
        assert_eq!(anchors.get(4).unwrap().box3d.size_m, [3.9, 1.6, 1.56]);
        assert_eq!(config.class_names()[2], "Car");
    }

    #[test]
    fn a_window_has_the_anchors_that_the_whole_grid_has_there() {
        for config in [pcdet(), RawPointPillarsConfig::preset(Width::Full, GridPreset::Surround).try_into().unwrap()] {
            let whole = Anchors::new(&config, &config.whole_window()).unwrap();
            let window = CellWindow { x0: 64, y0: 128, nx: 40, ny: 24 };
            let part = Anchors::new(&config, &window).unwrap();
            assert_eq!(part.map_size(), [12, 20]);
            for (index, anchor) in part.iter().enumerate() {
                assert_eq!(index, part.index(anchor.y, anchor.x, anchor.class_index, anchor.rotation_index));
                let in_whole = whole.index(anchor.y + 64, anchor.x + 32, anchor.class_index, anchor.rotation_index);
                assert_eq!(whole.get(in_whole).unwrap().box3d, anchor.box3d);
            }
        }
    }

    #[test]
    fn there_is_no_anchor_beyond_the_last() {
        let config = pcdet();
        let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
        assert!(anchors.get(anchors.len() - 1).is_some());
        assert!(anchors.get(anchors.len()).is_none());
    }
}
