//! Maps cut into strips: neighbouring square cells of one row, the unit of work where not every cell is computed.
//!
//! A cell is `unit` x `unit` pixels of the result: one pixel of a plain convolution, a tile of a Winograd
//! convolution, the square that one input pixel of a transposed convolution becomes.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

/// Cells of a block are cut at multiples of this: the widest vector.
const VECTOR: usize = 16;

/// The maps (frames, channels, height, width) that strips lie on, cut into cells of `unit` pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellGrid {
    pub frames: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub unit: usize,
}

impl CellGrid {
    /// Rows of cells of one frame.
    pub fn rows(&self) -> usize {
        self.height.div_ceil(self.unit.max(1))
    }

    /// Cells of a row.
    pub fn cols(&self) -> usize {
        self.width.div_ceil(self.unit.max(1))
    }

    /// Cells of all frames.
    pub fn cells(&self) -> usize {
        self.frames * self.rows() * self.cols()
    }

    fn values(&self) -> usize {
        self.frames * self.channels * self.height * self.width
    }
}

/// Neighbouring cells of one row of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strip {
    pub frame: usize,
    /// Row of cells.
    pub row: usize,
    /// First cell.
    pub start: usize,
    /// Cells, at least 1.
    pub len: usize,
}

/// How a list of strips is cut for the threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Longest strip, in cells.
    pub longest: usize,
    /// Cells of a block at most, about: blocks end at multiples of [`VECTOR`].
    pub block: usize,
    /// Cells between two strips up to which they become one.
    pub gap: usize,
}

impl Cut {
    /// Cells of the largest block.
    pub fn largest_block(&self) -> usize {
        self.block + VECTOR
    }
}

/// What is to be computed of a map, in blocks of about equal work.
#[derive(Debug, Default, Clone)]
pub(crate) struct StripList {
    runs: Vec<Strip>,
    strips: Vec<Strip>,
    blocks: Vec<Range<usize>>,
    cells: usize,
}

impl StripList {
    /// Every cell.
    pub fn whole(grid: &CellGrid, cut: Cut) -> Self {
        let mut list = Self::default();
        list.fill(grid, cut, |_, _| true);
        list
    }

    /// The cells (row, column) of every frame that are active.
    pub fn fill(&mut self, grid: &CellGrid, cut: Cut, active: impl Fn(usize, usize) -> bool) {
        self.runs.clear();
        for frame in 0..grid.frames {
            for row in 0..grid.rows() {
                let mut open: Option<Strip> = None;
                for col in (0..grid.cols()).filter(|&col| active(row, col)) {
                    match &mut open {
                        Some(strip) if col - (strip.start + strip.len) <= cut.gap => strip.len = col + 1 - strip.start,
                        _ => self.runs.extend(open.replace(Strip { frame, row, start: col, len: 1 })),
                    }
                }
                self.runs.extend(open);
            }
        }
        self.cells = self.runs.iter().map(|strip| strip.len).sum();
        self.cut(cut);
    }

    /// Cuts the runs where blocks end and where they are too long.
    fn cut(&mut self, cut: Cut) {
        self.strips.clear();
        self.blocks.clear();
        let blocks = self.cells.div_ceil(cut.block.max(1)).next_multiple_of(rayon::current_num_threads().max(1));
        let end_of = |block: usize| {
            let end = self.cells * (block + 1) / blocks.max(1);
            if block + 1 >= blocks { self.cells } else { end / VECTOR * VECTOR }
        };
        let (mut done, mut block, mut first) = (0, 0, 0);
        for run in &self.runs {
            let mut rest = *run;
            while rest.len > 0 {
                while end_of(block) <= done {
                    if self.strips.len() > first {
                        self.blocks.push(first..self.strips.len());
                        first = self.strips.len();
                    }
                    block += 1;
                }
                let len = rest.len.min(cut.longest.max(1)).min(end_of(block) - done);
                self.strips.push(Strip { len, ..rest });
                rest.start += len;
                rest.len -= len;
                done += len;
            }
        }
        if self.strips.len() > first {
            self.blocks.push(first..self.strips.len());
        }
    }

    /// Cells to be computed.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Makes room for the longest list of a grid, so that no frame has to.
    pub fn reserve(&mut self, grid: &CellGrid) {
        let runs = grid.frames * grid.rows() * grid.cols().div_ceil(2);
        self.runs.reserve(runs);
        self.strips.reserve(grid.cells());
        self.blocks.reserve(grid.cells());
    }

