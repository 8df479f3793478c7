//! A GPU behind NVIDIA's driver, which is opened at run time through cudarc.
//!
//! One context, one stream. Only calls of CUDA 11.4 are made (of cudarc's table those that any driver which passes the
//! version check has): a missing symbol would panic when first called.
#![allow(unsafe_code)] // A C interface: every call states below what makes it valid.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::{DriverError, result, sys};

use super::{DeviceError, Kernel, Launch, Prepared, RawDevice};

/// CUDA 12.2, whose PTX (ISA 8.2) the kernels are; as `cuDriverGetVersion` counts.
const NEEDED_VERSION: i32 = 12_020;

/// A GPU with its context and stream.
#[derive(Debug)]
pub(super) struct Gpu {
    device: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    name: String,
    modules: Mutex<HashMap<*const u8, sys::CUmodule>>,
    this: std::sync::Weak<Self>,
}

// SAFETY: contexts, streams and modules of the driver may be used from any thread in which the context is current, and
// every method makes it current first; the table of modules is behind a lock.
unsafe impl Send for Gpu {}
// SAFETY: as above; the driver locks its own structures.
unsafe impl Sync for Gpu {}

impl Gpu {
    pub fn open(ordinal: usize) -> Result<Arc<Self>, DeviceError> {
        // SAFETY: looks for the library and touches nothing of ours. Without it every further call would panic.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceError::NoDriver);
        }
        let refused = |call| move |error: DriverError| translate(call, error);
        match result::init() {
            Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => {
                return Err(DeviceError::NoSuchGpu { ordinal, count: 0 });
            }
            other => other.map_err(refused("cuInit"))?,
        }
        check_version()?;
        let count = usize::try_from(result::device::get_count().map_err(refused("cuDeviceGetCount"))?).unwrap_or(0);
        let number = i32::try_from(ordinal).ok().filter(|_| ordinal < count);
        let number = number.ok_or(DeviceError::NoSuchGpu { ordinal, count })?;
        let device = result::device::get(number).map_err(refused("cuDeviceGet"))?;
        let name = result::device::get_name(device).map_err(refused("cuDeviceGetName"))?;
        check_capability(device, &name)?;
        // SAFETY: `device` was just given by the driver; the context is released in `drop`.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(refused("cuDevicePrimaryCtxRetain"))?;
        // SAFETY: the context is retained until `drop`.
        unsafe { result::ctx::set_current(context) }.map_err(refused("cuCtxSetCurrent"))?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
        let stream = stream.map_err(refused("cuStreamCreate"))?;
        let name = format!("cuda:{ordinal}, {name}");
        Ok(Arc::new_cyclic(|this| Self {
            device,
            context,
            stream,
            name,
            modules: Mutex::default(),
            this: this.clone(),
        }))
    }

    /// Makes the context current in this thread.
    fn bind(&self) -> Result<(), DeviceError> {
        // SAFETY: the context is retained until `drop`.
        unsafe { result::ctx::set_current(self.context) }.map_err(|error| translate("cuCtxSetCurrent", error))
    }

    fn function(&self, kernel: Kernel) -> Result<sys::CUfunction, DeviceError> {
        let of_kernel = |reason: String| DeviceError::Kernel { kernel: kernel.name.to_owned(), reason };
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let module = match modules.get(&kernel.ptx.as_ptr()) {
            Some(module) => *module,
            None => {
                let ptx = CString::new(kernel.ptx).map_err(|error| of_kernel(error.to_string()))?;
                // SAFETY: PTX that ends in a NUL, which the driver reads before it returns.
                let module = unsafe { result::module::load_data(ptx.as_ptr().cast()) }
                    .map_err(|error| translate_load(kernel, error))?;
                modules.insert(kernel.ptx.as_ptr(), module);
                module
            }
        };
        let name = CString::new(kernel.name).map_err(|error| of_kernel(error.to_string()))?;
        // SAFETY: the module stays loaded until `drop`.
        unsafe { result::module::get_function(module, name) }.map_err(|error| of_kernel(describe(error)))
    }

    fn launch(&self, launch: &Launch) -> Result<(), DeviceError> {
        let function = self.function(launch.kernel)?;
        let [x, y, z] = launch.grid;
        let mut pointers = launch.arguments.pointers();
        // SAFETY: launches are made by this crate's operations, each beside its kernel, with arguments of the kernel's
        // types and buffers that outlive the program; the driver copies the arguments before it returns.
        unsafe { result::launch_kernel(function, (x, y, z), (launch.block, 1, 1), 0, self.stream, &mut pointers) }
            .map_err(|error| translate(launch.kernel.name, error))
    }

    fn capture(&self, launches: &[Launch]) -> Result<Graph, DeviceError> {
        let gpu = self.this.upgrade().ok_or(DeviceError::NoDriver)?;
        // Modules load before the capture, during which the driver allows no such call.
        for launch in launches {
            self.function(launch.kernel)?;
        }
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream lives until `drop`; nothing else is queued on it meanwhile, since this thread does it all.
        unsafe { result::stream::begin_capture(self.stream, mode) }
            .map_err(|error| translate("cuStreamBeginCapture", error))?;
        let launched = launches.iter().try_for_each(|launch| self.launch(launch));
        // SAFETY: ends the capture that was begun above, whether its launches succeeded or not.
        let graph = unsafe { result::stream::end_capture(self.stream) };
        launched?;
        let graph = graph.map_err(|error| translate("cuStreamEndCapture", error))?;
        // SAFETY: a graph that was just captured, and is destroyed once, here.
        let executable = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) };
        // SAFETY: as above; what was instantiated does not need it.
        let destroyed = unsafe { result::graph::destroy(graph) };
        let executable = executable.map_err(|error| translate("cuGraphInstantiate", error))?;
        let graph = Graph { gpu, executable };
        destroyed.map_err(|error| translate("cuGraphDestroy", error))?;
        Ok(graph)
    }
}

