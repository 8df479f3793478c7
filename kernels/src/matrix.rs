//! Matrix products on borrowed slices, and the split of a matrix into column tiles for several threads.
//!
//! The only file of the CPU operations with `unsafe`: the call of the gemm crate and the disjoint tiles.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use rayon::prelude::*;

/// Columns that one call of gemm computes. Its micro-kernel of one vector register's width keeps its sums in
/// registers, its wider ones do not: 95 against 35 GFLOP/s on a thread of a Zen 4 core whose peak is 117.
pub(crate) const PANEL: usize = 16;

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

    /// `self = lhs * rhs`, or `self += lhs * rhs` with `accumulate`. One thread; the same bytes each time.
    pub fn multiply(&mut self, accumulate: bool, lhs: MatRef<'_>, rhs: MatRef<'_>) {
        assert_eq!((lhs.rows, lhs.cols, rhs.cols), (self.rows, rhs.rows, self.cols), "sizes of a product");
        for start in (0..self.cols).step_by(PANEL) {
            // A last panel of fewer columns would be packed into memory allocated for it. Where nothing is
            // accumulated the last whole panel is computed instead: some columns twice, with the same result.
            let start = if accumulate || self.cols < PANEL { start } else { start.min(self.cols - PANEL) };
            let cols = PANEL.min(self.cols - start);
            self.multiply_panel(accumulate, lhs, rhs.columns(start, cols), start);
        }
    }

    /// Columns `start..start + rhs.cols` of a product.
    fn multiply_panel(&mut self, accumulate: bool, lhs: MatRef<'_>, rhs: MatRef<'_>, start: usize) {
        // SAFETY: the destination is exclusively borrowed, and its columns start..start + rhs.cols lie inside its
        // slice (the caller stays below self.cols); MatRef's constructor checked that all elements of lhs and rhs
        // lie inside theirs; the three cannot overlap (shared against exclusive borrows); sizes agree (checked by
        // the caller).
        unsafe {
            gemm::gemm(
                self.rows,
                rhs.cols,
                lhs.cols,
                self.first.add(start),
                1,
                self.row_stride as isize,
                accumulate,
                lhs.data.as_ptr(),
                lhs.col_stride as isize,
                lhs.row_stride as isize,
                rhs.data.as_ptr(),
                rhs.col_stride as isize,
                rhs.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
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

// SAFETY: only handed to `par_column_tiles`, whose tiles are disjoint.
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
