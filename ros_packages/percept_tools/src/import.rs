//! `percept import`: checkpoints of OpenPCDet and mmdetection3d into weights of ours.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::Result;
use clap::{Args, ValueEnum};
use percept_app::import::{ImportChoices, import};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept import pointpillar_7728.pth --out pointpillars.safetensors
  percept import hv_pointpillars.pth --toolbox mmdet3d-0.x --out pointpillars.safetensors
  percept import car_only.pth --classes Car --out car.safetensors --json

Nothing in the checkpoint is executed. The toolbox is told by tensor names and the width of the pillar features;
say it where you know better, since a wrong one costs accuracy without an error.";

/// Turn a checkpoint of OpenPCDet or mmdetection3d (.pth) into weights (safetensors)
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ImportArgs {
    /// The checkpoint, in either serialisation of torch
    checkpoint: PathBuf,
    /// The weights to write
    #[arg(long, short)]
    out: PathBuf,
    /// Whose conventions it follows [default: told by the tensors]
    #[arg(long)]
    toolbox: Option<ToolboxName>,
    /// How points are decorated [default: as the toolbox has it for KITTI]
    #[arg(long)]
    pfn_layout: Option<LayoutName>,
    /// Classes in the order of the head [default: the toolbox's order for KITTI]
    #[arg(long, value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// The grid the network was trained on
    #[arg(long, default_value = "kitti")]
    grid: GridName,
    /// Store as 16-bit floats
    #[arg(long)]
    fp16: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ToolboxName {
    /// OpenPCDet
    Openpcdet,
    /// mmdetection3d 1.x
    #[value(name = "mmdet3d-1.x")]
    Mmdet1,
    /// mmdetection3d up to 0.18, the hv_ checkpoints
    #[value(name = "mmdet3d-0.x")]
    Mmdet0,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayoutName {
    /// Coordinates, offsets to mean and centre
    Pcdet10,
    /// Coordinates replaced by offsets to the centre
    Mm10Legacy,
    /// As before without the offset in z
    Mm9Legacy,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GridName {
    /// 0..69.12 m ahead, 39.68 m to each side
    Kitti,
    /// 51.2 m all round
    Surround,
}

/// Runs the command.
pub fn run(args: &ImportArgs) -> Result<Outcome> {
    let choices = ImportChoices {
        toolbox: args.toolbox.map(|toolbox| match toolbox {
            ToolboxName::Openpcdet => percept_app::import::Toolbox::Openpcdet,
            ToolboxName::Mmdet1 => percept_app::import::Toolbox::Mmdetection3d1,
            ToolboxName::Mmdet0 => percept_app::import::Toolbox::Mmdetection3d0,
        }),
        pfn_layout: args.pfn_layout.map(|layout| match layout {
            LayoutName::Pcdet10 => percept_app::import::PfnLayout::Pcdet10,
            LayoutName::Mm10Legacy => percept_app::import::PfnLayout::Mm10Legacy,
            LayoutName::Mm9Legacy => percept_app::import::PfnLayout::Mm9Legacy,
        }),
        class_names: args.classes.clone(),
        grid: Some(match args.grid {
            GridName::Kitti => percept_app::import::GridPreset::Kitti,
            GridName::Surround => percept_app::import::GridPreset::Surround,
        }),
    };
    let precision = if args.fp16 { percept_app::import::Precision::F16 } else { percept_app::import::Precision::F32 };
    let imported = import(&args.checkpoint, &args.out, &choices, precision)?;
    report::print(&imported, args.json)?;
    Ok(Outcome::Done)
}
