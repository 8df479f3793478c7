//! Whole networks imported from checkpoints of three generations. The files and their generator lie in `golden/import`.
#![allow(clippy::unwrap_used)]

use percept_models::import::{ImportError, ImportOptions, Toolbox, import_checkpoint, read_tensors};
use percept_models::pointpillars::{AnchorConvention, DecodeRule, GridPreset, PfnLayout};
use std::path::Path;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import").join(name)).unwrap()
}

#[test]
fn a_checkpoint_of_openpcdet_brings_its_conventions() {
    let imported = import_checkpoint(&bytes("network_pcdet.pth"), &ImportOptions::default()).unwrap();
    assert_eq!(imported.toolbox, Toolbox::Openpcdet);
    let raw = imported.config.raw();
    assert_eq!(raw.class_names, ["Car", "Pedestrian", "Cyclist"]);
    assert_eq!((raw.pfn_layout, raw.anchor_convention), (PfnLayout::Pcdet10, AnchorConvention::EndsIncluded));
    assert_eq!(raw.decode.rule, DecodeRule::ClassAgnostic);
    assert_eq!((raw.widths.pillar_features, raw.widths.stages, raw.widths.stage_depths), (4, [4; 3], [1; 3]));
    let source = read_tensors(&bytes("network_pcdet.pth")).unwrap();
    for (name, tensor) in &imported.parameters {
        assert_eq!(tensor, &source[name], "{name}");
    }
    assert!(!imported.parameters.keys().any(|name| name.contains("num_batches") || name == "global_step"));
}

#[test]
fn checkpoints_of_both_generations_of_mmdetection3d_are_told_apart() {
    let newer = import_checkpoint(&bytes("network_mmdet1.pth"), &ImportOptions::default()).unwrap();
    assert_eq!((newer.toolbox, newer.config.pfn_layout()), (Toolbox::Mmdetection3d1, PfnLayout::Mm10Legacy));
    assert_eq!(newer.config.class_names(), ["Pedestrian", "Cyclist", "Car"]);
    assert_eq!(newer.config.raw().anchor_convention, AnchorConvention::CellCentres);
    let older = import_checkpoint(&bytes("network_mmdet0.pth"), &ImportOptions::default()).unwrap();
    assert_eq!((older.toolbox, older.config.pfn_layout()), (Toolbox::Mmdetection3d0, PfnLayout::Mm9Legacy));
    assert!((newer.config.direction_offset_rad() + std::f64::consts::FRAC_PI_2).abs() < 1e-12);
    let source = read_tensors(&bytes("network_mmdet0.pth")).unwrap();
    let (turned, plain) = (&older.parameters["dense_head.conv_cls.bias"].data, &source["bbox_head.conv_cls.bias"].data);
    assert_eq!((&turned[..3], &turned[3..6]), (&plain[3..6], &plain[..3]), "the anchors of a class change places");
}

#[test]
fn options_that_contradict_the_checkpoint_are_refused_by_name() {
    let import = |options: &ImportOptions| import_checkpoint(&bytes("network_pcdet.pth"), options).unwrap_err();
    let error = import(&ImportOptions { toolbox: Some(Toolbox::Mmdetection3d1), ..Default::default() });
    assert!(error.to_string().contains("toolbox"), "{error}");
    let error = import(&ImportOptions { pfn_layout: Some(PfnLayout::Mm9Legacy), ..Default::default() });
    assert!(matches!(&error, ImportError::Shape { name, .. } if name.contains("linear.weight")), "{error}");
    let error = import(&ImportOptions { class_names: Some(vec!["Car".into()]), ..Default::default() });
    assert!(matches!(&error, ImportError::Shape { name, .. } if name.contains("conv_box")), "{error}");
    let error = import_checkpoint(&bytes("pcdet_zip.pth"), &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::NotPointPillars { .. }), "{error}");
}

#[test]
fn a_checkpoint_may_be_put_on_the_surround_grid() {
    let options = ImportOptions { grid: Some(GridPreset::Surround), ..Default::default() };
    let imported = import_checkpoint(&bytes("network_pcdet.pth"), &options).unwrap();
    assert_eq!(imported.config.grid().shape(), [640, 640, 1]);
}
