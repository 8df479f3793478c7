//! The scatter as a candle operation; its gradient is a gather.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::cpu_fast;
use crate::plan::CanvasSize;
use crate::tensor_slice::{storage_slice, with_slice};

/// features (P, C) -> (batch, C, ny, nx). coords (P) of (b, y, x): sorted, inside, one a cell.
///
/// # Errors
/// A number of coordinates other than P, types other than f32.
pub fn pillar_scatter(features: &Tensor, coords: Arc<[[u32; 3]]>, batch: usize, canvas: CanvasSize) -> Result<Tensor> {
    let inside = |c: &[u32; 3]| (c[0] as usize) < batch && (c[1] as usize) < canvas.ny && (c[2] as usize) < canvas.nx;
    if features.dim(0)? != coords.len() || !coords.is_sorted_by(|a, b| a < b) || !coords.iter().all(inside) {
        candle_core::bail!("{:?} features need as many coordinates, sorted and inside the canvas", features.shape())
    }
    features.contiguous()?.apply_op1(PillarScatter { coords, batch, canvas })
}

struct PillarScatter {
    coords: Arc<[[u32; 3]]>,
    batch: usize,
    canvas: CanvasSize,
}

impl CustomOp1 for PillarScatter {
    fn name(&self) -> &'static str {
        "pillar_scatter"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, channels) = layout.shape().dims2()?;
        let mut out = vec![0.0; self.batch * channels * self.canvas.cells()];
        cpu_fast::scatter(storage_slice(storage, layout)?, &self.coords, channels, self.canvas, &mut out);
        Ok((CpuStorage::F32(out), (self.batch, channels, self.canvas.ny, self.canvas.nx).into()))
    }

    fn bwd(&self, features: &Tensor, _canvas: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, channels) = features.dims2()?;
        let values = with_slice(grad, |grad| Ok(cpu_fast::gather(grad, &self.coords, channels, self.canvas)))?;
        Tensor::from_vec(values, features.shape(), features.device()).map(Some)
    }
}
