//! The innermost product: a block of a few rows and up to three vectors of columns, its sums held in registers.
//!
//! Each value is one chain of fused multiply-adds in the order of k from 0, then added to what stood there. So the
//! bytes depend neither on where a matrix is cut into blocks of rows and columns nor on the width of the vectors:
//! AVX-512, AVX2 and NEON give the same. A processor without fused multiply-add rounds twice and differs in the last
//! digits.
//!
//! Why these sizes: 8 rows of 3 vectors are 24 sums; with 3 vectors of the right side and one broadcast they fill the
//! 32 registers of AVX-512, and each 24 multiply-adds need 11 loads where two of each a cycle are possible.
//! Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4.

#![allow(unsafe_code)]

/// Rows of a full block.
pub(super) const ROWS: usize = 8;
/// Vectors of columns of a full block.
const VECTORS: usize = 3;

/// `c[i][j] (+)= sum over k of a[i][k] * b[k][j]` for one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Element (i, k) is at `i * a_strides.0 + k * a_strides.1`.
    pub a: *const f32,
    /// See `a`.
    pub a_strides: (usize, usize),
    /// Element (k, j) is at `k * b_stride + j`.
    pub b: *const f32,
    /// See `b`.
    pub b_stride: usize,
    /// Element (i, j) is at `i * c_stride + j`.
    pub c: *mut f32,
    /// See `c`.
    pub c_stride: usize,
    /// Rows, 1 to [`ROWS`].
    pub rows: usize,
    /// Columns, 1 to [`InstructionSet::columns`].
    pub cols: usize,
    /// Terms of each sum.
    pub depth: usize,
    /// Whether the sums are added to what stands in `c`.
    pub accumulate: bool,
}

/// Calls the function made for this number of rows and vectors.
macro_rules! by_size {
    ($function:ident, $block:expr, $vectors:expr) => {
        match $vectors {
            1 => by_size!(rows $function, $block, 1),
            2 => by_size!(rows $function, $block, 2),
            _ => by_size!(rows $function, $block, 3),
        }
    };
    (rows $function:ident, $block:expr, $vectors:literal) => {
        match $block.rows {
            1 => $function::<1, $vectors>($block),
            2 => $function::<2, $vectors>($block),
            3 => $function::<3, $vectors>($block),
            4 => $function::<4, $vectors>($block),
            5 => $function::<5, $vectors>($block),
            6 => $function::<6, $vectors>($block),
            7 => $function::<7, $vectors>($block),
            _ => $function::<8, $vectors>($block),
        }
    };
}
/// What the processor offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InstructionSet {
    /// 16 values a vector.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 values a vector, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 4 values a vector; every aarch64 processor has it.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Whatever the compiler makes of plain loops.
    Portable,
}

impl InstructionSet {
    /// The widest of this processor.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            return Self::Neon;
        }
        Self::Portable
    }

    /// Values of a vector.
    fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 8,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 4,
            Self::Portable => 4,
        }
    }

    /// Columns of a full block.
    pub fn columns(self) -> usize {
        VECTORS * self.lanes()
    }

    /// Rows of a full block: as many as leave registers for the right side.
    pub fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => ROWS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 4,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => ROWS,
            Self::Portable => 4,
        }
    }

    /// Width of the blocks that cut `cols` columns most evenly, in whole vectors.
    pub fn even_width(self, cols: usize) -> usize {
        let blocks = cols.div_ceil(self.columns()).max(1);
        cols.div_ceil(blocks).next_multiple_of(self.lanes()).min(self.columns())
    }

    /// Computes one block.
    ///
    /// # Safety
    /// All elements that the block names lie inside their buffers, those of `c` are exclusively the caller's, and the
    /// set was found by [`Self::detect`].
    pub unsafe fn run(self, block: &Block) {
        debug_assert!((1..=self.rows()).contains(&block.rows) && (1..=self.columns()).contains(&block.cols));
        let vectors = block.cols.div_ceil(self.lanes());
        // SAFETY: the caller's promises are those of the functions called; features were detected.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => by_size!(avx512, block, vectors),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => by_size!(avx2, block, vectors),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => by_size!(neon, block, vectors),
                Self::Portable => portable(block),
            }
        }
    }
}

