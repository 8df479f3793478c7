//! After its first frame the compiled executor allocates nothing large.

#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use percept_kernels::executor::cpu::{CpuExecutor, EmptyCells, Keep};
use percept_kernels::parameters::initialise;
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::plan::{BatchNorm, CanvasSize, Conv, Deconv, PillarEncoder, Plan, PlanBuilder};

/// Anything from here on is a buffer; below are the thread pool's own queues.
const LARGE_BYTES: usize = 4096;

static LARGE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE_BYTES {
            LARGE.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn plan() -> Plan {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 60, nx: 108 });
    let encoder = PillarEncoder {
        point_features: 10,
        channels: 32,
        max_points_per_voxel: 8,
        weight: "pfn".into(),
        norm: BatchNorm::new("pfn.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    let a = plan.conv(canvas, Conv::new("a", 32, 3).stride(2).padding(1).batch_norm("a.norm").relu()).unwrap();
    let b = plan.conv(a, Conv::new("b", 64, 3).stride(2).padding(1).batch_norm("b.norm").relu()).unwrap();
    let a = plan.conv(a, Conv::new("c", 32, 3).padding(1).batch_norm("c.norm").relu()).unwrap();
    let up_a = plan.deconv(a, Deconv::new("ua", 32, 1).relu()).unwrap();
    let up_b = plan.deconv(b, Deconv::new("ub", 32, 2).relu()).unwrap();
    let features = plan.concat(&[up_a, up_b]).unwrap();
    let out = plan.conv(features, Conv::new("out", 18, 1)).unwrap();
    plan.output("out", out).unwrap();
    plan.build().unwrap()
}

/// Two frames whose pillars lie elsewhere.
fn coords(frame: u32) -> Vec<[u32; 3]> {
    let cells = (0..1500).map(|p| if frame == 0 { 4 * p } else { 2 * p + 1 });
    cells.map(|cell| [0, cell / 108, cell % 108]).collect()
}

#[test]
fn the_second_frame_allocates_no_buffer() {
    let plan = plan();
    for empty_cells in [EmptyCells::Skip, EmptyCells::Compute] {
        let parameters = initialise(&plan, 1);
        let mut executor = CpuExecutor::compile_for(&plan, &parameters, Keep::Outputs, empty_cells).unwrap();
        let frames = [coords(0), coords(1)];
        let num_pillars = 1500;
        let features = vec![0.5; num_pillars * 4 * 10];
        let offsets: Vec<u32> = (0..=num_pillars as u32).map(|p| 4 * p).collect();
        let input =
            |coords| PillarInput { features: &features, point_features: 10, offsets: &offsets, coords, batch: 1 };
        let before = LARGE.load(Ordering::Relaxed);
        // No map here is a multiple of a panel's columns, so a product that packs its last panel would show.
        executor.run(&input(&frames[0])).unwrap();
        assert!(LARGE.load(Ordering::Relaxed) > before, "the first frame must be seen by the counter");
        executor.run(&input(&frames[1])).unwrap();
        let warm = LARGE.load(Ordering::Relaxed);
        for turn in 0..10 {
            executor.run(&input(&frames[turn % 2])).unwrap();
        }
        assert_eq!(LARGE.load(Ordering::Relaxed), warm, "{empty_cells:?}");
    }
}
