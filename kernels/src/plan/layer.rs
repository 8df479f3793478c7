//! The closed set of layer operations and what each reads, produces and learns.

use super::{CanvasSize, ValueId, ValueShape};
use crate::error::KernelError;
use crate::parameters::{Initializer, ParameterRole, ParameterSpec};

/// What follows a linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(0, x).
    Relu,
}

/// Batch normalisation: `(x - mean) / sqrt(var + eps) * weight + bias` per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Prefix of the four tensors `.weight`, `.bias`, `.running_mean`, `.running_var`.
    pub name: String,
    /// Added to the variance.
    pub eps: f32,
    /// Share of the new batch in the running statistics (PyTorch's convention).
    pub momentum: f32,
}

impl BatchNorm {
    /// With the values of PointPillars: eps 1e-3, momentum 0.01.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), eps: 1e-3, momentum: 0.01 }
    }

    /// Name of the scale.
    pub fn weight(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// Name of the shift.
    pub fn bias(&self) -> String {
        format!("{}.bias", self.name)
    }

    /// Name of the running mean.
    pub fn running_mean(&self) -> String {
        format!("{}.running_mean", self.name)
    }

    /// Name of the running variance.
    pub fn running_var(&self) -> String {
        format!("{}.running_var", self.name)
    }

    fn parameters(&self, channels: usize) -> Vec<ParameterSpec> {
        let spec =
            |name, role, value| ParameterSpec { name, shape: vec![channels], role, init: Initializer::Constant(value) };
        vec![
            spec(self.weight(), ParameterRole::Trainable, 1.0),
            spec(self.bias(), ParameterRole::Trainable, 0.0),
            spec(self.running_mean(), ParameterRole::RunningStatistic, 0.0),
            spec(self.running_var(), ParameterRole::RunningStatistic, 1.0),
        ]
    }
}

/// A bias per output channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Bias {
    /// Name of the tensor.
    pub name: String,
    /// First value.
    pub init: Initializer,
}

/// Pillar feature net: Linear(`point_features` to `channels`, no bias), batch norm, ReLU, maximum over the slots.
/// Source: Lang et al., PointPillars, CVPR 2019, section 2.1.
#[derive(Debug, Clone, PartialEq)]
pub struct PillarEncoder {
    /// D, width of a decorated point.
    pub point_features: usize,
    /// C, width of a pillar.
    pub channels: usize,
    /// M, slots of a pillar; empty ones enter statistics and maximum as zeros.
    pub max_points_per_voxel: usize,
    /// Name of the linear weight (C, D).
    pub weight: String,
    /// The normalisation.
    pub norm: BatchNorm,
}

/// Convolution, then batch norm, bias and activation where given.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Name of the weight (`out_channels`, in, `kernel`, `kernel`).
    pub weight: String,
    /// First values of the weight.
    pub weight_init: Initializer,
    /// Channels of the result.
    pub out_channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step along y and x.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Bias, added before the normalisation.
    pub bias: Option<Bias>,
    /// Normalisation.
    pub norm: Option<BatchNorm>,
    /// What follows.
    pub activation: Activation,
}

impl Conv {
    /// Stride 1, no padding, no bias, no norm, no activation; PyTorch's default initialisation.
    pub fn new(weight: &str, out_channels: usize, kernel: usize) -> Self {
        Self {
            weight: weight.to_owned(),
            weight_init: Initializer::FanInUniform,
            out_channels,
            kernel,
            stride: 1,
            padding: 0,
            bias: None,
            norm: None,
            activation: Activation::Identity,
        }
    }

    /// Sets the stride.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the zero padding.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Sets how the weight starts.
    pub fn weight_init(mut self, init: Initializer) -> Self {
        self.weight_init = init;
        self
    }

    /// Adds a bias.
    pub fn bias(mut self, name: &str, init: Initializer) -> Self {
        self.bias = Some(Bias { name: name.to_owned(), init });
        self
    }

    /// Adds batch norm with the values of [`BatchNorm::new`].
    pub fn batch_norm(mut self, name: &str) -> Self {
        self.norm = Some(BatchNorm::new(name));
        self
    }

    /// Adds a ReLU.
    pub fn relu(mut self) -> Self {
        self.activation = Activation::Relu;
        self
    }
}

