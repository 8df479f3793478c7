//! A kernel, its grid and its arguments, as data.

use super::Buffer;

/// A kernel by name, with the PTX that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kernel {
    /// The entry.
    pub name: &'static str,
    /// PTX of its module; one module a folder of operations.
    pub ptx: &'static str,
}

/// Arguments of a launch: values of 4 or 8 bytes and structures of such, each at an address of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    /// Aligned to 8 bytes, as kernels' parameters are at most.
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl Arguments {
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer's address.
    pub fn buffer(self, buffer: &Buffer) -> Self {
        self.address(buffer.address())
    }

    /// The address of a part of a buffer.
    pub fn at(self, buffer: &Buffer, offset_bytes: usize) -> Self {
        self.address(buffer.address() + offset_bytes as u64)
    }

    fn address(self, address: u64) -> Self {
        self.value(address)
    }

    /// A number or structure by value.
    pub fn value<T: bytemuck::Pod>(mut self, value: T) -> Self {
        let start = self.words.len();
        self.words.resize(start + size_of::<T>().div_ceil(8), 0);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words[start..]);
        bytes[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&value));
        self.starts.push(start);
        self
    }

    /// A size, which kernels take in 32 bits.
    pub fn size(self, value: usize) -> Self {
        self.value(u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// Pointers to each argument, as the driver wants them; valid as long as `self` is neither moved nor changed.
    pub fn pointers(&self) -> Vec<*mut std::ffi::c_void> {
        self.starts.iter().map(|start| self.words[*start..].as_ptr().cast_mut().cast()).collect()
    }
}

/// One launch.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub kernel: Kernel,
    /// Blocks along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub block: u32,
    pub arguments: Arguments,
}

impl Launch {
    /// Over a line of blocks.
    pub fn line(kernel: Kernel, blocks: usize, block: u32, arguments: Arguments) -> Self {
        Self { kernel, grid: [u32::try_from(blocks.max(1)).unwrap_or(u32::MAX), 1, 1], block, arguments }
    }
}

/// Blocks of `block` threads for `items`.
pub(crate) fn blocks(items: usize, block: u32) -> usize {
    items.div_ceil(block as usize)
}
