//! Matrix products on borrowed slices, and the split of a matrix into column tiles for several threads.
//!
//! The only folder of the CPU operations with `unsafe`: the micro-kernel and the disjoint tiles.

#![allow(unsafe_code)]

mod microkernel;
mod strips;

pub(crate) use strips::{CellGrid, Cut, Strip, StripList, StripsMut, par_strips};

use std::cell::RefCell;
use std::marker::PhantomData;

use microkernel::{Block, InstructionSet};
use rayon::prelude::*;

/// Columns that the micro-kernel computes at once where its vectors are widest.
pub(crate) const PANEL: usize = 48;
/// Rows of the right side that stay in a core's level-1 cache (48 KiB, 32 KiB on older ones) for all blocks of rows:
/// [`PANEL`] values each.
const DEPTH_BLOCK: usize = 144;

thread_local! {
    /// A right side whose rows do not lie in a piece, copied so that they do.
    static PACKED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A matrix of f32 over a slice, with any strides that stay inside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatRef<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> MatRef<'a> {
    /// Element (r, c) is `data[r * row_stride + c * col_stride]`.
    pub fn new(data: &'a [f32], (rows, cols): (usize, usize), (row_stride, col_stride): (usize, usize)) -> Self {
        if rows > 0 && cols > 0 {
            let last = (rows - 1) * row_stride + (cols - 1) * col_stride;
            assert!(last < data.len(), "a {rows} x {cols} matrix must lie inside its {} values", data.len());
        }
        Self { data, rows, cols, row_stride, col_stride }
    }

    /// A dense row-major matrix.
    pub fn row_major(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::new(data, (rows, cols), (cols, 1))
    }

    /// Columns `start..start + cols`.
    pub fn columns(self, start: usize, cols: usize) -> Self {
        let data = self.data.get(start * self.col_stride..).unwrap_or(&[]);
        Self::new(data, (self.rows, cols), (self.row_stride, self.col_stride))
    }

    /// Where element (row, column) lies; only read within the matrix.
    fn at(&self, row: usize, col: usize) -> *const f32 {
        self.data.as_ptr().wrapping_add(row * self.row_stride + col * self.col_stride)
    }

    /// Copies it row-major.
    fn pack(&self, out: &mut Vec<f32>) {
        out.resize(self.rows * self.cols, 0.0);
        for (col, column) in (0..self.cols).map(|col| (col, self.data.get(col * self.col_stride..).unwrap_or(&[]))) {
            for (row, value) in column.iter().step_by(self.row_stride.max(1)).take(self.rows).enumerate() {
                out[row * self.cols + col] = *value;
            }
        }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }
}

/// Exclusive access to some columns of a row-major matrix.
#[derive(Debug)]
pub(crate) struct MatMut<'a> {
    first: *mut f32,
    rows: usize,
    cols: usize,
    row_stride: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: a MatMut is an exclusive borrow of its elements, like `&mut [f32]`, which is Send.
unsafe impl Send for MatMut<'_> {}

impl<'a> MatMut<'a> {
    /// A whole dense row-major matrix.
    pub fn row_major(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a {rows} x {cols} matrix");
        Self { first: data.as_mut_ptr(), rows, cols, row_stride: cols, owner: PhantomData }
    }

    /// Rows of `cols` values, `row_stride` apart.
    pub fn strided(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        let end = rows.saturating_sub(1) * row_stride + cols;
        assert!(cols <= row_stride && end <= data.len(), "{rows} rows of {cols} in {} values", data.len());
        Self { first: data.as_mut_ptr(), rows, cols, row_stride, owner: PhantomData }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// One row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row lies inside the borrowed matrix (checked above, and by the constructors), its elements
        // belong to this MatMut alone, and the returned borrow holds `self` mutably.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.row_stride), self.cols) }
    }

    /// `self = lhs * rhs`, or `self += lhs * rhs` with `accumulate`. One thread; the same bytes each time, however
    /// the matrices are cut.
    pub fn multiply(&mut self, accumulate: bool, lhs: MatRef<'_>, rhs: MatRef<'_>) {
        assert_eq!((lhs.rows, lhs.cols, rhs.cols), (self.rows, rhs.rows, self.cols), "sizes of a product");
        if rhs.col_stride == 1 || self.cols == 1 {
            self.multiply_rows(accumulate, lhs, rhs);
        } else {
            PACKED.with_borrow_mut(|packed| {
                rhs.pack(packed);
                self.multiply_rows(accumulate, lhs, MatRef::row_major(packed, rhs.rows, rhs.cols));
            });
        }
    }

