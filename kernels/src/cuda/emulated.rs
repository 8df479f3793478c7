//! The kernels' own sources, compiled by the machine's C++ compiler against `kernels/emulator/` and run on the CPU.
#![allow(unsafe_code)] // A C interface: every call states below what makes it valid.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use super::{DeviceError, EmulatedOrder, Launch, Prepared, RawDevice};

type LaunchKernel = unsafe extern "C" fn(*const c_char, *const c_uint, c_uint, *const *mut c_void, c_uint) -> c_int;
type Allocate = unsafe extern "C" fn(usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void, usize);

/// The loaded library and its entries.
#[derive(Debug)]
struct Library {
    launch: LaunchKernel,
    allocate: Allocate,
    free: Free,
    /// Keeps the entries valid.
    _library: libloading::Library,
}

/// Why there is no emulator.
pub(super) enum OpenError {
    /// The machine has no C++ compiler.
    NoCompiler(String),
    /// It refused the sources, or the result cannot be loaded.
    Failed(String),
}

impl From<String> for OpenError {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// The emulator.
#[derive(Clone, Debug)]
pub(super) struct Emulator {
    library: Arc<Library>,
    order: EmulatedOrder,
}

impl Emulator {
    pub fn open(order: EmulatedOrder) -> Result<Self, OpenError> {
        static LIBRARY: Mutex<Option<Arc<Library>>> = Mutex::new(None);
        let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        let library = match &*library {
            Some(library) => Arc::clone(library),
            None => {
                let loaded = load(&build()?).map_err(OpenError::Failed)?;
                Arc::clone(library.insert(Arc::new(loaded)))
            }
        };
        Ok(Self { library, order })
    }
}

fn failed(kernel: &str, reason: String) -> DeviceError {
    DeviceError::Kernel { kernel: kernel.to_owned(), reason }
}

/// Compiles the sources unless they were, and says where the library is.
fn build() -> Result<PathBuf, OpenError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = files(&root.join("src"))?;
    sources.extend(files(&root.join("emulator"))?);
    let mut hasher = DefaultHasher::new();
    for path in &sources {
        fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?.hash(&mut hasher);
    }
    let folder = std::env::temp_dir();
    let library = folder.join(format!("percept-emulator-{:016x}.so", hasher.finish()));
    if library.exists() {
        return Ok(library);
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_owned());
    let unfinished = folder.join(format!("percept-emulator-{}-unfinished.so", std::process::id()));
    let is_unit = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "cu" || ending == "cpp");
    let output = Command::new(&compiler)
        .args(["-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-fPIC", "-shared"])
        .args(["-Wno-unknown-pragmas", "-include", "emulator/emulator.h", "-I", "src", "-x", "c++"])
        .args(sources.iter().filter(is_unit))
        .arg("-o")
        .arg(&unfinished)
        .current_dir(root)
        .output()
        .map_err(|error| OpenError::NoCompiler(format!("{compiler}: {error}: a C++ compiler is needed (CXX)")))?;
    if !output.status.success() {
        return Err(format!("{compiler}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    fs::rename(&unfinished, &library).map_err(|error| error.to_string())?;
    Ok(library)
}

/// Sources below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let list = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut found = Vec::new();
    for path in list(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ["cu", "cuh", "cpp", "h"].iter().any(|known| ending == *known))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn load(path: &Path) -> Result<Library, String> {
    let text = |error: libloading::Error| error.to_string();
    // SAFETY: a library that was built from this crate's sources; its constructors fill a table of kernels.
    let library = unsafe { libloading::Library::new(path) }.map_err(text)?;
    // SAFETY: the types are those of emulator.cpp; the library is kept beside the entries.
    unsafe {
        Ok(Library {
            launch: *library.get::<LaunchKernel>(b"emulator_launch\0").map_err(text)?,
            allocate: *library.get::<Allocate>(b"emulator_allocate\0").map_err(text)?,
            free: *library.get::<Free>(b"emulator_free\0").map_err(text)?,
            _library: library,
        })
    }
}

impl RawDevice for Emulator {
    fn name(&self) -> String {
        "emulated CUDA".to_owned()
    }

    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        // SAFETY: takes any size; null where there is no memory.
        let memory = unsafe { (self.library.allocate)(bytes) };
        if memory.is_null() { Err(DeviceError::OutOfMemory { bytes }) } else { Ok(memory as u64) }
    }

    fn free(&self, address: u64, bytes: usize) {
        // SAFETY: an address of `allocate` with its size, freed once by `Buffer`.
        unsafe { (self.library.free)(address as *mut c_void, bytes) }
    }

    fn upload(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        // SAFETY: `Buffer` checked the size; two allocations never overlap.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        Ok(())
    }

    fn download(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        // SAFETY: as in `upload`.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn prepare(&self, launches: Vec<Launch>) -> Result<Box<dyn Prepared>, DeviceError> {
        Ok(Box::new(Recorded { emulator: self.clone(), launches }))
    }
}

#[derive(Debug)]
struct Recorded {
    emulator: Emulator,
    launches: Vec<Launch>,
}

impl Prepared for Recorded {
    fn run(&self) -> Result<(), DeviceError> {
        let order = match self.emulator.order {
            EmulatedOrder::Forward => 0,
            EmulatedOrder::Backward => 3,
        };
        for launch in &self.launches {
            let name = CString::new(launch.kernel.name).map_err(|e| failed(launch.kernel.name, e.to_string()))?;
            let pointers = launch.arguments.pointers();
            // SAFETY: launches are made beside their kernels with arguments of the kernels' types; buffers outlive them.
            let result = unsafe {
                (self.emulator.library.launch)(
                    name.as_ptr(),
                    launch.grid.as_ptr(),
                    launch.block,
                    pointers.as_ptr(),
                    order,
                )
            };
            match result {
                0 => {}
                1 => return Err(failed(launch.kernel.name, "EXPORT_KERNEL is missing".to_owned())),
                _ => return Err(failed(launch.kernel.name, "a barrier that not all threads reach".to_owned())),
            }
        }
        Ok(())
    }
}
