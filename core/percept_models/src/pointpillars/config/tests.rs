//! What a configuration refuses, by name.

use super::*;
use crate::ModelError;

fn refused(change: impl FnOnce(&mut RawPointPillarsConfig)) -> ModelError {
    let mut raw = RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti);
    change(&mut raw);
    PointPillarsConfig::try_from(raw).unwrap_err()
}

#[test]
fn the_presets_are_valid_and_their_grids_are_known() {
    for width in Width::ALL {
        let kitti = PointPillarsConfig::try_from(RawPointPillarsConfig::preset(width, GridPreset::Kitti)).unwrap();
        assert_eq!(kitti.grid().shape(), [432, 496, 1]);
        let surround = PointPillarsConfig::try_from(RawPointPillarsConfig::openpcdet(width, GridPreset::Surround));
        assert_eq!(surround.unwrap().grid().shape(), [640, 640, 1]);
    }
    assert_eq!(Width::from_name("4x"), Some(Width::Quarter));
    assert_eq!(GridPreset::from_name("surround"), Some(GridPreset::Surround));
    assert_eq!(Width::from_name("2x"), None);
}

#[test]
fn a_configuration_survives_json() {
    let raw = RawPointPillarsConfig::mmdetection3d(PfnLayout::Mm9Legacy, 0.0);
    let text = serde_json::to_string(&raw).unwrap();
    assert_eq!(serde_json::from_str::<RawPointPillarsConfig>(&text).unwrap(), raw);
}

#[test]
fn a_misspelt_key_is_refused() {
    let raw = RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti);
    let text = serde_json::to_string(&raw).unwrap().replace("max_pillars", "max_pilars");
    assert!(serde_json::from_str::<RawPointPillarsConfig>(&text).unwrap_err().to_string().contains("max_pilars"));
}

#[test]
fn a_nan_a_negative_voxel_and_a_grid_that_strides_do_not_divide_are_refused() {
    assert!(matches!(refused(|raw| raw.pillar_size_m[0] = -0.16), ModelError::Grid(_)));
    assert!(matches!(refused(|raw| raw.point_cloud_range_m[3] = f64::NAN), ModelError::Grid(_)));
    let odd = refused(|raw| raw.point_cloud_range_m[3] = 69.12 + 0.16 * 4.0);
    assert!(odd.to_string().contains("multiple of 8"), "{odd}");
    assert!(refused(|raw| raw.decode.score_threshold = f32::NAN).to_string().contains("decode.score_threshold"));
    assert!(refused(|raw| raw.max_pillars = 0).to_string().contains("max_pillars"));
    assert!(refused(|raw| raw.input.sensor_height_m = f64::NAN).to_string().contains("input.sensor_height_m"));
    let scale = refused(|raw| raw.input.intensity = IntensityTreatment::Used { scale: 0.0, clip: None });
    assert!(scale.to_string().contains("scale"));
}

#[test]
fn classes_and_anchors_that_do_not_belong_together_are_refused() {
    assert!(matches!(refused(|raw| raw.class_names[0] = "Van".into()), ModelError::AnchorClasses { .. }));
    assert!(matches!(refused(|raw| raw.class_names.push("Van".into())), ModelError::AnchorClasses { .. }));
    assert!(refused(|raw| raw.class_names[1] = "Car".into()).to_string().contains("class_names"));
    let flat = refused(|raw| raw.anchors.values_mut().for_each(|anchor| anchor.size_m[2] = 0.0));
    assert!(flat.to_string().contains("anchors.Car.size_m"), "{flat}");
    let inverted = refused(|raw| raw.anchors.values_mut().for_each(|anchor| anchor.negative_iou = 0.9));
    assert!(inverted.to_string().contains("negative_iou"), "{inverted}");
}
