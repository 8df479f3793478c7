//! From points to the decorated points of pillars: what the pillar feature net reads.
//!
//! Input   points (N, 4) f32 [x, y, z, intensity as the sensor gives it], finite.
//! Output  decorated (R, D) of the real points only, pillar by pillar; no padding.
//! Order   that of `percept_kernels::voxelize`: pillars by (y, x), points by arrival.
//! Source  Lang et al., PointPillars, section 2.1; the layouts as the two toolboxes compute them, in f32.

use percept_kernels::pillar_decorate::{DecoratedColumn, Decoration};
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::voxelize::{CellWindow, VoxelizeDrops, Voxelizer, Voxels};

use super::{IntensityTreatment, PfnLayout, PointPillarsConfig};
use crate::ModelError;

/// Values of an input point: x, y, z, intensity.
pub(crate) const POINT_FEATURES: usize = 4;

/// The pillars of one frame or of a batch of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pillars {
    /// (R, D) decorated points; those of pillar `p` are the rows `offsets[p]..offsets[p + 1]`.
    pub decorated: Vec<f32>,
    /// D.
    pub num_features: usize,
    /// (P + 1), from 0 to R.
    pub offsets: Vec<u32>,
    /// (P) [frame, y, x] cells, relative to the window; ascending.
    pub coords: Vec<[u32; 3]>,
    /// Frames in the batch.
    pub num_frames: usize,
}

impl Pillars {
    /// No frame at all, for decorated points of D values.
    pub fn empty(num_features: usize) -> Self {
        Self { decorated: Vec::new(), num_features, offsets: vec![0], coords: Vec::new(), num_frames: 0 }
    }

    /// P.
    pub fn len(&self) -> usize {
        self.coords.len()
    }

    /// Whether there are no pillars.
    pub fn is_empty(&self) -> bool {
        self.coords.is_empty()
    }

    /// R, points in all pillars.
    pub fn num_points(&self) -> usize {
        self.offsets.last().map_or(0, |end| *end as usize)
    }

    /// As executors take it; borrowed.
    pub fn input(&self) -> PillarInput<'_> {
        PillarInput {
            features: &self.decorated,
            point_features: self.num_features,
            offsets: &self.offsets,
            coords: &self.coords,
            batch: self.num_frames,
        }
    }

    /// Appends the frames of `other` after those there are.
    ///
    /// # Errors
    /// Another width of decorated points.
    pub fn append(&mut self, other: &Self) -> Result<(), ModelError> {
        if self.num_features != other.num_features {
            let (expected, found) = (self.num_features, other.num_features);
            return Err(ModelError::Length { what: "values of a decorated point", expected, found });
        }
        let (points, frames) = (self.num_points() as u32, self.num_frames as u32);
        self.decorated.extend_from_slice(&other.decorated);
        self.offsets.extend(other.offsets.iter().skip(1).map(|end| points + end));
        self.coords.extend(other.coords.iter().map(|[frame, y, x]| [frames + frame, *y, *x]));
        self.num_frames += other.num_frames;
        Ok(())
    }
}

/// Makes pillars of points; keeps its buffers from frame to frame.
#[derive(Clone, Debug)]
pub struct Pillarizer {
    voxelizer: Voxelizer,
    voxels: Voxels,
    layout: PfnLayout,
    intensity: IntensityTreatment,
    centres: PillarCentres,
}

impl Pillarizer {
    /// For a window of the grid; `config.whole_window()` for all of it. A training window sees its points at their
    /// absolute coordinates.
    ///
    /// # Errors
    /// A window that does not fit the network's strides or the grid.
    pub fn new(config: &PointPillarsConfig, window: CellWindow) -> Result<Self, ModelError> {
        config.check_window(&window)?;
        Ok(Self {
            voxelizer: Voxelizer::new(config.voxelize_spec(window))?,
            voxels: Voxels::default(),
            layout: config.pfn_layout(),
            intensity: config.input().intensity,
            centres: PillarCentres::new(config, &window),
        })
    }

    /// The same buffers for another window.
    ///
    /// # Errors
    /// A window that does not fit the network's strides or the grid; the old one stays.
    pub fn set_window(&mut self, config: &PointPillarsConfig, window: CellWindow) -> Result<(), ModelError> {
        config.check_window(&window)?;
        self.voxelizer.set_spec(config.voxelize_spec(window))?;
        self.centres = PillarCentres::new(config, &window);
        Ok(())
    }

    /// Another treatment of the intensity than the configuration's: a sensor with another scale than in training.
    pub fn set_intensity(&mut self, intensity: IntensityTreatment) {
        self.intensity = intensity;
    }

    /// points (N, 4) [x, y, z, intensity] -> one frame of pillars, in place of what `out` held.
    ///
    /// # Errors
    /// A buffer that is not whole points.
    pub fn pillarize(&mut self, points: &[f32], out: &mut Pillars) -> Result<VoxelizeDrops, ModelError> {
        self.voxelizer.voxelize(points, POINT_FEATURES, &mut self.voxels)?;
        self.decorate(points, out);
        Ok(self.voxels.drops)
    }

