//! `percept record`: what a teacher says about a bag, as a bag beside it.

use crate::bar::Bar;
use crate::distil::terms_of_names;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use percept_app::training::{FeatureCodec, METHOD_NAMES, RecordSettings, Shard, Width, record};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept record drive --teacher W --out drive_teacher                       for PointDistiller: pillar features
  percept record drive --teacher W --out drive_teacher --method response     logits and boxes
  percept record drive --teacher W --out drive_teacher                       again: goes on where it stopped
  percept record drive --teacher W --out drive_teacher --shard 0/8           an eighth of it, by hand
  sbatch --array=0-7 ... percept record drive --teacher W --out drive_teacher    each job takes its part";

/// Record what a teacher says about a drive, to distil from later
///
/// Writes split files that are moved to their place when whole; a killed recording goes on with the same command and
/// ends with the same bytes. Each file notes teacher, source and method, and files of another are refused. Parts are told
/// by --shard, or by a batch engine: Slurm's SLURM_ARRAY_TASK_ID, Kubernetes' JOB_COMPLETION_INDEX (with --shards).
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct RecordArgs {
    /// The drive
    bag: PathBuf,
    /// The teacher's weights
    #[arg(long, short)]
    teacher: PathBuf,
    /// Folder of the records
    #[arg(long, short)]
    out: PathBuf,
    /// The PointCloud2 topic; needed where the bag has several
    #[arg(long)]
    topic: Option<String>,
    /// What will be distilled from the records (may be given several times)
    #[arg(long, value_parser = METHOD_NAMES, default_values_t = ["point-distiller".to_owned()])]
    method: Vec<String>,
    /// Anchors of a frame that are kept for `response`, those of the highest score; 0 for all (dense)
    #[arg(long, default_value_t = 4096)]
    top_k: usize,
    /// How features are stored
    #[arg(long, value_enum, default_value_t = Codec::Fp16)]
    codec: Codec,
    /// Clouds a split file
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    split_frames: u64,
    /// Part i of n, such as 0/8
    #[arg(long)]
    shard: Option<String>,
    /// How many parts there are, where a batch engine tells which one this is but not how many
    #[arg(long, conflicts_with = "shard")]
    shards: Option<u64>,
    /// Gigabytes that may be written
    #[arg(long)]
    max_gb: Option<f64>,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Codec {
    /// Half precision: no error against a live teacher
    Fp16,
    /// Eight bits, a scale a pillar: half the size, the error is measured and told
    Int8,
}

/// Runs the command.
pub fn run(args: &RecordArgs, bar: &mut Bar) -> Result<Outcome> {
    let max_bytes = match args.max_gb {
        Some(gb) if !(gb > 0.0 && gb < 1e9) => bail!("--max-gb is {gb}: expected a number above 0"),
        gb => gb.map(|gb| (gb * 1e9) as u64),
    };
    let settings = RecordSettings {
        teacher: args.teacher.clone(),
        topic: args.topic.clone(),
        terms: terms_of_names(&args.method, Width::Quarter, 1.0, Some(args.top_k)),
        codec: match args.codec {
            Codec::Fp16 => FeatureCodec::Fp16,
            Codec::Int8 => FeatureCodec::Int8,
        },
        frames_per_split: args.split_frames,
        shard: shard(args)?,
        max_bytes,
    };
    let summary = record(&args.bag, &args.out, &settings, bar)?;
    report::print(&summary, args.json)?;
    Ok(if summary.interrupted { Outcome::Interrupted } else { Outcome::found(summary.lost > 0) })
}

fn shard(args: &RecordArgs) -> Result<Shard> {
    match &args.shard {
        Some(text) => Ok(text.parse()?),
        None => {
            let told = Shard::from_environment(|name| std::env::var(name).ok(), args.shards)?;
            Ok(told.unwrap_or(Shard::WHOLE))
        }
    }
}