/// Transposed convolution whose kernel equals its stride, then batch norm and activation where given.
#[derive(Debug, Clone, PartialEq)]
pub struct Deconv {
    /// Name of the weight (in, `out_channels`, `scale`, `scale`).
    pub weight: String,
    /// Channels of the result.
    pub out_channels: usize,
    /// Kernel and stride: how much larger the result is along y and x.
    pub scale: usize,
    /// Normalisation.
    pub norm: Option<BatchNorm>,
    /// What follows.
    pub activation: Activation,
}

impl Deconv {
    /// No norm, no activation.
    pub fn new(weight: &str, out_channels: usize, scale: usize) -> Self {
        Self { weight: weight.to_owned(), out_channels, scale, norm: None, activation: Activation::Identity }
    }

    /// Adds batch norm with the values of [`BatchNorm::new`].
    pub fn batch_norm(mut self, name: &str) -> Self {
        self.norm = Some(BatchNorm::new(name));
        self
    }

    /// Adds a ReLU.
    pub fn relu(mut self) -> Self {
        self.activation = Activation::Relu;
        self
    }
}

/// One layer operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Decorated points of the frame's pillars (R, D) to pillar features (P, C).
    PillarEncode(PillarEncoder),
    /// Pillar features (P, C) to a zero-filled canvas (C, ny, nx).
    Scatter {
        /// The pillar features.
        input: ValueId,
    },
    /// Convolution, batch norm, activation.
    ConvBnAct {
        /// The map read.
        input: ValueId,
        /// Its channels.
        in_channels: usize,
        /// The layer.
        conv: Conv,
    },
    /// Transposed convolution, batch norm, activation.
    DeconvBnAct {
        /// The map read.
        input: ValueId,
        /// Its channels.
        in_channels: usize,
        /// The layer.
        deconv: Deconv,
    },
    /// Maps of one size, one after another along the channels.
    Concat {
        /// The maps, first channels first.
        inputs: Vec<ValueId>,
    },
}

impl Op {
    /// The values read.
    pub fn inputs(&self) -> &[ValueId] {
        match self {
            Self::PillarEncode(_) => &[],
            Self::Scatter { input } | Self::ConvBnAct { input, .. } | Self::DeconvBnAct { input, .. } => {
                std::slice::from_ref(input)
            }
            Self::Concat { inputs } => inputs,
        }
    }

    /// A name for reports: the weight's where there is one.
    pub fn label(&self) -> &str {
        match self {
            Self::PillarEncode(encoder) => &encoder.weight,
            Self::Scatter { .. } => "scatter",
            Self::ConvBnAct { conv, .. } => &conv.weight,
            Self::DeconvBnAct { deconv, .. } => &deconv.weight,
            Self::Concat { .. } => "concat",
        }
    }

    /// Parameters and running statistics of this layer.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        match self {
            Self::PillarEncode(encoder) => encoder_parameters(encoder),
            Self::ConvBnAct { in_channels, conv, .. } => conv_parameters(*in_channels, conv),
            Self::DeconvBnAct { in_channels, deconv, .. } => deconv_parameters(*in_channels, deconv),
            Self::Scatter { .. } | Self::Concat { .. } => Vec::new(),
        }
    }

    /// Shape of the result for the shapes of the inputs.
    pub(super) fn infer(&self, inputs: &[ValueShape], canvas: CanvasSize) -> Result<ValueShape, KernelError> {
        match self {
            Self::PillarEncode(encoder) => {
                positive(&encoder.weight, "point features", encoder.point_features)?;
                positive(&encoder.weight, "points a voxel", encoder.max_points_per_voxel)?;
                positive(&encoder.weight, "channels", encoder.channels)?;
                Ok(ValueShape::Pillars { channels: encoder.channels })
            }
            Self::Scatter { .. } => match inputs {
                [ValueShape::Pillars { channels }] => {
                    Ok(ValueShape::Map { channels: *channels, height: canvas.ny, width: canvas.nx })
                }
                found => Err(wrong_input("scatter", "pillar features", found)),
            },
            Self::ConvBnAct { in_channels, conv, .. } => infer_conv(*in_channels, conv, inputs),
            Self::DeconvBnAct { in_channels, deconv, .. } => infer_deconv(*in_channels, deconv, inputs),
            Self::Concat { .. } => infer_concat(inputs),
        }
    }
}