/// # Safety
/// As [`InstructionSet::run`], `R` rows, `V` vectors of 16 of which the last may be partly used.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const R: usize, const V: usize>(block: &Block) {
    use std::arch::x86_64::{
        __mmask16, _mm512_add_ps, _mm512_fmadd_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps,
        _mm512_setzero_ps,
    };
    const LANES: usize = 16;
    let last = block.cols - (V - 1) * LANES;
    let masks: [__mmask16; V] = std::array::from_fn(|v| if v + 1 < V { 0xffff } else { 0xffff >> (LANES - last) });
    let mut sums = [[_mm512_setzero_ps(); V]; R];
    // SAFETY: within the buffers by the caller's promise; masked lanes are neither read nor written.
    unsafe {
        let (mut a, mut b) = (block.a, block.b);
        for _ in 0..block.depth {
            let right: [_; V] = std::array::from_fn(|v| _mm512_maskz_loadu_ps(masks[v], b.wrapping_add(v * LANES)));
            for (i, row) in sums.iter_mut().enumerate() {
                let left = _mm512_set1_ps(*a.wrapping_add(i * block.a_strides.0));
                for (sum, right) in row.iter_mut().zip(&right) {
                    *sum = _mm512_fmadd_ps(left, *right, *sum);
                }
            }
            a = a.wrapping_add(block.a_strides.1);
            b = b.wrapping_add(block.b_stride);
        }
        for (i, row) in sums.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                let c = block.c.add(i * block.c_stride + v * LANES);
                let sum = if block.accumulate { _mm512_add_ps(_mm512_maskz_loadu_ps(masks[v], c), *sum) } else { *sum };
                _mm512_mask_storeu_ps(c, masks[v], sum);
            }
        }
    }
}

/// # Safety
/// As [`InstructionSet::run`], `R` rows, `V` vectors of 8 of which the last may be partly used.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const R: usize, const V: usize>(block: &Block) {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_set1_ps,
        _mm256_setzero_ps,
    };
    const LANES: usize = 8;
    /// Eight lanes on, then eight off: a window of it switches the first few on.
    const SWITCHES: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    let last = block.cols - (V - 1) * LANES;
    let mut sums = [[_mm256_setzero_ps(); V]; R];
    // SAFETY: within the buffers by the caller's promise; masked lanes are neither read nor written; the window of
    // SWITCHES lies inside it since `last` is 1 to 8.
    unsafe {
        let masks: [_; V] = std::array::from_fn(|v| {
            let on = if v + 1 < V { LANES } else { last };
            _mm256_loadu_si256(SWITCHES.as_ptr().wrapping_add(LANES - on).cast())
        });
        let (mut a, mut b) = (block.a, block.b);
        for _ in 0..block.depth {
            let right: [_; V] = std::array::from_fn(|v| _mm256_maskload_ps(b.wrapping_add(v * LANES), masks[v]));
            for (i, row) in sums.iter_mut().enumerate() {
                let left = _mm256_set1_ps(*a.wrapping_add(i * block.a_strides.0));
                for (sum, right) in row.iter_mut().zip(&right) {
                    *sum = _mm256_fmadd_ps(left, *right, *sum);
                }
            }
            a = a.wrapping_add(block.a_strides.1);
            b = b.wrapping_add(block.b_stride);
        }
        for (i, row) in sums.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                let c = block.c.add(i * block.c_stride + v * LANES);
                let sum = if block.accumulate { _mm256_add_ps(_mm256_maskload_ps(c, masks[v]), *sum) } else { *sum };
                _mm256_maskstore_ps(c, masks[v], sum);
            }
        }
    }
}

/// # Safety
/// As [`InstructionSet::run`], `R` rows, `V` vectors of 4 of which the last may be partly used.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn neon<const R: usize, const V: usize>(block: &Block) {
    use std::arch::aarch64::{float32x4_t, vaddq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};
    const LANES: usize = 4;
    let last = block.cols - (V - 1) * LANES;
    // SAFETY: `count` values lie within the buffer by the caller's promise; a part of a vector goes through a buffer of
    // its own, so that no value beyond is touched.
    let load = |from: *const f32, count: usize| -> float32x4_t {
        unsafe {
            if count == LANES {
                return vld1q_f32(from);
            }
            let mut part = [0.0f32; LANES];
            std::ptr::copy_nonoverlapping(from, part.as_mut_ptr(), count);
            vld1q_f32(part.as_ptr())
        }
    };
    let used = |v: usize| if v + 1 < V { LANES } else { last };
    let mut sums = [[vdupq_n_f32(0.0); V]; R];
    // SAFETY: as above.
    unsafe {
        let (mut a, mut b) = (block.a, block.b);
        for _ in 0..block.depth {
            let right: [_; V] = std::array::from_fn(|v| load(b.wrapping_add(v * LANES), used(v)));
            for (i, row) in sums.iter_mut().enumerate() {
                let left = vdupq_n_f32(*a.wrapping_add(i * block.a_strides.0));
                for (sum, right) in row.iter_mut().zip(&right) {
                    *sum = vfmaq_f32(*sum, left, *right);
                }
            }
            a = a.wrapping_add(block.a_strides.1);
            b = b.wrapping_add(block.b_stride);
        }
        for (i, row) in sums.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                let c = block.c.add(i * block.c_stride + v * LANES);
                let sum = if block.accumulate { vaddq_f32(load(c, used(v)), *sum) } else { *sum };
                if used(v) == LANES {
                    vst1q_f32(c, sum);
                } else {
                    let mut part = [0.0f32; LANES];
                    vst1q_f32(part.as_mut_ptr(), sum);
                    std::ptr::copy_nonoverlapping(part.as_ptr(), c, last);
                }
            }
        }
    }
}

