//! Checkpoints of `torch.save`, both serialisations, read without executing anything.
//! The files and their generator lie in `golden/import`.
#![allow(clippy::unwrap_used)]

use percept_kernels::parameters::{HostTensor, ParameterMap};
use percept_models::import::{ImportError, read_tensors};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

fn ramp(start: f32, count: usize) -> Vec<f32> {
    (0..count).map(|i| i as f32 / 8.0 + start).collect()
}

fn picked(start: f32, indices: &[usize]) -> Vec<f32> {
    indices.iter().map(|i| *i as f32 / 8.0 + start).collect()
}

fn assert_all_tensors(tensors: &ParameterMap) {
    let expected: [(&str, &[usize], Vec<f32>); 11] = [
        ("plain", &[2, 3], ramp(1.0, 6)),
        ("transposed", &[4, 3], picked(2.0, &[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])),
        ("slice", &[2, 2], picked(3.0, &[6, 7, 10, 11])),
        ("half", &[5], ramp(4.0, 5)),
        ("bfloat", &[4], ramp(5.0, 4)),
        ("double", &[3], ramp(6.0, 3)),
        ("counter", &[], vec![77.0]),
        ("parameter", &[2, 2], ramp(7.0, 4)),
        ("empty", &[0, 4], vec![]),
        ("shared_a", &[4], ramp(8.0, 4)),
        ("shared_b", &[4], picked(8.0, &[2, 3, 4, 5])),
    ];
    assert_eq!(tensors.len(), expected.len(), "{:?}", tensors.keys());
    for (name, shape, values) in expected {
        assert_eq!(tensors[name], HostTensor { shape: shape.to_vec(), data: values }, "{name}");
    }
}

#[test]
fn the_zip_serialisation_is_read_with_every_number_type_and_stride() {
    assert_all_tensors(&read_tensors(&bytes("pcdet_zip.pth")).unwrap());
}

#[test]
fn the_stream_written_before_torch_1_6_is_read_alike() {
    assert_all_tensors(&read_tensors(&bytes("pcdet_legacy.pth")).unwrap());
}

#[test]
fn a_bare_table_in_a_newer_pickle_protocol_is_read_alike() {
    assert_all_tensors(&read_tensors(&bytes("bare_protocol4.pth")).unwrap());
}

#[test]
fn the_table_of_a_real_module_is_read_from_both_serialisations() {
    let zip = read_tensors(&bytes("mmdet_zip.pth")).unwrap();
    assert_eq!(zip, read_tensors(&bytes("mmdet_legacy.pth")).unwrap());
    assert_eq!(zip["0.weight"], HostTensor { shape: vec![2, 1, 1, 1], data: ramp(9.0, 2) });
    assert_eq!(zip["1.num_batches_tracked"].data, [0.0]);
    assert_eq!(zip.len(), 7);
}

#[test]
fn a_checkpoint_that_would_run_code_is_read_and_nothing_runs() {
    let tensors = read_tensors(&bytes("malicious_zip.pth")).unwrap();
    assert_eq!(tensors["weight"].data, ramp(1.0, 2));
    assert!(!Path::new("percept_was_here").exists() && !golden("percept_was_here").exists());
}

#[test]
fn a_pickle_of_something_else_is_refused_by_name() {
    let error = read_tensors(&bytes("not_torch.pkl")).unwrap_err();
    assert!(error.to_string().contains("magic number"), "{error}");
    assert!(matches!(read_tensors(b"hello, world"), Err(ImportError::UnknownSerialisation { .. })));
    assert!(matches!(read_tensors(b""), Err(ImportError::UnknownSerialisation { .. })));
}

#[test]
fn a_checkpoint_cut_off_anywhere_is_refused_without_a_panic() {
    for name in ["pcdet_zip.pth", "pcdet_legacy.pth"] {
        let whole = bytes(name);
        for end in 0..whole.len() {
            assert!(read_tensors(&whole[..end]).is_err(), "{name} cut at {end} was accepted");
        }
    }
}

#[test]
fn a_checkpoint_with_any_byte_changed_never_panics() {
    for name in ["pcdet_zip.pth", "pcdet_legacy.pth", "bare_protocol4.pth"] {
        let whole = bytes(name);
        for position in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[position] ^= flip;
                drop(read_tensors(&changed));
            }
        }
    }
}
