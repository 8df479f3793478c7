//! The loss against its formula written out, its gradient against differences, and the sanity tests of its specification.

use super::*;
use crate::losses::testing::wave;
use candle_core::{Device, Var};

const PILLARS: usize = 40;

fn settings() -> PointDistillerSettings {
    PointDistillerSettings { selected: 12, neighbours: 5, channels: 3, temperature: 4.0, ..Default::default() }
}

fn features(channels: usize, phase: f32) -> Var {
    let values: Vec<f32> = wave(PILLARS * channels, 1.0).iter().map(|v| v + (phase * v).cos()).collect();
    Var::from_tensor(&Tensor::from_vec(values, (PILLARS, channels), &Device::Cpu).unwrap()).unwrap()
}

fn num_points() -> Vec<u32> {
    (0..PILLARS as u32).map(|i| 1 + (i * 7) % 32).collect()
}

fn adapters(settings: &PointDistillerSettings, student: usize, teacher: usize) -> Adapters {
    let adapters = Adapters::first(&settings.adapters(student, teacher), 3).unwrap();
    // Norms away from their first values, so that their gradients are tried as well.
    for (name, var) in adapters.iter().filter(|(name, _)| name.contains("norm")) {
        let first = if name.contains("weight") { 1.0 } else { 0.2 };
        let moved: Vec<f32> = wave(settings.channels, 0.4).iter().map(|v| v + first).collect();
        var.set(&Tensor::from_vec(moved, settings.channels, &Device::Cpu).unwrap()).unwrap();
    }
    adapters
}

fn value(settings: &PointDistillerSettings, student: &Tensor, teacher: &Tensor, adapters: &Adapters) -> f64 {
    let found = evaluate(settings, student, teacher, &num_points(), adapters).unwrap().unwrap();
    f64::from(found.loss.to_scalar::<f32>().unwrap())
}

/// The loss written out in f64, tensor by tensor as the paper has it.
fn plainly(settings: &PointDistillerSettings, student: &Tensor, teacher: &Tensor, adapters: &Adapters) -> f64 {
    let rows = |t: &Tensor| -> Vec<Vec<f64>> {
        let rows: Vec<Vec<f32>> = t.to_vec2().unwrap();
        rows.iter().map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect()
    };
    let (s, t) = (rows(student), rows(teacher));
    let flat: Vec<f32> = teacher.flatten_all().unwrap().to_vec1().unwrap();
    let channels = teacher.dim(1).unwrap();
    let scores = importance::scores(settings.score, &num_points(), &flat, channels);
    let selected = importance::select(settings.selection, &scores, settings.selected);
    let weights = importance::weights(settings.weighting, &scores, &selected, settings.temperature);
    let near = neighbours::nearest(&flat, channels, &selected, settings.neighbours);
    let side = |name: &str, z: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let weight = rows(adapters.get(&format!("{name}.weight")).unwrap().as_tensor());
        let vector = |part: &str| -> Vec<f32> {
            adapters.get(&format!("{name}.norm.{part}")).unwrap().as_tensor().to_vec1().unwrap()
        };
        let (scale, shift) = (vector("weight"), vector("bias"));
        let edges: Vec<Vec<f64>> = near
            .iter()
            .enumerate()
            .map(|(e, j)| {
                let (centre, other) = (&z[selected[e / settings.neighbours] as usize], &z[*j as usize]);
                match settings.edge {
                    Edge::NeighbourCentre => [other.as_slice(), centre].concat(),
                    Edge::CentreNeighbour => [centre.as_slice(), other].concat(),
                    Edge::DifferenceCentre => {
                        let difference: Vec<f64> = centre.iter().zip(other).map(|(c, o)| c - o).collect();
                        [difference.as_slice(), centre].concat()
                    }
                }
            })
            .collect();
        (0..settings.channels)
            .map(|c| {
                let y: Vec<f64> = edges.iter().map(|e| e.iter().zip(&weight[c]).map(|(a, b)| a * b).sum()).collect();
                let mean = y.iter().sum::<f64>() / y.len() as f64;
                let var = y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / y.len() as f64;
                let norm = |v: &f64| (v - mean) / (var + 1e-5).sqrt() * f64::from(scale[c]) + f64::from(shift[c]);
                y.iter().map(|v| norm(v).max(0.0)).collect()
            })
            .collect()
    };
    let (gt, gs) = (side("teacher", &t), side("student", &s));
    let mut sum = 0.0;
    for c in 0..settings.channels {
        for e in 0..near.len() {
            sum += weights[e / settings.neighbours] * (gt[c][e] - gs[c][e]).powi(2);
        }
    }
    match settings.reduction {
        Reduction::TwiceMean => 2.0 * sum / (near.len() * settings.channels) as f64,
        Reduction::Sum => sum,
    }
}