fn encoder_parameters(encoder: &PillarEncoder) -> Vec<ParameterSpec> {
    let mut specs = vec![ParameterSpec {
        name: encoder.weight.clone(),
        shape: vec![encoder.channels, encoder.point_features],
        role: ParameterRole::Trainable,
        init: Initializer::FanInUniform,
    }];
    specs.extend(encoder.norm.parameters(encoder.channels));
    specs
}

fn conv_parameters(in_channels: usize, conv: &Conv) -> Vec<ParameterSpec> {
    let mut specs = vec![ParameterSpec {
        name: conv.weight.clone(),
        shape: vec![conv.out_channels, in_channels, conv.kernel, conv.kernel],
        role: ParameterRole::Trainable,
        init: conv.weight_init,
    }];
    if let Some(bias) = &conv.bias {
        specs.push(ParameterSpec {
            name: bias.name.clone(),
            shape: vec![conv.out_channels],
            role: ParameterRole::Trainable,
            init: bias.init,
        });
    }
    if let Some(norm) = &conv.norm {
        specs.extend(norm.parameters(conv.out_channels));
    }
    specs
}

fn deconv_parameters(in_channels: usize, deconv: &Deconv) -> Vec<ParameterSpec> {
    let mut specs = vec![ParameterSpec {
        name: deconv.weight.clone(),
        shape: vec![in_channels, deconv.out_channels, deconv.scale, deconv.scale],
        role: ParameterRole::Trainable,
        init: Initializer::FanInUniform,
    }];
    if let Some(norm) = &deconv.norm {
        specs.extend(norm.parameters(deconv.out_channels));
    }
    specs
}

fn infer_conv(in_channels: usize, conv: &Conv, inputs: &[ValueShape]) -> Result<ValueShape, KernelError> {
    let (height, width) = one_map(&conv.weight, in_channels, inputs)?;
    positive(&conv.weight, "output channels", conv.out_channels)?;
    positive(&conv.weight, "kernel", conv.kernel)?;
    positive(&conv.weight, "stride", conv.stride)?;
    let geometry = crate::conv2d::ConvGeometry { kernel: conv.kernel, stride: conv.stride, padding: conv.padding };
    let (height, width) = geometry.output_size(height, width)?;
    Ok(ValueShape::Map { channels: conv.out_channels, height, width })
}

fn infer_deconv(in_channels: usize, deconv: &Deconv, inputs: &[ValueShape]) -> Result<ValueShape, KernelError> {
    let (height, width) = one_map(&deconv.weight, in_channels, inputs)?;
    positive(&deconv.weight, "output channels", deconv.out_channels)?;
    positive(&deconv.weight, "scale", deconv.scale)?;
    Ok(ValueShape::Map {
        channels: deconv.out_channels,
        height: height.saturating_mul(deconv.scale),
        width: width.saturating_mul(deconv.scale),
    })
}

fn infer_concat(inputs: &[ValueShape]) -> Result<ValueShape, KernelError> {
    let mut channels = 0;
    let mut size = None;
    for shape in inputs {
        match *shape {
            ValueShape::Map { channels: c, height, width } if size.is_none_or(|size| size == (height, width)) => {
                channels += c;
                size = Some((height, width));
            }
            ValueShape::Map { .. } | ValueShape::Pillars { .. } => {
                return Err(wrong_input("concat", "maps of one size", inputs));
            }
        }
    }
    let (height, width) = size.ok_or_else(|| wrong_input("concat", "at least one map", inputs))?;
    Ok(ValueShape::Map { channels, height, width })
}

fn one_map(label: &str, in_channels: usize, inputs: &[ValueShape]) -> Result<(usize, usize), KernelError> {
    match inputs {
        [ValueShape::Map { channels, height, width }] if *channels == in_channels => Ok((*height, *width)),
        found => Err(wrong_input(label, "one map with the layer's input channels", found)),
    }
}

fn positive(layer: &str, what: &'static str, value: usize) -> Result<(), KernelError> {
    if value == 0 {
        return Err(KernelError::ZeroDimension { layer: layer.to_owned(), what });
    }
    Ok(())
}

fn wrong_input(layer: &str, expected: &'static str, found: &[ValueShape]) -> KernelError {
    KernelError::WrongInput { layer: layer.to_owned(), expected, found: format!("{found:?}") }
}
