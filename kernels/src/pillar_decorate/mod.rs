//! Points of pillars decorated with their distances from the pillar's mean and centre, on a GPU.
//!
//! points (N, 4) [x, y, z, intensity], point_indices (R), offsets (P + 1), cells (P) -> decorated (R, D) f32.
//! Order   pillars by cell, points by arrival; the mean is a sum by arrival and one division in f32.
//! Twin    the pillarizer of the network (percept_models), equal to the last bit.
//! Source  Lang et al., PointPillars, CVPR 2019, section 2.1.

use bytemuck::{Pod, Zeroable};

use crate::cuda::{Arguments, Buffer, Kernel, Launch, blocks};

const DECORATE: Kernel = Kernel { name: "pillar_decorate", ptx: include_str!("pillar_decorate.ptx") };
const THREADS: u32 = 256;
const WARP: usize = 32;
/// Most columns of a decorated point.
pub const MAX_COLUMNS: usize = 16;

/// Where the pillars of a frame lie on the device.
#[derive(Clone, Copy, Debug)]
pub struct PillarsOnDevice<'a> {
    /// (R, D) f32.
    pub decorated: &'a Buffer,
    /// (P + 1) u32.
    pub offsets: &'a Buffer,
    /// (P) u32, linear index of each pillar's cell.
    pub cells: &'a Buffer,
    /// P: a u32 at this place of a buffer.
    pub num_pillars: (&'a Buffer, usize),
}

/// What one column of a decorated point holds; along x, y, z: 0, 1, 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecoratedColumn {
    /// The coordinate itself.
    Coordinate(u8),
    /// The intensity as the network is fed it.
    Intensity,
    /// Distance from the mean of the pillar's points.
    FromMean(u8),
    /// Distance from the pillar's centre.
    FromCentre(u8),
}

impl DecoratedColumn {
    /// Its number in pillar_decorate.cu.
    fn code(self) -> u8 {
        match self {
            Self::Coordinate(axis) => axis.min(2),
            Self::Intensity => 3,
            Self::FromMean(axis) => 4 + axis.min(2),
            Self::FromCentre(axis) => 7 + axis.min(2),
        }
    }
}

/// How points are decorated.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoration {
    /// The D columns.
    pub columns: Vec<DecoratedColumn>,
    /// Cells of the window along y and x, and its first cells.
    pub ny_nx: [usize; 2],
    /// First cells of the window along x and y.
    pub first_xy: [u32; 2],
    /// Sides of a pillar.
    pub size_xy_m: [f32; 2],
    /// Centre of cell 0 along x and y, and of all along z.
    pub offset_m: [f32; 3],
    /// Scale and clip of the intensity; `None`: it is fed as 0.
    pub intensity: Option<(f32, Option<f32>)>,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct DecorationArguments {
    num_columns: u32,
    nx: u32,
    ny: u32,
    first: [u32; 2],
    size: [f32; 2],
    offset: [f32; 3],
    intensity: u32,
    scale: f32,
    clip: f32,
    columns: [u8; MAX_COLUMNS],
}

impl Decoration {
    fn arguments(&self) -> DecorationArguments {
        let mut columns = [0; MAX_COLUMNS];
        for (code, column) in columns.iter_mut().zip(&self.columns) {
            *code = column.code();
        }
        let (intensity, scale, clip) = match self.intensity {
            None => (0, 1.0, 0.0),
            Some((scale, None)) => (1, scale, 0.0),
            Some((scale, Some(clip))) => (2, scale, clip),
        };
        DecorationArguments {
            num_columns: self.columns.len().min(MAX_COLUMNS) as u32,
            nx: self.ny_nx[1] as u32,
            ny: self.ny_nx[0] as u32,
            first: self.first_xy,
            size: self.size_xy_m,
            offset: self.offset_m,
            intensity,
            scale,
            clip,
            columns,
        }
    }

    /// points, point_indices -> `pillars.decorated`, for at most `max_pillars`; their number is on the device.
    pub(crate) fn launch(
        &self,
        (points, point_indices): (&Buffer, &Buffer),
        pillars: &PillarsOnDevice<'_>,
        max_pillars: usize,
    ) -> Launch {
        let PillarsOnDevice { decorated, offsets, cells, num_pillars } = *pillars;
        let arguments = Arguments::new().value(self.arguments()).buffer(points).buffer(point_indices).buffer(offsets);
        let arguments = arguments.buffer(cells).at(num_pillars.0, num_pillars.1).buffer(decorated);
        Launch::line(DECORATE, blocks(max_pillars * WARP, THREADS), THREADS, arguments)
    }
}