impl RawDevice for Gpu {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        self.bind()?;
        let translated = |call| {
            move |error: DriverError| match error {
                DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY) => DeviceError::OutOfMemory { bytes },
                error => translate(call, error),
            }
        };
        // SAFETY: the context is current; `Buffer` frees what is given here once.
        let address = unsafe { result::malloc_sync(bytes) }.map_err(translated("cuMemAlloc"))?;
        // SAFETY: memory of this size that was just given.
        let zeroed = unsafe { result::memset_d8_async(address, 0, bytes, self.stream) };
        match zeroed {
            Ok(()) => Ok(address),
            Err(error) => {
                self.free(address, bytes);
                Err(translate("cuMemsetD8Async", error))
            }
        }
    }

    fn free(&self, address: u64, _bytes: usize) {
        // Nothing can be done about a failure here, and what caused it fails the next call as well.
        if self.bind().is_ok() {
            // SAFETY: an address of `allocate`, freed once; the driver waits for work that uses it.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    fn upload(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: `Buffer` checked the size. From memory that is not pinned the driver copies to a place of its own
        // before it returns, so the bytes need not stay.
        unsafe { result::memcpy_htod_async(address, bytes, self.stream) }
            .map_err(|error| translate("cuMemcpyHtoDAsync", error))
    }

    fn download(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: `Buffer` checked the size; the bytes are borrowed until the stream has been waited for, below.
        let copied = unsafe { result::memcpy_dtoh_async(bytes, address, self.stream) };
        // SAFETY: the stream lives until `drop`.
        let finished = unsafe { result::stream::synchronize(self.stream) };
        copied.map_err(|error| translate("cuMemcpyDtoHAsync", error))?;
        finished.map_err(|error| translate("cuStreamSynchronize", error))
    }

    fn prepare(&self, launches: Vec<Launch>) -> Result<Box<dyn Prepared>, DeviceError> {
        self.bind()?;
        Ok(Box::new(self.capture(&launches)?))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        if self.bind().is_err() {
            return;
        }
        // SAFETY: made in `open` or `function`, given back once; graphs and buffers hold the device, so none is left.
        unsafe {
            for (_, module) in self.modules.lock().unwrap_or_else(PoisonError::into_inner).drain() {
                let _ = result::module::unload(module);
            }
            let _ = result::stream::destroy(self.stream);
            let _ = result::primary_ctx::release(self.device);
        }
    }
}

