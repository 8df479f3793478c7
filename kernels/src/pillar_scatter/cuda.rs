//! The launches of pillar_scatter.cu.

use crate::cuda::{Arguments, Buffer, CudaDevice, DeviceError, Kernel, Launch, blocks};

const PTX: &str = include_str!("pillar_scatter.ptx");
const CLEAR: Kernel = Kernel { name: "pillar_scatter_clear", ptx: PTX };
const SCATTER: Kernel = Kernel { name: "pillar_scatter", ptx: PTX };
const THREADS: u32 = 256;

/// Which cells of the canvas the last frame wrote.
#[derive(Debug)]
pub(crate) struct Scatter {
    written: Buffer,
    num_written: Buffer,
    max_pillars: usize,
}

impl Scatter {
    pub fn new(device: &CudaDevice, max_pillars: usize) -> Result<Self, DeviceError> {
        let (written, num_written) = (device.allocate::<u32>(max_pillars)?, device.allocate::<u32>(1)?);
        Ok(Self { written, num_written, max_pillars })
    }

    /// features (P, C) half, cells (P) -> the canvas at a place of a buffer, (ny, nx, C) half; C a multiple of 8.
    pub fn launches(
        &self,
        (features, cells): (&Buffer, &Buffer),
        num_pillars: (&Buffer, usize),
        canvas: (&Buffer, usize),
        channels: usize,
    ) -> [Launch; 2] {
        let pieces = channels / 8;
        let line =
            |kernel, arguments| Launch::line(kernel, blocks(self.max_pillars * pieces, THREADS), THREADS, arguments);
        let clear =
            Arguments::new().at(canvas.0, canvas.1).buffer(&self.written).buffer(&self.num_written).size(pieces);
        let scatter = Arguments::new().at(canvas.0, canvas.1).buffer(features).buffer(cells);
        let scatter = scatter.at(num_pillars.0, num_pillars.1).buffer(&self.written).buffer(&self.num_written);
        [line(CLEAR, clear), line(SCATTER, scatter.size(pieces))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::EmulatedOrder;
    use half::f16;

    #[test]
    fn each_frame_finds_the_canvas_empty_but_for_its_own_pillars() {
        const CHANNELS: usize = 16;
        for order in [EmulatedOrder::Forward, EmulatedOrder::Backward] {
            let Some(device) = CudaDevice::for_tests(order).unwrap() else { return };
            let scatter = Scatter::new(&device, 9).unwrap();
            let canvas = device.allocate::<f16>(30 * CHANNELS).unwrap();
            let (features, cells) = (device.allocate::<f16>(9 * CHANNELS).unwrap(), device.allocate::<u32>(9).unwrap());
            let count = device.allocate::<u32>(1).unwrap();
            let launches = scatter.launches((&features, &cells), (&count, 0), (&canvas, 0), CHANNELS);
            let program = device.program(launches.into()).unwrap();
            for frame in [vec![0, 3, 29], vec![], vec![1, 2, 3, 4, 5, 6, 7, 8, 9], vec![28_u32]] {
                let of = |pillar: usize, c: usize| f16::from_f32(1.0 + (pillar * CHANNELS + c) as f32);
                let rows: Vec<f16> = (0..frame.len() * CHANNELS).map(|i| of(i / CHANNELS, i % CHANNELS)).collect();
                features.upload(&rows).unwrap();
                cells.upload(&frame).unwrap();
                count.upload(&[frame.len() as u32]).unwrap();
                program.run().unwrap();
                let mut expected = vec![f16::ZERO; 30 * CHANNELS];
                for (pillar, cell) in frame.iter().enumerate() {
                    for c in 0..CHANNELS {
                        expected[*cell as usize * CHANNELS + c] = of(pillar, c);
                    }
                }
                assert_eq!(canvas.values::<f16>(30 * CHANNELS).unwrap(), expected);
            }
        }
    }
}
