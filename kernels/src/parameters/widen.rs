//! A wider network that starts as a narrow one: channels are copied, and what reads them shares their weight out.
//!
//! ```text
//! wide channel j   copies narrow channel j mod C
//! weight (o, j)    = weight (o, j mod C) * share(o, j),   the shares of one channel's copies add up to 1
//! ```
//! The shares are drawn at random, so that copies receive different gradients and part in the first step.
//! Source  Chen, Goodfellow, Shlens, Net2Net, ICLR 2016, section 2.1 (Net2WiderNet).
//! Limits  plans of the same layers, none of them narrower than the narrow network's.

use super::init::SplitMix64;
use super::{HostTensor, ParameterMap, check, get};
use crate::error::KernelError;
use crate::plan::{BatchNorm, Conv, Deconv, Layer, Op, PillarEncoder, Plan};

/// How far shares lie from an equal one: those of two copies lie in (-0.5, 1.5).
const SPREAD: f64 = 2.0;

/// Parameters of `wide` that compute what `narrow` computes with `parameters`, up to rounding.
///
/// # Errors
/// Parameters that are not `narrow`'s; plans whose layers differ in more than their channels, or a layer of `wide` with
/// fewer channels than `narrow`'s, by name.
pub fn widen(narrow: &Plan, wide: &Plan, parameters: &ParameterMap, seed: u64) -> Result<ParameterMap, KernelError> {
    check(narrow, parameters)?;
    if narrow.layers().len() != wide.layers().len() {
        let found = format!("{} layers against {}", wide.layers().len(), narrow.layers().len());
        return Err(KernelError::Widen { layer: "the plan".into(), found });
    }
    let mut widening = Widening { from: parameters, into: ParameterMap::new(), random: SplitMix64::new(seed) };
    let mut copies: Vec<Copies> = Vec::with_capacity(wide.layers().len());
    for (narrow, wide) in narrow.layers().iter().zip(wide.layers()) {
        let value = widening.layer(narrow, wide, &copies)?;
        copies.push(value);
    }
    check(wide, &widening.into)?;
    Ok(widening.into)
}

/// Of which narrow channel each channel of a value is a copy.
#[derive(Debug, Clone)]
struct Copies {
    narrow: usize,
    of: Vec<usize>,
}

impl Copies {
    fn of_channels(layer: &str, narrow: usize, wide: usize) -> Result<Self, KernelError> {
        if wide < narrow {
            let found = format!("{wide} channels where the narrow network has {narrow}");
            return Err(KernelError::Widen { layer: layer.to_owned(), found });
        }
        Ok(Self { narrow, of: (0..wide).map(|channel| channel % narrow).collect() })
    }

    /// Of maps that lie one after another along the channels.
    fn concatenated(parts: &[&Self]) -> Self {
        let mut all = Self { narrow: 0, of: Vec::new() };
        for part in parts {
            all.of.extend(part.of.iter().map(|channel| channel + all.narrow));
            all.narrow += part.narrow;
        }
        all
    }

    /// A share for each channel; those of one narrow channel's copies add up to 1.
    fn shares(&self, random: &mut SplitMix64) -> Vec<f32> {
        let draws: Vec<f64> = self.of.iter().map(|_| random.unit() - 0.5).collect();
        let (mut counts, mut sums) = (vec![0.0; self.narrow], vec![0.0; self.narrow]);
        for (&channel, draw) in self.of.iter().zip(&draws) {
            counts[channel] += 1.0;
            sums[channel] += draw;
        }
        let share = |(&channel, draw): (&usize, &f64)| {
            (1.0 / counts[channel] + SPREAD * (draw - sums[channel] / counts[channel])) as f32
        };
        self.of.iter().zip(&draws).map(share).collect()
    }
}

struct Widening<'a> {
    from: &'a ParameterMap,
    into: ParameterMap,
    random: SplitMix64,
}

