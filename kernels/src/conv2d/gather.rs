//! The columns of a convolution: for each output pixel, the input values under the kernel's taps.

/// One tap of a kernel: where it reads relative to `stride` times the output pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    /// Rows down.
    pub dy: isize,
    /// Columns right.
    pub dx: isize,
}

/// A read-only map (C, H, W) and how output pixels step over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// (C, H, W).
    pub map: &'a [f32],
    /// H.
    pub height: usize,
    /// W.
    pub width: usize,
    /// Input pixels an output pixel.
    pub stride: usize,
    /// Width of the grid of output pixels.
    pub grid_width: usize,
}

impl Source<'_> {
    /// Whether the columns of output pixels up to `end` are the map itself, so that nothing need be copied.
    pub fn is_identity(&self, taps: &[Tap], end: usize) -> bool {
        let same_grid = self.stride == 1 && self.grid_width == self.width && end <= self.height * self.width;
        same_grid && matches!(taps, [Tap { dy: 0, dx: 0 }])
    }

    /// Fills `columns` (C * taps, pixels), channel by channel, tap by tap, for output pixels `start..start + pixels`.
    pub fn gather(&self, taps: &[Tap], start: usize, pixels: usize, columns: &mut [f32]) {
        if columns.is_empty() {
            return;
        }
        let planes = self.map.chunks_exact(self.height * self.width);
        for (plane, rows) in planes.zip(columns.chunks_exact_mut(taps.len() * pixels)) {
            for (&tap, row) in taps.iter().zip(rows.chunks_exact_mut(pixels)) {
                self.gather_tap(plane, tap, start, row);
            }
        }
    }

    /// One channel of the map.
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.map[channel * self.height * self.width..][..self.height * self.width]
    }

    /// One row of the columns: output pixels `start..` of one channel under one tap.
    pub fn gather_tap(&self, plane: &[f32], tap: Tap, start: usize, mut row: &mut [f32]) {
        let (mut y, mut x) = (start / self.grid_width, start % self.grid_width);
        while !row.is_empty() {
            let (segment, rest) = row.split_at_mut(row.len().min(self.grid_width - x));
            let source_y = (y * self.stride) as isize + tap.dy;
            if (0..self.height as isize).contains(&source_y) {
                let line = &plane[source_y as usize * self.width..][..self.width];
                copy_line(line, (x * self.stride) as isize + tap.dx, self.stride, segment);
            } else {
                segment.fill(0.0);
            }
            row = rest;
            y += 1;
            x = 0;
        }
    }
}

/// `segment[i] = line[first + i * stride]`, zero outside the line.
fn copy_line(line: &[f32], first: isize, stride: usize, segment: &mut [f32]) {
    let before = (-first).max(0) as usize;
    let lead = before.div_ceil(stride).min(segment.len());
    let (left, inner) = segment.split_at_mut(lead);
    left.fill(0.0);
    let from = first + (lead * stride) as isize;
    let available = usize::try_from(from).ok().and_then(|from| line.get(from..)).unwrap_or(&[]);
    let count = available.len().div_ceil(stride).min(inner.len());
    let (middle, right) = inner.split_at_mut(count);
    match stride {
        1 => middle.copy_from_slice(&available[..count]),
        2 => copy_every_second(available, middle),
        _ => {
            for (value, source) in middle.iter_mut().zip(available.iter().step_by(stride)) {
                *value = *source;
            }
        }
    }
    right.fill(0.0);
}

/// In pairs, so that the compiler turns it into shuffles.
fn copy_every_second(source: &[f32], out: &mut [f32]) {
    let pairs = source.chunks_exact(2);
    let last = pairs.remainder().first();
    let whole = source.len() / 2;
    for (value, pair) in out.iter_mut().zip(pairs) {
        *value = pair[0];
    }
    if let (Some(value), Some(last)) = (out.get_mut(whole), last) {
        *value = *last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_what_lies_under_each_tap_and_zeros_outside() {
        let (height, width) = (5, 7);
        let map: Vec<f32> = (1..=2 * height * width).map(|i| i as f32).collect();
        for stride in 1..=3 {
            for (grid_width, grid_height) in [(7, 5), (4, 3), (9, 8)] {
                let source = Source { map: &map, height, width, stride, grid_width };
                let taps = [Tap { dy: -1, dx: -2 }, Tap { dy: 0, dx: 0 }, Tap { dy: 2, dx: 1 }];
                let (start, pixels) = (3, grid_width * grid_height - 5);
                let mut columns = vec![f32::NAN; 2 * taps.len() * pixels];
                source.gather(&taps, start, pixels, &mut columns);
                for (i, &value) in columns.iter().enumerate() {
                    let (row, pixel) = (i / pixels, i % pixels + start);
                    let (channel, tap) = (row / taps.len(), taps[row % taps.len()]);
                    let y = (pixel / grid_width * stride) as isize + tap.dy;
                    let x = (pixel % grid_width * stride) as isize + tap.dx;
                    let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                    let index = channel as isize * 35 + y * 7 + x;
                    assert_eq!(value, if inside { map[index as usize] } else { 0.0 }, "stride {stride} at {i}");
                }
            }
        }
    }
}
