//! The losses against an independent implementation (tests/golden/generate_distillation.py).

use super::adapters::Adapters;
use super::{
    Edge, PointDistillerSettings, Reduction, ResponseSettings, Weighting, feature_regression, point_distiller, response,
};
use crate::teacher::AnchorTargets;
use candle_core::{Device, Tensor, Var};
use percept_kernels::executor::autograd::{Forward, NamedTensor};
use percept_kernels::parameters::{HostTensor, ParameterMap};
use percept_kernels::plan::Support;
use percept_models::outputs::{ModelOutputs, Tap, TapSupport};
use percept_models::pointpillars::{OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, Pillars};
use percept_models::weights::Container;
use std::sync::Arc;

fn golden() -> ParameterMap {
    Container::from_bytes(include_bytes!("../../tests/golden/distillation.safetensors")).unwrap().tensors
}

fn var(tensor: &HostTensor) -> Var {
    Var::from_slice(&tensor.data, tensor.shape.as_slice(), &Device::Cpu).unwrap()
}

fn close(what: &str, found: &Tensor, expected: &HostTensor) {
    let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(found.len(), expected.data.len(), "{what}");
    let largest = expected.data.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(&expected.data).enumerate() {
        assert!((a - b).abs() <= 2e-5 * largest, "{what}[{i}]: {a}, expected {b}");
    }
}

#[test]
fn point_distiller_and_its_gradients_are_those_of_pytorch() {
    let golden = golden();
    let (teacher, student) = (var(&golden["pd.teacher"]), var(&golden["pd.student"]));
    let counts: Vec<u32> = golden["pd.counts"].data.iter().map(|count| *count as u32).collect();
    let parts = ["weight", "norm.weight", "norm.bias"];
    let names: Vec<String> = ["teacher", "student"].iter().flat_map(|s| parts.map(|p| format!("{s}.{p}"))).collect();
    let own = names.iter().map(|name| (name.clone(), golden[&format!("pd.{name}")].clone())).collect();
    let adapters = Adapters::from_map(&own).unwrap();
    let code = PointDistillerSettings {
        selected: 20,
        neighbours: 7,
        channels: 4,
        temperature: 3.0,
        ..PointDistillerSettings::default()
    };
    assert_eq!((code.weighting, code.reduction), (Weighting::MeanOne, Reduction::TwiceMean));
    let variants = [
        ("code", code),
        ("paper", code.paper()),
        ("difference", PointDistillerSettings { edge: Edge::DifferenceCentre, ..code }),
    ];
    for (variant, settings) in variants {
        let loss = point_distiller::evaluate(&settings, &student, &teacher, &counts, &adapters).unwrap().unwrap().loss;
        close(variant, &loss, &golden[&format!("pd.{variant}.loss")]);
        let gradients = loss.backward().unwrap();
        close(variant, gradients.get(&student).unwrap(), &golden[&format!("pd.{variant}.gradient.student")]);
        for name in &names {
            let gradient = gradients.get(adapters.get(name).unwrap()).unwrap();
            close(name, gradient, &golden[&format!("pd.{variant}.gradient.{name}")]);
        }
    }
}

#[test]
fn feature_regression_and_its_gradients_are_those_of_pytorch() {
    let golden = golden();
    let student = var(&golden["fitnet.student"]);
    let own = ["weight", "bias"].map(|name| (format!("adaptation.{name}"), golden[&format!("fitnet.{name}")].clone()));
    let adapters = Adapters::from_map(&ParameterMap::from(own)).unwrap();
    let tap = Tap { name: "map".into(), features: student.as_tensor().clone(), support: TapSupport::Dense };
    let loss = feature_regression::evaluate(&tap, &var(&golden["fitnet.teacher"]), &adapters).unwrap();
    close("loss", &loss, &golden["fitnet.loss"]);
    let gradients = loss.backward().unwrap();
    close("student", gradients.get(&student).unwrap(), &golden["fitnet.gradient.student"]);
    for name in ["weight", "bias"] {
        let var = adapters.get(&format!("adaptation.{name}")).unwrap();
        close(name, gradients.get(var).unwrap(), &golden[&format!("fitnet.gradient.{name}")]);
    }
}

#[test]
fn the_response_loss_and_its_gradients_are_those_of_pytorch() {
    let golden = golden();
    let window = |window: usize| {
        let of = |name: &str| golden[&format!("response.{window}.{name}")].data.clone();
        AnchorTargets {
            num_classes: 2,
            anchors: of("anchors").iter().map(|anchor| *anchor as u32).collect(),
            class_logits: of("cls"),
            box_codes: of("box"),
            direction_logits: of("dir"),
        }
    };
    let teacher: Arc<[AnchorTargets]> = vec![window(0), window(1)].into();
    let maps = [(OUTPUT_CLS, "cls"), (OUTPUT_BOX, "box"), (OUTPUT_DIR, "dir")];
    let vars = maps.map(|(output, name)| (output, name, var(&golden[&format!("response.student.{name}")])));
    let named = |(output, _, var): &(&str, &str, Var)| NamedTensor {
        name: (*output).to_owned(),
        tensor: var.as_tensor().clone(),
        support: Support::Dense,
    };
    let forward = Forward { outputs: vars.iter().map(named).collect(), taps: Vec::new() };
    let outputs = ModelOutputs::of_pillars(forward, &Pillars::empty(10), OUTPUT_CLS).unwrap();
    let settings = ResponseSettings { temperature: 2.0, box_score: 0.4, ..ResponseSettings::default() };
    let loss = response::evaluate(&settings, &outputs, &teacher).unwrap();
    close("loss", &loss, &golden["response.loss"]);
    let gradients = loss.backward().unwrap();
    for (_, name, var) in &vars {
        close(name, gradients.get(var).unwrap(), &golden[&format!("response.gradient.{name}")]);
    }
}
