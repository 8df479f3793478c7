//! What can go wrong in plans, parameters and operations.

/// An error of this crate: what was found, what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A canvas without cells, or an absurdly large one.
    #[error("a canvas of {ny} x {nx} cells: each side must lie between 1 and {max}")]
    CanvasSize {
        /// Cells along y.
        ny: usize,
        /// Cells along x.
        nx: usize,
        /// Largest side.
        max: usize,
    },
    /// A layer with a dimension of zero.
    #[error("layer {layer}: {what} is 0, it must be at least 1")]
    ZeroDimension {
        /// The layer.
        layer: String,
        /// Which dimension.
        what: &'static str,
    },
    /// A layer that cannot read what it was given.
    #[error("layer {layer} reads {expected}, but was given {found}")]
    WrongInput {
        /// The layer.
        layer: String,
        /// What it reads.
        expected: &'static str,
        /// What it was given.
        found: String,
    },
    /// A kernel larger than the padded map.
    #[error("a kernel of {kernel} with stride {stride} and padding {padding} does not fit a map of {height} x {width}")]
    KernelTooLarge {
        /// Side of the kernel.
        kernel: usize,
        /// Step.
        stride: usize,
        /// Padding on each side.
        padding: usize,
        /// Height of the map.
        height: usize,
        /// Width of the map.
        width: usize,
    },
    /// A value with too many elements.
    #[error("layer {layer} would produce {elements} elements, more than {max}")]
    TooLarge {
        /// The layer.
        layer: String,
        /// Elements of its result.
        elements: u128,
        /// Limit.
        max: u128,
    },
    /// A value that no layer of the plan produces.
    #[error("value {index} is not produced by a plan of {layers} layers")]
    UnknownValue {
        /// Index asked for.
        index: usize,
        /// Layers of the plan.
        layers: usize,
    },
    /// Two things of one name.
    #[error("two {kind}s are named {name}: names must be unique")]
    DuplicateName {
        /// What kind of thing.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A name that is not there.
    #[error("there is no {kind} named {name}")]
    UnknownName {
        /// What kind of thing.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A plan without outputs.
    #[error("the plan declares no output: name at least one value with `output`")]
    NoOutputs,
    /// Two pillar encoders in one plan.
    #[error("a plan has one pillar encoder, which reads the frame's points; a second one was added")]
    SecondPillarEncoder,
    /// A tensor of the wrong shape.
    #[error("parameter {name}: expected shape {expected:?}, found {found:?} with {values} values")]
    ParameterShape {
        /// The parameter.
        name: String,
        /// Shape that the plan needs.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
        /// Values found.
        values: usize,
    },
    /// A NaN or infinity in the weights.
    #[error("parameter {name}: value {index} is not finite")]
    ParameterNotFinite {
        /// The parameter.
        name: String,
        /// Position of the first such value.
        index: usize,
    },
    /// A tensor that the plan does not know.
    #[error("parameter {name} is not part of the plan: these weights belong to another network")]
    UnexpectedParameter {
        /// The parameter.
        name: String,
    },
    /// A plan that is no wider version of another.
    #[error(
        "layer {layer} cannot take over narrower weights: found {found}; expected the same layers, each at least as wide"
    )]
    Widen {
        /// The layer of the wide network.
        layer: String,
        /// What is different.
        found: String,
    },
    /// Arrays whose lengths contradict each other.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which array.
        what: &'static str,
        /// Length that the shapes ask for.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// Pillar offsets that do not rise from 0 to the number of points.
    #[error(
        "pillar {pillar}: offsets {start}..{end} of {points} points are not in order, or hold none or more than {max_points}"
    )]
    PillarOffsets {
        /// The pillar.
        pillar: usize,
        /// Its first row.
        start: usize,
        /// One past its last row.
        end: usize,
        /// Rows in all.
        points: usize,
        /// M.
        max_points: usize,
    },
    /// A pillar outside the canvas or batch.
    #[error("pillar {pillar} lies at (b, y, x) = {coord:?}, outside {batch} frames of {ny} x {nx} cells")]
    PillarOutside {
        /// The pillar.
        pillar: usize,
        /// Its place.
        coord: [u32; 3],
        /// Frames.
        batch: usize,
        /// Cells along y.
        ny: usize,
        /// Cells along x.
        nx: usize,
    },
    /// Two pillars in one cell, or pillars out of canonical order.
    #[error(
        "pillar {pillar} at (b, y, x) = {coord:?} does not follow the one before it: pillars are sorted by (b, y, x), one a cell"
    )]
    PillarOrder {
        /// The pillar.
        pillar: usize,
        /// Its place.
        coord: [u32; 3],
    },
    /// Training statistics over nothing.
    #[error("batch norm {name} has {rows} rows: batch statistics need at least 2")]
    TooFewRows {
        /// The layer.
        name: String,
        /// Rows found.
        rows: usize,
    },
    /// An input of another canvas size or width than compiled for.
    #[error("{what}: the plan expects {expected}, the input has {found}")]
    InputMismatch {
        /// Which property.
        what: &'static str,
        /// What the plan has.
        expected: usize,
        /// What the input has.
        found: usize,
    },
    /// A window that leaves its grid or has no cells.
    #[error("a window of {nx} x {ny} cells at ({x0}, {y0}) does not lie in a grid of {grid_nx} x {grid_ny} cells")]
    WindowOutside {
        /// First cell along x.
        x0: usize,
        /// First cell along y.
        y0: usize,
        /// Cells along x.
        nx: usize,
        /// Cells along y.
        ny: usize,
        /// Cells of the grid along x.
        grid_nx: usize,
        /// Cells of the grid along y.
        grid_ny: usize,
    },
    /// A cloud without a channel that must be there.
    #[error(
        "the cloud has no channel {channel}, only {present:?}: name the field that holds it, or allow it to be missing"
    )]
    MissingChannel {
        /// The channel asked for.
        channel: String,
        /// The fields that the cloud has.
        present: Vec<String>,
    },
    /// A raw cloud whose description reaches beyond its bytes.
    #[error(
        "field {field} of a cloud of {height} rows x {width} points (point_step {point_step}, row_step {row_step}) reaches beyond its {bytes} bytes"
    )]
    CloudBytes {
        /// The field.
        field: String,
        /// Rows.
        height: usize,
        /// Points a row.
        width: usize,
        /// Bytes from a point to the next.
        point_step: usize,
        /// Bytes from a row to the next.
        row_step: usize,
        /// Bytes there are.
        bytes: usize,
    },
    /// A GPU that is not there, not enough, or broken.
    #[error(transparent)]
    Device(#[from] crate::cuda::DeviceError),
    /// An error of the tensor library.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}
