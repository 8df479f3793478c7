//! Two made-up frames and the smallest network on a small grid.

use percept_models::pointpillars::{GridPreset, RawPointPillarsConfig, Width};
use percept_types::{Box3d, LabelledFrame, Occlusion, PointCloud, PointLayout, TruthObject};

/// A small grid for the smallest network: 96 x 96 pillars.
pub fn model() -> RawPointPillarsConfig {
    let mut raw = RawPointPillarsConfig::preset(Width::Sixteenth, GridPreset::Kitti);
    raw.point_cloud_range_m = [0.0, -7.68, -3.0, 15.36, 7.68, 1.0];
    raw
}

/// A car's shell of points and a pedestrian's, on sparse ground.
pub fn frame(seed: u64) -> LabelledFrame {
    let shift = seed as f64 * 2.3;
    let object = |class_name: &str, center_m, size_m, yaw_rad| TruthObject {
        class_name: class_name.into(),
        box3d: Box3d { center_m, size_m, yaw_rad },
        velocity_mps: [0.0; 2],
        instance_id: 1,
        num_points: 0,
        occlusion: Occlusion::Visible,
        truncation: 0.0,
        image_box: None,
    };
    let objects = vec![
        object("Car", [5.0 + shift, 3.0 - shift, -0.95], [4.1, 1.7, 1.5], 0.4 + shift),
        object("Pedestrian", [11.0, -5.0 + shift, -0.85], [0.8, 0.7, 1.75], 1.2),
    ];
    let mut values: Vec<f32> = Vec::new();
    for object in &objects {
        let (sin, cos) = object.box3d.yaw_rad.sin_cos();
        let [length, width, height] = object.box3d.size_m;
        for i in 0..240 {
            let turn = f64::from(i % 40) / 40.0 * std::f64::consts::TAU;
            let (along, across) = (turn.cos() * length * 0.49, turn.sin() * width * 0.49);
            let up = (f64::from(i / 40) / 6.0 - 0.45) * height;
            let center = object.box3d.center_m;
            let (x, y) = (center[0] + along * cos - across * sin, center[1] + along * sin + across * cos);
            values.extend([x as f32, y as f32, (center[2] + up) as f32, 0.2]);
        }
    }
    for i in 0..1600 {
        values.extend([(i % 40) as f32 * 0.4 + 0.2, (i / 40) as f32 * 0.4 - 7.9, -1.72, 0.1]);
    }
    let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
    LabelledFrame { cloud, point_labels: None, objects }
}
