//! The plain loops: the specification, in double precision so that gradients can be checked by differences.

use super::ConvShape;

/// input (B, Ci, H, W), weight (Co, Ci, k, k) -> (B, Co, Ho, Wo).
pub fn forward(shape: &ConvShape, input: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut output = vec![0.0; shape.output_len()];
    visit(shape, |x, w, y| output[y] += input[x] * weight[w]);
    output
}

/// `grad_output` (B, Co, Ho, Wo), weight (Co, Ci, k, k) -> (B, Ci, H, W): the adjoint of [`forward`] in its input.
pub fn transposed(shape: &ConvShape, grad_output: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut grad_input = vec![0.0; shape.input_len()];
    visit(shape, |x, w, y| grad_input[x] += grad_output[y] * weight[w]);
    grad_input
}

/// input (B, Ci, H, W), `grad_output` (B, Co, Ho, Wo) -> (Co, Ci, k, k): the adjoint of [`forward`] in its weight.
pub fn weight_gradient(shape: &ConvShape, input: &[f64], grad_output: &[f64]) -> Vec<f64> {
    let mut grad_weight = vec![0.0; shape.weight_len()];
    visit(shape, |x, w, y| grad_weight[w] += input[x] * grad_output[y]);
    grad_weight
}

/// Every product of a convolution once: indices into input, weight and output.
fn visit(shape: &ConvShape, mut product: impl FnMut(usize, usize, usize)) {
    let (k, s, p) = (shape.geometry.kernel, shape.geometry.stride, shape.geometry.padding);
    for b in 0..shape.batch {
        for co in 0..shape.out_channels {
            for yo in 0..shape.out_height {
                for xo in 0..shape.out_width {
                    let out = ((b * shape.out_channels + co) * shape.out_height + yo) * shape.out_width + xo;
                    for ci in 0..shape.in_channels {
                        for tap in 0..k * k {
                            let (y, x) = (yo * s + tap / k, xo * s + tap % k);
                            if y < p || x < p || y - p >= shape.height || x - p >= shape.width {
                                continue;
                            }
                            let map = (b * shape.in_channels + ci) * shape.height;
                            let input = (map + y - p) * shape.width + x - p;
                            product(input, (co * shape.in_channels + ci) * k * k + tap, out);
                        }
                    }
                }
            }
        }
    }
}