    fn decorate(&self, points: &[f32], out: &mut Pillars) {
        let voxels = &self.voxels;
        out.num_frames = 1;
        out.num_features = self.layout.num_features();
        out.offsets.clone_from(&voxels.offsets);
        out.coords.clear();
        out.coords.extend(voxels.coords.iter().map(|[_, y, x]| [0, *y, *x]));
        out.decorated.clear();
        out.decorated.reserve(voxels.point_indices.len() * out.num_features);
        for (pillar, coord) in voxels.coords.iter().enumerate() {
            let range = voxels.offsets[pillar] as usize..voxels.offsets[pillar + 1] as usize;
            let members = &voxels.point_indices[range];
            let point = |index: &u32| {
                let start = *index as usize * POINT_FEATURES;
                [points[start], points[start + 1], points[start + 2], self.intensity.apply(points[start + 3])]
            };
            let mean = mean_xyz(members.iter().map(point));
            let centre = self.centres.of(coord[1], coord[2]);
            for index in members {
                decorate_point(self.layout, point(index), mean, centre, &mut out.decorated);
            }
        }
    }
}

impl IntensityTreatment {
    /// Checks scale and clip; `key` names them in the error.
    pub(crate) fn check(self, key: &str) -> Result<(), ModelError> {
        let positive = |value: f32| value.is_finite() && value > 0.0;
        match self {
            Self::Used { scale, .. } if !positive(scale) => {
                Err(ModelError::value(&format!("{key}.used.scale"), scale, "finite and above 0"))
            }
            Self::Used { clip: Some(clip), .. } if !positive(clip) => {
                Err(ModelError::value(&format!("{key}.used.clip"), clip, "finite and above 0, or left out"))
            }
            Self::Used { .. } | Self::Ignored => Ok(()),
        }
    }

    /// What the network is fed for a sensor's intensity.
    #[inline]
    pub fn apply(self, intensity: f32) -> f32 {
        match self {
            Self::Ignored => 0.0,
            Self::Used { scale, clip: None } => intensity / scale,
            Self::Used { scale, clip: Some(clip) } => (intensity / scale).min(clip),
        }
    }
}

/// Sum in order of arrival, then one division, in f32: as the toolboxes do over the slots.
fn mean_xyz(points: impl ExactSizeIterator<Item = [f32; 4]>) -> [f32; 3] {
    let count = points.len() as f32;
    let sum = points.fold([0.0f32; 3], |sum, p| [sum[0] + p[0], sum[1] + p[1], sum[2] + p[2]]);
    sum.map(|axis| axis / count)
}

fn decorate_point(layout: PfnLayout, [x, y, z, i]: [f32; 4], m: [f32; 3], c: [f32; 3], out: &mut Vec<f32>) {
    let (from_mean, from_centre) = ([x - m[0], y - m[1], z - m[2]], [x - c[0], y - c[1], z - c[2]]);
    match layout {
        PfnLayout::Pcdet10 => {
            out.extend([x, y, z, i]);
            out.extend(from_mean);
            out.extend(from_centre);
        }
        PfnLayout::Mm10Legacy => {
            out.extend(from_centre);
            out.push(i);
            out.extend(from_mean);
            out.extend(from_centre);
        }
        PfnLayout::Mm9Legacy => {
            out.extend([from_centre[0], from_centre[1], z, i]);
            out.extend(from_mean);
            out.extend([from_centre[0], from_centre[1]]);
        }
    }
}

/// The same decoration, for a GPU.
pub(crate) fn decoration(
    config: &PointPillarsConfig,
    window: &CellWindow,
    intensity: IntensityTreatment,
) -> Decoration {
    use DecoratedColumn::{Coordinate, FromCentre, FromMean, Intensity};
    let from_centre = [FromCentre(0), FromCentre(1), FromCentre(2)];
    let from_mean = [FromMean(0), FromMean(1), FromMean(2)];
    let columns = match config.pfn_layout() {
        PfnLayout::Pcdet10 => {
            [&[Coordinate(0), Coordinate(1), Coordinate(2), Intensity][..], &from_mean, &from_centre].concat()
        }
        PfnLayout::Mm10Legacy => [&from_centre[..], &[Intensity], &from_mean, &from_centre].concat(),
        PfnLayout::Mm9Legacy => {
            [&from_centre[..2], &[Coordinate(2), Intensity], &from_mean, &from_centre[..2]].concat()
        }
    };
    let centres = PillarCentres::new(config, window);
    Decoration {
        columns,
        ny_nx: [window.ny, window.nx],
        first_xy: centres.first,
        size_xy_m: centres.size,
        offset_m: centres.offset,
        intensity: match intensity {
            IntensityTreatment::Used { scale, clip } => Some((scale, clip)),
            IntensityTreatment::Ignored => None,
        },
    }
}

/// Centres of pillars in f32: `cell * size + (size / 2 + min)`, the sum in brackets computed in f64.
#[derive(Clone, Copy, Debug)]
struct PillarCentres {
    size: [f32; 2],
    offset: [f32; 3],
    first: [u32; 2],
}

impl PillarCentres {
    fn new(config: &PointPillarsConfig, window: &CellWindow) -> Self {
        let (range, size) = (config.grid().range_m(), config.grid().voxel_size_m());
        Self {
            size: [size[0] as f32, size[1] as f32],
            offset: std::array::from_fn(|axis| (size[axis] / 2.0 + range[axis]) as f32),
            first: [window.x0 as u32, window.y0 as u32],
        }
    }

    /// Centre of the pillar at a cell of the window.
    fn of(&self, y: u32, x: u32) -> [f32; 3] {
        let at = |axis: usize, cell: u32| (self.first[axis] + cell) as f32 * self.size[axis] + self.offset[axis];
        [at(0, x), at(1, y), self.offset[2]]
    }
}

#[cfg(test)]
mod tests;
