//! `percept`: LiDAR bags in, boxes out; one file a subcommand.

mod bar;
mod bench;
mod check;
mod convert;
mod demo;
mod distil;
mod eval;
mod gate;
mod import;
mod inspect;
mod node;
mod outcome;
mod record;
mod replay;
mod report;
mod simulate;
mod study;
mod train;

use bar::Bar;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// LiDAR bags in, boxes out: simulate, train, replay and evaluate detectors, without ROS.
#[derive(Debug, Parser)]
#[command(name = "percept", version, after_help = outcome::EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    /// Draw no progress bar (it is also left out where standard error is no terminal)
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Replay(replay::ReplayArgs),
    Eval(eval::EvalArgs),
    Inspect(inspect::InspectArgs),
    Check(check::CheckArgs),
    Simulate(simulate::SimulateArgs),
    Convert(convert::ConvertArgs),
    Train(train::TrainArgs),
    Study(study::StudyArgs),
    Record(record::RecordArgs),
    Distill(distil::DistilArgs),
    Gate(gate::GateArgs),
    Rollback(gate::RollbackArgs),
    Import(import::ImportArgs),
    Bench(bench::BenchArgs),
    Node(Box<node::NodeArgs>),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    outcome::finish(Bar::new(cli.quiet).and_then(|mut bar| match cli.command {
        Command::Demo(args) => demo::run(&args, &mut bar),
        Command::Replay(args) => replay::run(&args, &mut bar),
        Command::Eval(args) => eval::run(&args, &mut bar),
        Command::Inspect(args) => inspect::run(&args, &mut bar),
        Command::Check(args) => check::run(&args),
        Command::Simulate(args) => simulate::run(&args, &mut bar),
        Command::Convert(args) => convert::run(&args, &mut bar),
        Command::Train(args) => train::run(&args, &mut bar),
        Command::Study(args) => study::run(&args, &mut bar),
        Command::Record(args) => record::run(&args, &mut bar),
        Command::Distill(args) => distil::run(&args, &mut bar),
        Command::Gate(args) => gate::run(&args, &mut bar),
        Command::Rollback(args) => gate::rollback(&args),
        Command::Import(args) => import::run(&args),
        Command::Bench(args) => bench::run(&args, &mut bar),
        Command::Node(args) => node::run(&args, bar.stop_flag()),
    }))
}
