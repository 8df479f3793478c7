//! The pillar feature net as one candle operation with gradients of its parameters.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{PillarInput, cpu_fast};
use crate::batch_norm::{BatchStatistics, Channel, Statistics, channels};
use crate::tensor_slice::{storage_slice, with_slice};

/// weight (C, D), norm weight (C), norm bias (C) -> (P, C), differentiable in all three (points are data); with
/// [`Statistics::Batch`] also the statistics over all P M slots.
///
/// The input must have passed [`PillarInput::check`] for the same `max_points`.
///
/// # Errors
/// Shapes that do not fit each other, types other than f32, batch statistics without a pillar.
pub fn pillar_encode(
    input: &PillarInput<'_>,
    max_points: usize,
    (weight, norm_weight, norm_bias): (&Tensor, &Tensor, &Tensor),
    statistics: Statistics<'_>,
    eps: f32,
) -> Result<(Tensor, Option<BatchStatistics>)> {
    let fixed = match statistics {
        Statistics::Batch => None,
        Statistics::Running { mean, var } => Some((mean.to_vec(), var.to_vec())),
    };
    let record = Arc::new(OnceLock::new());
    let op = PillarEncode {
        features: input.features.into(),
        point_features: input.point_features,
        offsets: input.offsets.into(),
        max_points,
        fixed,
        eps,
        record: record.clone(),
    };
    let pillars = weight.contiguous()?.apply_op3(&norm_weight.contiguous()?, &norm_bias.contiguous()?, op)?;
    Ok((pillars, record.get().and_then(|record: &Record| record.batch.clone())))
}

/// What the forward pass leaves for the backward pass.
struct Record {
    rows: Vec<f32>,
    channels: Vec<Channel>,
    batch: Option<BatchStatistics>,
}

struct PillarEncode {
    features: Arc<[f32]>,
    point_features: usize,
    offsets: Arc<[u32]>,
    max_points: usize,
    fixed: Option<(Vec<f32>, Vec<f32>)>,
    eps: f32,
    record: Arc<OnceLock<Record>>,
}

impl CustomOp3 for PillarEncode {
    fn name(&self) -> &'static str {
        "pillar_encode"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (channel_count, inputs) = l1.shape().dims2()?;
        let (weight, norm_weight, norm_bias) = (storage_slice(s1, l1)?, storage_slice(s2, l2)?, storage_slice(s3, l3)?);
        if inputs != self.point_features || norm_weight.len() != channel_count || norm_bias.len() != channel_count {
            candle_core::bail!("pillar encoder: weight {:?} for {} features", l1.shape(), self.point_features)
        }
        let num_pillars = self.offsets.len().saturating_sub(1);
        let rows = cpu_fast::linear(&self.features, weight, inputs);
        let own = match &self.fixed {
            Some(_) => None,
            None if num_pillars * self.max_points < 2 => candle_core::bail!("pillar encoder: no pillar to train on"),
            None => Some(cpu_fast::statistics(&rows, channel_count, num_pillars * self.max_points)),
        };
        let (mean, var) = match (&self.fixed, &own) {
            (Some((mean, var)), _) => (mean, var),
            (None, Some(own)) => (&own.mean, &own.var),
            (None, None) => candle_core::bail!("pillar encoder without statistics"),
        };
        if mean.len() != channel_count || var.len() != channel_count {
            candle_core::bail!("pillar encoder: {} running means for {channel_count} channels", mean.len())
        }
        let channels = channels(mean, var, norm_weight, norm_bias, self.eps);
        let mut out = vec![0.0; num_pillars * channel_count];
        cpu_fast::maximum(&rows, &self.offsets, &channels, self.max_points, &mut out);
        self.record.get_or_init(|| Record { rows, channels, batch: own });
        Ok((CpuStorage::F32(out), (num_pillars, channel_count).into()))
    }

    fn bwd(
        &self,
        weight: &Tensor,
        norm_weight: &Tensor,
        norm_bias: &Tensor,
        _pillars: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(record) = self.record.get() else { candle_core::bail!("pillar encoder: backward before forward") };
        let forward = cpu_fast::Forward {
            features: &self.features,
            point_features: self.point_features,
            offsets: &self.offsets,
            max_points: self.max_points,
            rows: &record.rows,
            channels: &record.channels,
            of_batch: self.fixed.is_none(),
        };
        let gradients = with_slice(grad, |grad| Ok(cpu_fast::backward(&forward, grad)))?;
        let device = weight.device();
        Ok((
            Some(Tensor::from_vec(gradients.weight, weight.shape(), device)?),
            Some(Tensor::from_vec(gradients.norm_weight, norm_weight.shape(), device)?),
            Some(Tensor::from_vec(gradients.norm_bias, norm_bias.shape(), device)?),
        ))
    }
}