#[test]
fn every_variant_gives_what_the_formula_gives_written_out() {
    let (student, teacher) = (features(4, 1.3), features(6, 2.1));
    for edge in [Edge::NeighbourCentre, Edge::CentreNeighbour, Edge::DifferenceCentre] {
        for (weighting, reduction) in [
            (Weighting::MeanOne, Reduction::TwiceMean),
            (Weighting::SumOne, Reduction::Sum),
            (Weighting::Uniform, Reduction::TwiceMean),
        ] {
            for score in [ImportanceScore::NumPoints, ImportanceScore::TeacherMaximum] {
                let settings = PointDistillerSettings { edge, weighting, reduction, score, ..settings() };
                let adapters = adapters(&settings, 4, 6);
                let found = value(&settings, &student, &teacher, &adapters);
                let expected = plainly(&settings, &student, &teacher, &adapters);
                assert!((found - expected).abs() < 1e-5 * expected, "{settings:?}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn the_gradient_of_student_and_aggregations_agrees_with_differences() {
    let (student, teacher) = (features(4, 1.3), features(6, 2.1));
    let settings = settings();
    let adapters = adapters(&settings, 4, 6);
    let loss = evaluate(&settings, &student, &teacher, &num_points(), &adapters).unwrap().unwrap().loss;
    let gradients = loss.backward().unwrap();
    let mut vars: Vec<(&str, &Var)> = adapters.iter().collect();
    vars.push(("student", &student));
    for (name, var) in vars {
        let gradient: Vec<f32> = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let at: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
        let shape = var.shape().clone();
        let set = |values: Vec<f32>| var.set(&Tensor::from_vec(values, &shape, &Device::Cpu).unwrap()).unwrap();
        for i in (0..at.len()).step_by(3) {
            let moved = |by: f32| {
                let mut moved = at.clone();
                moved[i] += by;
                set(moved);
                plainly(&settings, &student, &teacher, &adapters)
            };
            // Small, so that no edge crosses the kink of relu: f32 holds the moved value to 1e-7.
            let expected = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            set(at.clone());
            let found = f64::from(gradient[i]);
            assert!((found - expected).abs() < 2e-3 * (1.0 + expected.abs()), "{name}[{i}]: {found}, {expected}");
        }
    }
}

#[test]
fn identical_features_under_identical_aggregations_cost_nothing() {
    let own = features(5, 1.3);
    let adapters = adapters(&settings(), 5, 5);
    adapters.get("student.weight").unwrap().set(adapters.get("teacher.weight").unwrap().as_tensor()).unwrap();
    assert_eq!(value(&settings(), &own, &own, &adapters), 0.0);
}

#[test]
fn no_gradient_reaches_the_teacher() {
    let (student, teacher) = (features(4, 1.3), features(6, 2.1));
    let adapters = adapters(&settings(), 4, 6);
    let loss = evaluate(&settings(), &student, &teacher, &num_points(), &adapters).unwrap().unwrap().loss;
    let gradients = loss.backward().unwrap();
    assert!(gradients.get(&teacher).is_none());
    assert!(gradients.get(&student).is_some());
}

#[test]
fn fewer_pillars_than_asked_for_are_all_taken_and_none_give_no_loss() {
    let (student, teacher) = (features(4, 1.3), features(6, 2.1));
    let many = PointDistillerSettings { selected: 6000, neighbours: 128, ..settings() };
    assert!(value(&many, &student, &teacher, &adapters(&many, 4, 6)).is_finite());
    let none = |channels: usize| Tensor::zeros((0, channels), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(evaluate(&many, &none(4), &none(6), &[], &adapters(&many, 4, 6)).unwrap().is_none());
    assert!(evaluate(&many, &student, &none(6), &num_points(), &adapters(&many, 4, 6)).is_err());
}

#[test]
fn the_presets_have_the_published_numbers() {
    let quarter = PointDistillerSettings::preset(Width::Quarter);
    assert_eq!((quarter.selected, quarter.neighbours, quarter.channels, quarter.temperature), (6000, 128, 32, 1e-2));
    let sixteenth = PointDistillerSettings::preset(Width::Sixteenth);
    assert_eq!((sixteenth.selected, sixteenth.channels, sixteenth.temperature), (12_000, 16, 1e-4));
    assert_eq!(sixteenth.paper().edge, Edge::CentreNeighbour);
}
