//! Checkpoints of other toolboxes into weights of ours.

use crate::AppError;
use percept_models::ModelError;
use percept_models::import::import_checkpoint;
pub use percept_models::import::{ImportOptions as ImportChoices, Toolbox};
pub use percept_models::pointpillars::{GridPreset, PfnLayout};
pub use percept_models::weights::Precision;
use percept_models::weights::{Architecture, Weights, WeightsMetadata};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest checkpoint that is read: far above any PointPillars with its optimiser's state.
const MAX_CHECKPOINT_BYTES: u64 = 1 << 30;

/// What an import made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportReport {
    /// The checkpoint.
    pub source: PathBuf,
    /// Its SHA-256, hexadecimal.
    pub source_sha256: String,
    /// Conventions it was read under.
    pub toolbox: &'static str,
    /// How points are decorated.
    pub pfn_layout: PfnLayout,
    /// Classes in the order of the head.
    pub class_names: Vec<String>,
    /// Parameters of the network.
    pub num_parameters: usize,
    /// The weights written.
    pub weights: PathBuf,
    /// Their SHA-256, hexadecimal.
    pub weights_sha256: String,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "read     {} as {} ({:?})", self.source.display(), self.toolbox, self.pfn_layout)?;
        writeln!(f, "classes  {}", self.class_names.join(", "))?;
        writeln!(f, "wrote    {} ({} parameters)", self.weights.display(), self.num_parameters)?;
        writeln!(f, "A wrong toolbox or layout costs accuracy without an error: compare AP on a bag with truth.")
    }
}

/// Imports a checkpoint and writes it as weights.
///
/// # Errors
/// A checkpoint that cannot be read or is no PointPillars, options that contradict it, weights that cannot be written.
pub fn import(
    source: &Path,
    out: &Path,
    options: &ImportChoices,
    precision: Precision,
) -> Result<ImportReport, AppError> {
    let bytes = read_checkpoint(source)?;
    let refused = |reason: String| AppError::Weights { path: source.to_owned(), reason };
    let imported = import_checkpoint(&bytes, options).map_err(|error| refused(error.to_string()))?;
    let source_sha256 = hex(&Sha256::digest(&bytes));
    let toolbox = name(imported.toolbox);
    let config = imported.config.raw().clone();
    let (pfn_layout, class_names) = (config.pfn_layout, config.class_names.clone());
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let mut metadata = WeightsMetadata::new(&format!("pointpillars-{stem}"), Architecture::PointPillars(config));
    let file_name = source.file_name().unwrap_or_default().to_string_lossy();
    metadata.imported_from = Some(format!("{toolbox} checkpoint {file_name}, sha256 {source_sha256}"));
    let num_parameters = imported.parameters.values().map(|tensor| tensor.data.len()).sum();
    let weights = Weights::new(metadata, imported.parameters).map_err(|error| refused(error.to_string()))?;
    write(&weights, out, precision)?;
    let written = Weights::read(out).map_err(|e| AppError::Weights { path: out.to_owned(), reason: e.to_string() })?;
    Ok(ImportReport {
        source: source.to_owned(),
        source_sha256,
        toolbox,
        pfn_layout,
        class_names,
        num_parameters,
        weights: out.to_owned(),
        weights_sha256: written.sha256().to_owned(),
    })
}

fn read_checkpoint(path: &Path) -> Result<Vec<u8>, AppError> {
    let size = std::fs::metadata(path).map_err(AppError::io("read", path))?.len();
    if size > MAX_CHECKPOINT_BYTES {
        let reason =
            format!("{size} bytes, more than the {MAX_CHECKPOINT_BYTES} of any PointPillars: is it the right file?");
        return Err(AppError::Weights { path: path.to_owned(), reason });
    }
    std::fs::read(path).map_err(AppError::io("read", path))
}

fn write(weights: &Weights, out: &Path, precision: Precision) -> Result<(), AppError> {
    weights.write(out, precision).map_err(|error| match error {
        ModelError::Io { path, source } => AppError::Io { action: "write", path, source },
        other => AppError::Weights { path: out.to_owned(), reason: other.to_string() },
    })
}

const fn name(toolbox: Toolbox) -> &'static str {
    match toolbox {
        Toolbox::Openpcdet => "OpenPCDet",
        Toolbox::Mmdetection3d1 => "mmdetection3d 1.x",
        Toolbox::Mmdetection3d0 => "mmdetection3d 0.x",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
