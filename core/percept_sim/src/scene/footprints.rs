//! Which ground is taken: rectangles that must not overlap, sorted into cells.

use crate::vector::Vec3;
use percept_types::BevRectangle;
use std::collections::BTreeMap;

/// Side of a cell.
const CELL_M: f64 = 8.0;

/// Rectangles on the ground, found by cell.
#[derive(Debug, Default)]
pub struct Footprints {
    rectangles: Vec<BevRectangle>,
    cells: BTreeMap<(i64, i64), Vec<usize>>,
}

/// The footprint of a thing's local box at a place.
pub fn rectangle(at_m: [f64; 2], yaw_rad: f64, low: Vec3, high: Vec3) -> BevRectangle {
    let (sin, cos) = yaw_rad.sin_cos();
    let (x, y) = (f64::from(low.x + high.x) / 2.0, f64::from(low.y + high.y) / 2.0);
    BevRectangle {
        center_m: [at_m[0] + x * cos - y * sin, at_m[1] + x * sin + y * cos],
        size_m: [f64::from(high.x - low.x), f64::from(high.y - low.y)],
        yaw_rad,
    }
}

impl Footprints {
    /// Forgets the rectangles whose centres are not to be kept.
    pub fn retain(&mut self, keep: impl Fn([f64; 2]) -> bool) {
        let kept = std::mem::take(self).rectangles.into_iter().filter(|rectangle| keep(rectangle.center_m));
        for rectangle in kept {
            for cell in cells_of(&rectangle) {
                self.cells.entry(cell).or_default().push(self.rectangles.len());
            }
            self.rectangles.push(rectangle);
        }
    }

    /// How many rectangles are known.
    pub fn len(&self) -> usize {
        self.rectangles.len()
    }

    /// Takes a rectangle if, grown by a margin on each side, it is free.
    pub fn claim(&mut self, rectangle: BevRectangle, margin_m: f64) -> bool {
        let grown = BevRectangle { size_m: rectangle.size_m.map(|side| side + 2.0 * margin_m), ..rectangle };
        let cells = cells_of(&grown);
        let is_taken = cells
            .iter()
            .filter_map(|cell| self.cells.get(cell))
            .flatten()
            .any(|index| self.rectangles[*index].intersection_area_m2(&grown) > 0.0);
        if is_taken {
            return false;
        }
        for cell in cells_of(&rectangle) {
            self.cells.entry(cell).or_default().push(self.rectangles.len());
        }
        self.rectangles.push(rectangle);
        true
    }
}

fn cells_of(rectangle: &BevRectangle) -> Vec<(i64, i64)> {
    let corners = rectangle.corners_m();
    let span = |axis: usize| {
        let low = corners.iter().map(|c| c[axis]).fold(f64::MAX, f64::min);
        let high = corners.iter().map(|c| c[axis]).fold(f64::MIN, f64::max);
        (low / CELL_M).floor() as i64..=(high / CELL_M).floor() as i64
    };
    span(0).flat_map(|i| span(1).map(move |j| (i, j))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ground_is_taken_once() {
        let mut taken = Footprints::default();
        let at = |x: f64| rectangle([x, 0.0], 0.3, Vec3::new(-2.0, -1.0, 0.0), Vec3::new(2.0, 1.0, 1.5));
        assert!(taken.claim(at(0.0), 0.0));
        assert!(!taken.claim(at(3.0), 0.0));
        assert!(!taken.claim(at(4.3), 0.5));
        assert!(taken.claim(at(9.0), 0.5));
    }
}
