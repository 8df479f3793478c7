//! The pillars of a batch of frames, as executors take them.

use crate::conv2d::check_len;
use crate::error::KernelError;
use crate::plan::CanvasSize;

/// Decorated points of the pillars of one or several frames. Borrowed: nothing is copied before it is used.
#[derive(Debug, Clone, Copy)]
pub struct PillarInput<'a> {
    /// (R, D) row-major: the decorated features of real points, pillar by pillar.
    pub features: &'a [f32],
    /// D.
    pub point_features: usize,
    /// (P + 1): pillar p owns rows `offsets[p]..offsets[p + 1]`; the first is 0, the last R.
    pub offsets: &'a [u32],
    /// (P) of (b, y, x), sorted, one a cell.
    pub coords: &'a [[u32; 3]],
    /// B, frames.
    pub batch: usize,
}

impl PillarInput<'_> {
    /// P.
    pub fn num_pillars(&self) -> usize {
        self.coords.len()
    }

    /// R.
    pub fn num_points(&self) -> usize {
        self.features.len() / self.point_features.max(1)
    }

    /// Checks everything that the operations rely on, once a frame: lengths, offsets, places, order.
    ///
    /// # Errors
    /// The first contradiction, by pillar.
    pub fn check(
        &self,
        point_features: usize,
        max_points_per_voxel: usize,
        canvas: CanvasSize,
    ) -> Result<(), KernelError> {
        if self.point_features != point_features {
            let what = "features of a decorated point";
            return Err(KernelError::InputMismatch { what, expected: point_features, found: self.point_features });
        }
        let points = self.num_points();
        check_len("decorated points", points * point_features, self.features.len())?;
        check_len("pillar offsets", self.num_pillars() + 1, self.offsets.len())?;
        let first = self.offsets.first().map_or(0, |&first| first as usize);
        let last = self.offsets.last().map_or(0, |&last| last as usize);
        check_len("first pillar offset", 0, first)?;
        check_len("last pillar offset", points, last)?;
        for (pillar, pair) in self.offsets.windows(2).enumerate() {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            if end <= start || end - start > max_points_per_voxel {
                return Err(KernelError::PillarOffsets {
                    pillar,
                    start,
                    end,
                    points,
                    max_points: max_points_per_voxel,
                });
            }
        }
        self.check_coords(canvas)
    }

    fn check_coords(&self, canvas: CanvasSize) -> Result<(), KernelError> {
        let mut previous = None;
        for (pillar, &coord) in self.coords.iter().enumerate() {
            let [b, y, x] = coord.map(|c| c as usize);
            if b >= self.batch || y >= canvas.ny || x >= canvas.nx {
                let CanvasSize { ny, nx } = canvas;
                return Err(KernelError::PillarOutside { pillar, coord, batch: self.batch, ny, nx });
            }
            if previous.is_some_and(|previous| previous >= coord) {
                return Err(KernelError::PillarOrder { pillar, coord });
            }
            previous = Some(coord);
        }
        Ok(())
    }
}
