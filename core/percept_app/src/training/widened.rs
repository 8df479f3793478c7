//! First weights of a wide network from a trained narrow one.

use percept_distill::DistillError;
use percept_distill::train::TrainSettings;
use percept_kernels::parameters::{ParameterMap, widen};
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::topology;
use percept_models::weights::{ReadyConfig, Weights};

use super::TrainingError;

/// First weights for a run's network that compute what `narrow` does, up to rounding. The copies of a channel are
/// told apart by shares drawn with the run's seed.
/// Source  Chen et al., Net2Net, ICLR 2016.
///
/// # Errors
/// Weights for other classes, or of a network that the run's is no wider version of.
pub fn widened(narrow: &Weights, settings: &TrainSettings) -> Result<ParameterMap, TrainingError> {
    let wide = settings.validate()?;
    let ReadyConfig::PointPillars(narrow_config) = narrow.config();
    if narrow_config.class_names() != wide.class_names() {
        return Err(TrainingError::Setting {
            name: "--widen",
            found: format!("weights for the classes {:?}", narrow_config.class_names()),
            expected: "weights for the classes of the run, in its order",
        });
    }
    let canvas = CanvasSize { ny: settings.windows.ny, nx: settings.windows.nx };
    let plans = topology(narrow_config, canvas).and_then(|narrow| Ok((narrow, topology(&wide, canvas)?)));
    let (narrow_plan, wide_plan) = plans.map_err(DistillError::from)?;
    Ok(widen(&narrow_plan, &wide_plan, narrow.parameters(), settings.seed).map_err(DistillError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::RunConfig;
    use percept_kernels::parameters::initialise;
    use percept_models::pointpillars::{PointPillarsConfig, Width};
    use percept_models::weights::{Architecture, WeightsMetadata};

    fn settings(width: Width) -> TrainSettings {
        RunConfig { width, ..RunConfig::default() }.settings("made up".into()).unwrap()
    }

    fn weights(settings: &TrainSettings) -> Weights {
        let config = PointPillarsConfig::try_from(settings.model.clone()).unwrap();
        let plan = topology(&config, CanvasSize { ny: config.grid().ny(), nx: config.grid().nx() }).unwrap();
        let metadata = WeightsMetadata::new("narrow", Architecture::PointPillars(settings.model.clone()));
        Weights::new(metadata, initialise(&plan, 1)).unwrap()
    }

    #[test]
    fn a_full_network_starts_as_a_4x_one() {
        let full = settings(Width::Full);
        let first = widened(&weights(&settings(Width::Quarter)), &full).unwrap();
        assert_eq!(first["vfe.pfn_layers.0.linear.weight"].shape[0], 64);
        percept_distill::train::Trainer::new(full, Some(&first)).unwrap();
    }

    #[test]
    fn wider_weights_and_weights_for_other_classes_are_refused_with_the_reason() {
        let narrower = widened(&weights(&settings(Width::Full)), &settings(Width::Quarter)).unwrap_err();
        assert!(narrower.to_string().contains("at least as wide"), "{narrower}");
        let mut other = settings(Width::Quarter);
        other.model.class_names.swap(0, 1);
        let other = widened(&weights(&other), &settings(Width::Full)).unwrap_err();
        assert!(other.to_string().contains("classes"), "{other}");
    }
}
