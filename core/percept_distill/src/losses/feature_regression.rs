//! Feature distillation: a 1x1 convolution of the student's features comes near the teacher's.
//!
//! Input   a tap of both networks, dense (B, C, H, W) or a row a pillar (P, C).
//! Output  the mean square of the difference. The adaptation trains with the student and is not deployed.
//! Source  Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015, section 2.2.

use candle_core::Tensor;
use percept_kernels::conv2d::ConvGeometry;
use percept_kernels::conv2d::autograd::conv2d;
use percept_models::outputs::{Tap, TapSupport};
use percept_models::pointpillars::tap;
use serde::{Deserialize, Serialize};

use super::adapters::{AdapterSpec, Adapters};
use crate::DistillError;

/// Which features are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureRegressionSettings {
    /// Name of the tap.
    pub tap: String,
}

impl Default for FeatureRegressionSettings {
    fn default() -> Self {
        Self { tap: tap::BEV_FEATURES.to_owned() }
    }
}

/// The adaptation; the identity where both sides have as many channels.
pub(super) fn adapters(student_channels: usize, teacher_channels: usize) -> Vec<AdapterSpec> {
    let (name, shape) = ("adaptation.weight".to_owned(), vec![teacher_channels, student_channels]);
    vec![
        match student_channels == teacher_channels {
            true => AdapterSpec::identity(name, shape),
            false => AdapterSpec::uniform(name, shape, student_channels),
        },
        AdapterSpec::constant("adaptation.bias".to_owned(), vec![teacher_channels], 0.0),
    ]
}

/// The loss; a scalar.
pub(super) fn evaluate(student: &Tap, teacher: &Tensor, adapters: &Adapters) -> Result<Tensor, DistillError> {
    let (weight, bias) = (adapters.get("adaptation.weight")?.as_tensor(), adapters.get("adaptation.bias")?.as_tensor());
    let (out, channels) = weight.dims2()?;
    let adapted = match &student.support {
        TapSupport::Dense | TapSupport::CameraRows { .. } => {
            let geometry = ConvGeometry { kernel: 1, stride: 1, padding: 0 };
            let map = conv2d(&student.features, &weight.reshape((out, channels, 1, 1))?, geometry)?;
            map.broadcast_add(&bias.reshape((1, out, 1, 1))?)?
        }
        TapSupport::Pillars { .. } | TapSupport::Voxels { .. } => {
            student.features.matmul(&weight.t()?)?.broadcast_add(bias)?
        }
    };
    if adapted.dims() != teacher.dims() {
        let (expected, found) = (adapted.dims().to_vec(), teacher.dims().to_vec());
        return Err(DistillError::Shape { what: "teacher's features", expected, found });
    }
    Ok((adapted - teacher.detach())?.sqr()?.mean_all()?)
}
