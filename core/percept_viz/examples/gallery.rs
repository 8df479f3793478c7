//! Writes one of each picture, from made-up values: `cargo run -p percept_viz --example gallery -- FOLDER`.

use percept_types::{Box3d, Detection, Detections, Occlusion, PointCloud, PointLayout, TruthObject};
use percept_viz::bev::{BevOptions, Scene, Verdict, render_png};
use percept_viz::curves::{self, Plot, Series};
use percept_viz::report::{ApRow, ApTable, Count, Picture, Report, StageLatency, Tile, Tone};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: gallery FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("frame.png"), frame()?)?;
    std::fs::write(folder.join("curves.png"), curves::render_png(&training_curves(), 2)?)?;
    std::fs::write(folder.join("report.html"), report().to_html())?;
    Ok(())
}

/// A street: rings of ground, two walls, a few boxes.
fn frame() -> Result<Vec<u8>, Box<dyn Error>> {
    let ground = (0..40_000).map(|i| {
        let (ring, angle) = (f64::from(i % 64), f64::from(i) * 0.017);
        let radius_m = 3.0 + ring * ring * 0.012;
        [radius_m * angle.cos(), radius_m * angle.sin(), -1.7, 0.2]
    });
    let walls = (0..6_000).map(|i| {
        let x = f64::from(i % 600) * 0.15 - 20.0;
        [x, if i % 2 == 0 { 12.0 } else { -9.0 }, f64::from(i / 600) * 0.3 - 1.5, 0.6]
    });
    let values = ground.chain(walls).flatten().map(|v: f64| v as f32).collect();
    let cloud = PointCloud::new(PointLayout::xyzi(), values)?;
    let truth = [(12.0, 3.0), (28.0, -3.5), (45.0, 3.2)].map(|(x, y)| object(x, y)).to_vec();
    let found = [(12.2, 3.1, 0.93), (45.1, 3.0, 0.71), (20.0, -6.0, 0.38)];
    let boxes = found.map(|(x, y, score)| Detection {
        box3d: object(x, y).box3d,
        class_index: 0,
        score,
        velocity_mps: Some([4.0, 0.0]),
    });
    let class_names = ["Car", "Pedestrian", "Cyclist"].map(str::to_owned).to_vec();
    let detections = Detections { class_names, boxes: boxes.to_vec() };
    let verdict = Verdict::by_overlap(&detections, &truth, |_| 0.5, 0.3);
    let scene = Scene {
        cloud: &cloud,
        detections: Some(&detections),
        truth: &truth,
        verdict: Some(&verdict),
        title: "lidar  frame 000042",
        subtitle: "12.300000000 s",
    };
    Ok(render_png(&scene, &BevOptions::default())?)
}

fn object(x: f64, y: f64) -> TruthObject {
    TruthObject {
        class_name: "Car".to_owned(),
        box3d: Box3d { center_m: [x, y, -0.9], size_m: [4.2, 1.8, 1.6], yaw_rad: 0.05 },
        velocity_mps: [0.0; 2],
        instance_id: 1,
        num_points: 100,
        occlusion: Occlusion::Visible,
        truncation: 0.0,
        image_box: None,
    }
}

/// A decay with noise that repeats.
fn noisy_decay(scale: f64) -> Vec<[f64; 2]> {
    let noise = |i: f64| (i * 12.9898).sin() * 0.25 + (i * 78.233).sin() * 0.2;
    (0..20_000)
        .step_by(20)
        .map(f64::from)
        .map(|i| [i, scale * ((-i / 4000.0).exp() + 0.12) * (1.0 + noise(i))])
        .collect()
}

fn training_curves() -> Vec<Plot> {
    let [raw, smooth] = Series::raw_and_smooth("localisation", 0, noisy_decay(2.0), 40);
    let [raw_class, smooth_class] = Series::raw_and_smooth("classification", 1, noisy_decay(0.9), 40);
    let losses = Plot {
        title: "training loss".to_owned(),
        x_label: "step".to_owned(),
        y_label: "loss".to_owned(),
        log_y: true,
        series: vec![raw, raw_class, smooth, smooth_class],
        ..Plot::default()
    };
    let rate = |i: f64| if i < 8000.0 { 3e-4 + i * 3.4e-7 } else { 3e-3 * (1.0 - (i - 8000.0) / 12_100.0) };
    let points = (0..20_000).step_by(100).map(f64::from).map(|i| [i, rate(i)]).collect();
    let schedule = Plot {
        title: "learning rate".to_owned(),
        x_label: "step".to_owned(),
        y_label: "learning rate".to_owned(),
        series: vec![Series::new("one cycle", 2, points)],
        ..Plot::default()
    };
    vec![losses, schedule]
}