/// A captured program.
#[derive(Debug)]
struct Graph {
    gpu: Arc<Gpu>,
    executable: sys::CUgraphExec,
}

// SAFETY: used by one thread at a time (it is not Sync), with the context current.
unsafe impl Send for Graph {}

impl Prepared for Graph {
    fn run(&self) -> Result<(), DeviceError> {
        self.gpu.bind()?;
        // SAFETY: both live as long as `self`.
        unsafe { result::graph::launch(self.executable, self.gpu.stream) }
            .map_err(|error| translate("cuGraphLaunch", error))
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.gpu.bind().is_ok() {
            // SAFETY: made in `capture`, given back once.
            let _ = unsafe { result::graph::exec_destroy(self.executable) };
        }
    }
}

fn check_version() -> Result<(), DeviceError> {
    let mut version = 0;
    // SAFETY: writes one number.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }
        .result()
        .map_err(|error| translate("cuDriverGetVersion", error))?;
    if version >= NEEDED_VERSION {
        return Ok(());
    }
    Err(DeviceError::DriverTooOld { found: format!("{}.{}", version / 1000, version % 1000 / 10), needed: "12.2" })
}

fn check_capability(device: sys::CUdevice, name: &str) -> Result<(), DeviceError> {
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
    };
    let attribute = |which| {
        // SAFETY: a device that the driver gave.
        unsafe { result::device::get_attribute(device, which) }
            .map_err(|error| translate("cuDeviceGetAttribute", error))
    };
    let (major, minor) = (attribute(MAJOR)?, attribute(MINOR)?);
    if major >= 8 {
        return Ok(());
    }
    Err(DeviceError::TooOld { name: name.to_owned(), found: format!("{major}.{minor}") })
}

fn describe(error: DriverError) -> String {
    match error.error_string() {
        Ok(text) => format!("{} ({})", text.to_string_lossy(), error.0 as u32),
        Err(_) => format!("error {}", error.0 as u32),
    }
}

fn translate(call: &'static str, error: DriverError) -> DeviceError {
    use sys::CUresult as Code;
    let reason = describe(error);
    match error.0 {
        Code::CUDA_ERROR_OUT_OF_MEMORY => DeviceError::OutOfMemory { bytes: 0 },
        // After these the context is lost.
        Code::CUDA_ERROR_ECC_UNCORRECTABLE
        | Code::CUDA_ERROR_ILLEGAL_ADDRESS
        | Code::CUDA_ERROR_LAUNCH_TIMEOUT
        | Code::CUDA_ERROR_ASSERT
        | Code::CUDA_ERROR_HARDWARE_STACK_ERROR
        | Code::CUDA_ERROR_ILLEGAL_INSTRUCTION
        | Code::CUDA_ERROR_MISALIGNED_ADDRESS
        | Code::CUDA_ERROR_INVALID_ADDRESS_SPACE
        | Code::CUDA_ERROR_INVALID_PC
        | Code::CUDA_ERROR_LAUNCH_FAILED
        | Code::CUDA_ERROR_CONTEXT_IS_DESTROYED
        | Code::CUDA_ERROR_DEINITIALIZED => DeviceError::Sticky { call, reason },
        _ => DeviceError::Driver { call, reason },
    }
}

fn translate_load(kernel: Kernel, error: DriverError) -> DeviceError {
    match error.0 {
        sys::CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => {
            DeviceError::DriverTooOld { found: "an older one".to_owned(), needed: "12.2" }
        }
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => DeviceError::OutOfMemory { bytes: kernel.ptx.len() },
        _ => DeviceError::Kernel { kernel: kernel.name.to_owned(), reason: describe(error) },
    }
}