/// # Safety
/// As [`InstructionSet::run`].
unsafe fn portable(block: &Block) {
    const COLS: usize = 12;
    let mut sums = [[0.0f32; COLS]; 4];
    let rows = block.rows.min(sums.len());
    let cols = block.cols.min(COLS);
    // SAFETY: within the buffers by the caller's promise.
    unsafe {
        for k in 0..block.depth {
            let right = std::slice::from_raw_parts(block.b.add(k * block.b_stride), cols);
            for (i, row) in sums.iter_mut().enumerate().take(rows) {
                let left = *block.a.add(i * block.a_strides.0 + k * block.a_strides.1);
                for (sum, right) in row.iter_mut().zip(right) {
                    *sum = multiply_add(left, *right, *sum);
                }
            }
        }
        for (i, row) in sums.iter().enumerate().take(rows) {
            let c = std::slice::from_raw_parts_mut(block.c.add(i * block.c_stride), cols);
            for (c, sum) in c.iter_mut().zip(row) {
                *c = if block.accumulate { *c + sum } else { *sum };
            }
        }
    }
}

/// Fused where the processor has it: in software it would take a hundred times as long.
fn multiply_add(left: f32, right: f32, sum: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
        left.mul_add(right, sum)
    } else {
        left * right + sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..len).map(|_| next()).collect()
    }

    fn sets() -> Vec<InstructionSet> {
        let mut sets = vec![InstructionSet::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(InstructionSet::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                sets.push(InstructionSet::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        sets.push(InstructionSet::Neon);
        sets
    }

    /// One chain of fused multiply-adds in the order of k, added once.
    fn expected(a: &[f32], b: &[f32], c: &mut [f32], (rows, cols, depth): (usize, usize, usize), accumulate: bool) {
        for i in 0..rows {
            for j in 0..cols {
                let sum = (0..depth).fold(0.0, |sum, k| a[i * depth + k].mul_add(b[k * cols + j], sum));
                c[i * cols + j] = if accumulate { c[i * cols + j] + sum } else { sum };
            }
        }
    }

    #[test]
    fn every_block_size_of_every_instruction_set_is_the_chain_of_fused_multiply_adds() {
        for set in sets() {
            for rows in 1..=set.rows() {
                for cols in 1..=set.columns() {
                    for accumulate in [false, true] {
                        let depth = 37;
                        let (a, b) = (values(rows * depth, 1), values(depth * cols, 2));
                        let (mut c, mut want) = (values(rows * cols, 3), values(rows * cols, 3));
                        expected(&a, &b, &mut want, (rows, cols, depth), accumulate);
                        let block = Block {
                            a: a.as_ptr(),
                            a_strides: (depth, 1),
                            b: b.as_ptr(),
                            b_stride: cols,
                            c: c.as_mut_ptr(),
                            c_stride: cols,
                            rows,
                            cols,
                            depth,
                            accumulate,
                        };
                        // SAFETY: the strides describe the vectors above; the set was detected.
                        unsafe { set.run(&block) };
                        let fused = set != InstructionSet::Portable || cfg!(target_arch = "aarch64");
                        let near = |(x, y): (&f32, &f32)| (x - y).abs() < 1e-5;
                        assert!(c.iter().zip(&want).all(near), "{set:?} {rows} x {cols}");
                        assert!(!fused || c == want, "{set:?} {rows} x {cols}: other bytes");
                    }
                }
            }
        }
    }

    #[test]
    fn columns_are_cut_into_even_blocks_of_whole_vectors() {
        for set in sets() {
            for cols in 1..200 {
                let width = set.even_width(cols);
                assert!(width <= set.columns() && width % set.lanes() == 0 && width > 0, "{set:?} {cols}: {width}");
                assert_eq!(cols.div_ceil(width), cols.div_ceil(set.columns()), "{set:?} {cols}");
            }
        }
    }
}