    /// A product whose right side's rows lie in a piece: blocks of depth outermost, so that a panel of the right side
    /// stays in cache for all rows.
    fn multiply_rows(&mut self, accumulate: bool, lhs: MatRef<'_>, rhs: MatRef<'_>) {
        if lhs.cols == 0 && !accumulate {
            (0..self.rows).for_each(|row| self.row_mut(row).fill(0.0));
        }
        let set = InstructionSet::detect();
        let width = set.even_width(self.cols);
        for k in (0..lhs.cols).step_by(DEPTH_BLOCK) {
            for j in (0..self.cols).step_by(width) {
                for i in (0..self.rows).step_by(set.rows()) {
                    let block = Block {
                        a: lhs.at(i, k),
                        a_strides: (lhs.row_stride, lhs.col_stride),
                        b: rhs.at(k, j),
                        b_stride: rhs.row_stride,
                        c: self.first.wrapping_add(i * self.row_stride + j),
                        c_stride: self.row_stride,
                        rows: set.rows().min(self.rows - i),
                        cols: width.min(self.cols - j),
                        depth: DEPTH_BLOCK.min(lhs.cols - k),
                        accumulate: accumulate || k > 0,
                    };
                    // SAFETY: the destination is exclusively borrowed and i, j stay inside it; MatRef's constructor
                    // checked that all elements of lhs and rhs lie inside their slices; sizes agree (checked by the
                    // caller); the three cannot overlap (shared against exclusive borrows); the set was detected.
                    unsafe { set.run(&block) };
                }
            }
        }
    }
}

/// Which tile of a batch of matrices is being computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Matrix of the batch.
    pub block: usize,
    /// First column.
    pub start: usize,
    /// Columns.
    pub cols: usize,
}

/// The matrices (block, rows, cols) of `out` cut into tiles of at most `tile_cols` columns, in parallel.
pub(crate) fn par_column_tiles(
    out: &mut [f32],
    (blocks, rows, cols): (usize, usize, usize),
    tile_cols: usize,
    compute: impl Fn(Tile, MatMut<'_>) + Sync,
) {
    assert_eq!(out.len(), blocks * rows * cols, "{blocks} matrices of {rows} x {cols}");
    if out.is_empty() {
        return;
    }
    let tile_cols = tile_cols.clamp(1, cols);
    let tiles = cols.div_ceil(tile_cols);
    let base = SharedBase(out.as_mut_ptr());
    (0..blocks * tiles).into_par_iter().for_each(|index| {
        let (block, start) = (index / tiles, index % tiles * tile_cols);
        let tile = Tile { block, start, cols: tile_cols.min(cols - start) };
        // SAFETY: the offset stays inside `out` (block < blocks, start < cols).
        let first = unsafe { base.get().add(block * rows * cols + start) };
        // Each index is visited once and tiles of different indices share no element, so this borrow is exclusive.
        let tile_mut = MatMut { first, rows, cols: tile.cols, row_stride: cols, owner: PhantomData };
        compute(tile, tile_mut);
    });
}

/// The start of a buffer that threads write disjoint parts of.
struct SharedBase(*mut f32);

// SAFETY: only handed to `par_column_tiles` and `par_strips`, whose parts are disjoint.
unsafe impl Sync for SharedBase {}

impl SharedBase {
    fn get(&self) -> *mut f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_transposed_views_and_accumulation_are_right() {
        let a: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let b: Vec<f32> = (0..6).map(|i| (i * i) as f32).collect();
        let lhs = MatRef::row_major(&a, 2, 3);
        let rhs = MatRef::row_major(&b, 2, 3).transposed();
        let mut out = vec![1.0; 4];
        MatMut::row_major(&mut out, 2, 2).multiply(true, lhs, rhs);
        assert_eq!(out, [10.0, 67.0, 25.0, 217.0]);
    }

    #[test]
    fn a_product_has_the_same_bytes_however_its_columns_are_cut() {
        let (rows, depth, cols) = (21, 333, 131);
        let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
        let a: Vec<f32> = (0..rows * depth).map(value).collect();
        let b: Vec<f32> = (0..depth * cols).map(|i| value(3 * i + 1)).collect();
        let (lhs, rhs) = (MatRef::row_major(&a, rows, depth), MatRef::row_major(&b, depth, cols));
        let mut whole = vec![0.0; rows * cols];
        MatMut::row_major(&mut whole, rows, cols).multiply(false, lhs, rhs);
        for start in [0, 1, 50, 130] {
            let mut part = vec![0.0; rows * (cols - start)];
            MatMut::row_major(&mut part, rows, cols - start).multiply(false, lhs, rhs.columns(start, cols - start));
            for (row, part) in part.chunks_exact(cols - start).enumerate() {
                assert_eq!(part, &whole[row * cols + start..][..cols - start], "row {row} from column {start}");
            }
        }
    }

    #[test]
    fn a_sum_of_no_terms_is_zero() {
        let mut out = vec![f32::NAN; 6];
        MatMut::row_major(&mut out, 2, 3).multiply(false, MatRef::row_major(&[], 2, 0), MatRef::row_major(&[], 0, 3));
        assert_eq!(out, [0.0; 6]);
    }

    #[test]
    fn tiles_cover_every_column_of_every_matrix_once() {
        let mut out = vec![0.0; 2 * 3 * 7];
        par_column_tiles(&mut out, (2, 3, 7), 3, |tile, mut columns| {
            for row in 0..columns.rows() {
                for (i, value) in columns.row_mut(row).iter_mut().enumerate() {
                    *value += (tile.block * 100 + row * 10 + tile.start + i) as f32;
                }
            }
        });
        for (i, value) in out.iter().enumerate() {
            assert_eq!(*value, (i / 21 * 100 + i / 7 % 3 * 10 + i % 7) as f32);
        }
    }

    #[test]
    #[should_panic(expected = "must lie inside")]
    fn a_view_larger_than_its_slice_is_refused() {
        let _ = MatRef::row_major(&[0.0; 5], 2, 3);
    }
}