    fn check(&self, grid: &CellGrid) {
        let end = |strip: &Strip| (strip.frame, strip.row, strip.start + strip.len);
        let sorted = self.strips.windows(2).all(|pair| end(&pair[0]) <= (pair[1].frame, pair[1].row, pair[1].start));
        let inside = |strip: &Strip| {
            strip.frame < grid.frames && strip.row < grid.rows() && strip.start + strip.len <= grid.cols()
        };
        assert!(sorted && self.strips.iter().all(inside), "strips must be sorted and inside {grid:?}");
    }
}

/// Exclusive access to the pixels of some strips, in every channel.
#[derive(Debug)]
pub(crate) struct StripsMut<'a> {
    first: *mut f32,
    grid: CellGrid,
    strips: &'a [Strip],
    owner: PhantomData<&'a mut [f32]>,
}

impl<'a> StripsMut<'a> {
    /// The strips.
    pub fn strips(&self) -> &'a [Strip] {
        self.strips
    }

    /// Pixel row `line` (below `unit`) of a strip, cut at the right side of the map; empty below its lower side.
    pub fn row_mut(&mut self, channel: usize, strip: usize, line: usize) -> &mut [f32] {
        let CellGrid { channels, height, width, unit, .. } = self.grid;
        let Strip { frame, row, start, len } = self.strips[strip];
        assert!(channel < channels && line < unit, "channel {channel} of {channels}, line {line} of {unit}");
        let (y, x) = (row * unit + line, start * unit);
        if y >= height {
            return &mut [];
        }
        let pixels = (len * unit).min(width - x);
        let offset = ((frame * channels + channel) * height + y) * width + x;
        // SAFETY: the strip lies in the grid (checked by `par_strips`), channel and line were checked above, so the
        // row lies inside the buffer. Strips of one list share no pixel and each is handed to one task alone, and
        // the returned borrow holds `self` mutably.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(offset), pixels) }
    }
}

/// Computes the blocks of a list in parallel.
pub(crate) fn par_strips(out: &mut [f32], grid: CellGrid, list: &StripList, compute: impl Fn(StripsMut<'_>) + Sync) {
    assert_eq!(out.len(), grid.values(), "maps of {grid:?}");
    list.check(&grid);
    let base = super::SharedBase(out.as_mut_ptr());
    list.blocks.par_iter().for_each(|block| {
        compute(StripsMut { first: base.get(), grid, strips: &list.strips[block.clone()], owner: PhantomData });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: CellGrid = CellGrid { frames: 2, channels: 3, height: 11, width: 9, unit: 4 };
    const CUT: Cut = Cut { longest: 2, block: 16, gap: 0 };

    #[test]
    fn strips_cover_every_pixel_of_every_channel_once() {
        let mut out = vec![0.0; GRID.values()];
        let list = StripList::whole(&GRID, CUT);
        assert_eq!(list.cells(), 2 * 3 * 3);
        par_strips(&mut out, GRID, &list, |mut strips| {
            for strip in 0..strips.strips().len() {
                for channel in 0..3 {
                    for line in 0..4 {
                        strips.row_mut(channel, strip, line).iter_mut().for_each(|v| *v += 1.0);
                    }
                }
            }
        });
        assert!(out.iter().all(|v| *v == 1.0));
    }

    #[test]
    fn only_active_cells_are_listed_and_small_gaps_are_closed() {
        let grid = CellGrid { frames: 1, channels: 1, height: 2, width: 40, unit: 1 };
        let active = |row: usize, col: usize| row == 1 && (col < 3 || (5..9).contains(&col) || col == 30);
        let mut list = StripList::default();
        list.fill(&grid, Cut { longest: 100, block: 1000, gap: 0 }, active);
        assert_eq!(list.cells(), 8);
        list.fill(&grid, Cut { longest: 100, block: 1000, gap: 2 }, active);
        assert_eq!(list.cells(), 10);
        assert_eq!(list.runs[0], Strip { frame: 0, row: 1, start: 0, len: 9 });
    }

    #[test]
    fn blocks_are_of_even_size_and_whole_vectors() {
        let grid = CellGrid { frames: 1, channels: 1, height: 16, width: 14, unit: 1 };
        let list = StripList::whole(&grid, Cut { longest: 16, block: 48, gap: 0 });
        let cells = |block: &Range<usize>| list.strips[block.clone()].iter().map(|s| s.len).sum::<usize>();
        let sizes: Vec<usize> = list.blocks.iter().map(cells).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 224);
        assert!(sizes.iter().all(|size| size % VECTOR == 0 && *size <= 64), "{sizes:?}");
    }
}