fn precision_recall(class_name: &str, strength: f64) -> Plot {
    let curve =
        |drop: f64| (0..=40).map(f64::from).map(|i| [i / 40.0, (1.0 - (i / 40.0).powf(drop)).max(0.0)]).collect();
    let difficulties = [("easy", 8.0), ("moderate", 5.0), ("hard", 3.5)];
    let series = difficulties.iter().enumerate().map(|(i, (name, drop))| Series::new(*name, i, curve(drop * strength)));
    Plot {
        title: class_name.to_owned(),
        x_label: "recall".to_owned(),
        y_label: "precision".to_owned(),
        x_range: Some([0.0, 1.0]),
        y_range: Some([0.0, 1.05]),
        log_y: false,
        series: series.collect(),
    }
}

fn stage(name: &str, typical_ms: f64, is_total: bool) -> StageLatency {
    let noise = |i: f64| ((i * 12.9898).sin() * 43_758.545).fract().abs();
    let mut samples_ms: Vec<f64> =
        (0..500).map(f64::from).map(|i| typical_ms * (0.9 + 0.3 * noise(i) * noise(i + 0.5))).collect();
    samples_ms.push(typical_ms * 1.9);
    samples_ms.sort_by(f64::total_cmp);
    StageLatency {
        stage: name.to_owned(),
        p50_ms: samples_ms[250],
        p99_ms: samples_ms[495],
        max_ms: samples_ms[500],
        samples_ms,
        is_total,
    }
}

fn report() -> Report {
    let tile = |label: &str, value: &str, note: &str, tone| Tile {
        label: label.to_owned(),
        value: value.to_owned(),
        note: note.to_owned(),
        tone,
    };
    let row = |class_name: &str, first: f64| ApRow {
        class_name: class_name.to_owned(),
        ap_percent: (0..6).map(|i| (class_name != "Van" || i > 2).then_some(first - 6.0 * f64::from(i % 3))).collect(),
    };
    let count = |what: &str, count, meaning: &str, tone| Count {
        what: what.to_owned(),
        count,
        meaning: meaning.to_owned(),
        tone,
    };
    let picture =
        |i: usize| Picture { href: "frame.png".to_owned(), caption: format!("frame {i:06}: 1 missed, 1 false") };
    let facts = [("weights", "pointpillars_4x.safetensors"), ("sha256", "9f2c...made up"), ("bag", "bags/demo")];
    Report::new("Replay of demo", "501 frames, made-up values")
        .tiles(&[
            tile("Car 3D AP R40 moderate", "74.2 %", "at least 70 expected", Tone::Good),
            tile("median frame", "182 ms", "bytes to boxes, 2 threads", Tone::Plain),
            tile("frames dropped", "0", "of 501", Tone::Good),
            tile("points out of range", "31 %", "is the grid right for this sensor?", Tone::Warning),
            tile("chunks lost", "1", "the bag is truncated", Tone::Bad),
        ])
        .average_precision(
            "Average precision",
            &ApTable {
                metrics: vec!["3D AP R40".to_owned(), "BEV AP R40".to_owned()],
                difficulties: ["easy", "moderate", "hard"].map(str::to_owned).to_vec(),
                rows: vec![row("Car", 88.0), row("Pedestrian", 61.0), row("Cyclist", 55.5), row("Van", 40.0)],
            },
        )
        .plots(
            "Precision over recall",
            &[("Car", 1.0), ("Pedestrian", 0.6), ("Cyclist", 0.7)].map(|(c, s)| precision_recall(c, s)),
        )
        .latency(
            "Latency",
            &[
                stage("decode", 3.1, false),
                stage("voxelize", 9.7, false),
                stage("backbone", 142.0, false),
                stage("total", 160.0, true),
            ],
        )
        .strip("Frames", &[0, 10, 20, 30].map(picture))
        .counts(
            "Losses",
            &[
                count("messages lost", 0, "", Tone::Bad),
                count("points not finite", 1204, "the driver marks missing returns with NaN: dropped", Tone::Plain),
                count("pillars over the cap", 17, "raise max_pillars or shorten the range", Tone::Warning),
            ],
        )
        .provenance("Provenance", &facts.map(|(key, value)| (key.to_owned(), value.to_owned())))
}