impl Widening<'_> {
    fn layer(&mut self, narrow: &Layer, wide: &Layer, copies: &[Copies]) -> Result<Copies, KernelError> {
        let label = wide.op.label();
        let output = Copies::of_channels(label, narrow.shape.channels(), wide.shape.channels())?;
        let inputs: Vec<&Copies> = wide.op.inputs().iter().filter_map(|value| copies.get(value.index())).collect();
        match (&narrow.op, &wide.op, inputs.as_slice()) {
            (Op::PillarEncode(a), Op::PillarEncode(b), [])
                if *b == (PillarEncoder { channels: b.channels, ..a.clone() }) =>
            {
                self.encoder(b, &output)?;
                Ok(output)
            }
            (Op::Scatter { input: a }, Op::Scatter { input: b }, [read]) if a == b => Ok((*read).clone()),
            (Op::Concat { inputs: a }, Op::Concat { inputs: b }, read) if a == b => Ok(Copies::concatenated(read)),
            (Op::ConvBnAct { input: a, conv: c, .. }, Op::ConvBnAct { input: b, conv, .. }, [read])
                if a == b && *conv == (Conv { out_channels: conv.out_channels, ..c.clone() }) =>
            {
                self.conv(conv, read, &output)?;
                Ok(output)
            }
            (Op::DeconvBnAct { input: a, deconv: d, .. }, Op::DeconvBnAct { input: b, deconv, .. }, [read])
                if a == b && *deconv == (Deconv { out_channels: deconv.out_channels, ..d.clone() }) =>
            {
                self.deconv(deconv, read, &output)?;
                Ok(output)
            }
            (other, _, _) => {
                let found = format!("another layer than the narrow network's {}", other.label());
                Err(KernelError::Widen { layer: label.to_owned(), found })
            }
        }
    }

    fn encoder(&mut self, encoder: &PillarEncoder, output: &Copies) -> Result<(), KernelError> {
        let width = encoder.point_features;
        let narrow = get(self.from, &encoder.weight)?;
        let data = output.of.iter().flat_map(|&row| narrow.data[row * width..(row + 1) * width].to_vec()).collect();
        self.put(&encoder.weight, vec![output.of.len(), width], data);
        self.norm(Some(&encoder.norm), output)
    }

    /// Weights (out, in, k, k).
    fn conv(&mut self, conv: &Conv, input: &Copies, output: &Copies) -> Result<(), KernelError> {
        let area = conv.kernel * conv.kernel;
        let narrow = get(self.from, &conv.weight)?;
        let mut data = Vec::with_capacity(output.of.len() * input.of.len() * area);
        for &row in &output.of {
            let shares = input.shares(&mut self.random);
            for (&column, share) in input.of.iter().zip(shares) {
                let at = (row * input.narrow + column) * area;
                data.extend(narrow.data[at..at + area].iter().map(|weight| weight * share));
            }
        }
        self.put(&conv.weight, vec![output.of.len(), input.of.len(), conv.kernel, conv.kernel], data);
        if let Some(bias) = &conv.bias {
            self.per_channel(&bias.name, output)?;
        }
        self.norm(conv.norm.as_ref(), output)
    }

    /// Weights (in, out, s, s).
    fn deconv(&mut self, deconv: &Deconv, input: &Copies, output: &Copies) -> Result<(), KernelError> {
        let area = deconv.scale * deconv.scale;
        let narrow = get(self.from, &deconv.weight)?;
        let shares: Vec<Vec<f32>> = output.of.iter().map(|_| input.shares(&mut self.random)).collect();
        let mut data = Vec::with_capacity(output.of.len() * input.of.len() * area);
        for (place, &row) in input.of.iter().enumerate() {
            for (&column, shares) in output.of.iter().zip(&shares) {
                let at = (row * output.narrow + column) * area;
                data.extend(narrow.data[at..at + area].iter().map(|weight| weight * shares[place]));
            }
        }
        self.put(&deconv.weight, vec![input.of.len(), output.of.len(), deconv.scale, deconv.scale], data);
        self.norm(deconv.norm.as_ref(), output)
    }

    fn norm(&mut self, norm: Option<&BatchNorm>, output: &Copies) -> Result<(), KernelError> {
        let Some(norm) = norm else { return Ok(()) };
        let names = [norm.weight(), norm.bias(), norm.running_mean(), norm.running_var()];
        names.iter().try_for_each(|name| self.per_channel(name, output))
    }

    fn per_channel(&mut self, name: &str, output: &Copies) -> Result<(), KernelError> {
        let narrow = get(self.from, name)?;
        let data = output.of.iter().map(|&channel| narrow.data[channel]).collect();
        self.put(name, vec![output.of.len()], data);
        Ok(())
    }

    fn put(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) {
        self.into.insert(name.to_owned(), HostTensor { shape, data });
    }
}

#[cfg(test)]
mod tests;
