//! `percept node`: a node without ROS on its machine, for ROS 2 nodes elsewhere.

use crate::outcome::{EXIT_CODES, Outcome};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use percept_app::DetectorConfig;
use percept_app::config::{RawConfig, Value};
use percept_transport::{Names, Remap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

const EXAMPLES: &str = "Examples:
  percept node --params lidar_detector.yaml --weights W -r '~/input/pointcloud:=/velodyne_points'
  percept node --params lidar_detector.yaml --namespace /front --interface eth0 --ros-args -p use_sim_time:=true

The node is a DDS participant of its own: nodes over Cyclone DDS and Fast DDS see its topics, types and name. Its services
(lifecycle, parameters) are in the form of rmw_cyclonedds_cpp alone. ROS_DOMAIN_ID and ROS_LOCALHOST_ONLY are followed;
ROS_DISTRO or --distro says how old the peers' ROS is. Ctrl-C and SIGTERM end it with exit code 0.";

/// How the node's messages move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wire {
    /// DDS, in this process alone: no ROS is needed
    Dds,
}

/// Run the LiDAR detector as a node without ROS on this machine
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct NodeArgs {
    /// How messages move
    #[arg(long, value_enum, default_value_t = Wire::Dds)]
    transport: Wire,
    /// Parameters in ROS form, such as launch/params/lidar_detector.yaml
    #[arg(long)]
    params: Option<PathBuf>,
    /// Weights (safetensors); overrides the parameters'
    #[arg(long, short)]
    weights: Option<PathBuf>,
    /// Name of the node
    #[arg(long, default_value = DetectorConfig::NODE)]
    name: String,
    /// Namespace of the node
    #[arg(long, default_value = "/")]
    namespace: String,
    /// Rename a topic, a service, the node (__node) or its namespace (__ns)
    #[arg(long = "remap", short, value_name = "FROM:=TO")]
    remaps: Vec<String>,
    /// DDS domain [default: ROS_DOMAIN_ID, or 0]
    #[arg(long)]
    domain: Option<u16>,
    /// Keep to this network interface, by name or IPv4 address [default: every one with multicast]
    #[arg(long)]
    interface: Option<String>,
    /// The peers' distribution, humble or jazzy: the form in which they hear the node's name [default: ROS_DISTRO]
    #[arg(long)]
    distro: Option<String>,
    /// Arguments as ROS nodes take them: -r FROM:=TO, -p NAME:=VALUE, --params-file FILE
    #[arg(long, num_args = 0.., allow_hyphen_values = true, value_terminator = "--", value_name = "ARGUMENT")]
    ros_args: Vec<String>,
}

/// What `--ros-args` told.
#[derive(Debug, Default, PartialEq)]
struct RosArguments {
    remaps: Vec<String>,
    overrides: Vec<(String, Value)>,
    params: Vec<PathBuf>,
}

impl RosArguments {
    fn parse(arguments: &[String]) -> Result<Self> {
        let (mut told, mut rest) = (Self::default(), arguments.iter());
        while let Some(flag) = rest.next() {
            let mut value =
                || rest.next().with_context(|| format!("--ros-args: {flag} stands without what belongs to it"));
            match flag.as_str() {
                "-r" | "--remap" => told.remaps.push(value()?.clone()),
                "--params-file" => told.params.push(PathBuf::from(value()?)),
                "-p" | "--param" => {
                    let rule = value()?;
                    let (name, text) =
                        rule.split_once(":=").with_context(|| format!("-p {rule}: NAME:=VALUE expected"))?;
                    told.overrides.push((name.to_owned(), scalar(text)));
                }
                other => bail!("--ros-args: {other} is not known here; known are -r, -p and --params-file"),
            }
        }
        Ok(told)
    }
}

/// A value as the command line of ROS tells it: true, 3, 0.5, and text otherwise.
fn scalar(text: &str) -> Value {
    let bare = text.trim_matches(['"', '\'']);
    match (text, text.parse(), text.parse()) {
        ("true" | "True", ..) => Value::Bool(true),
        ("false" | "False", ..) => Value::Bool(false),
        (_, Ok(whole), _) => Value::Int(whole),
        (_, _, Ok(number)) => Value::Float(number),
        _ => Value::Text(bare.to_owned()),
    }
}

impl NodeArgs {
    fn names(&self, ros: &RosArguments) -> Result<Names> {
        let rules = self.remaps.iter().chain(&ros.remaps).map(|rule| Remap::parse(rule));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(Names::new(&self.namespace, &self.name, &rules)?)
    }

    /// The files with the command line on top.
    fn parameters(&self, ros: &RosArguments, node: &str) -> Result<RawConfig> {
        let mut parameters = RawConfig::default();
        for file in self.params.iter().chain(&ros.params) {
            let read = RawConfig::from_yaml_file(file, node)?;
            for name in read.names() {
                if let Some(value) = read.get(name) {
                    parameters.set(name, beside(file, name, value.clone()))?;
                }
            }
        }
        for (name, value) in &ros.overrides {
            parameters.set(name, value.clone())?;
        }
        if let Some(weights) = &self.weights {
            parameters.set("weights", Value::Text(weights.to_string_lossy().into_owned()))?;
        }
        Ok(parameters)
    }
}

/// Relative weights of a parameter file lie beside it.
fn beside(file: &Path, name: &str, value: Value) -> Value {
    match value {
        Value::Text(weights) if name == "weights" && !weights.is_empty() => {
            let folder = file.parent().unwrap_or(Path::new(""));
            Value::Text(folder.join(weights).to_string_lossy().into_owned())
        }
        other => other,
    }
}

/// Runs the command until `stop` is set.
pub fn run(args: &NodeArgs, stop: &AtomicBool) -> Result<Outcome> {
    let ros = RosArguments::parse(&args.ros_args)?;
    let names = args.names(&ros)?;
    let parameters = args.parameters(&ros, names.node())?;
    let Wire::Dds = args.transport;
    run_over_dds(args, names, parameters, stop)
}

#[cfg(feature = "dds")]
fn run_over_dds(args: &NodeArgs, names: Names, parameters: RawConfig, stop: &AtomicBool) -> Result<Outcome> {
    use percept_app::node::{clock_for, run_lidar_detector};
    use percept_transport::Transport;
    use percept_transport::dds::{self, DdsSettings, GidForm, WireLog};
    WireLog::install();
    dds::end_process_with_dds();
    let mut settings = DdsSettings::from_environment()?;
    settings.domain_id = args.domain.unwrap_or(settings.domain_id);
    settings.interface = args.interface.clone().or(settings.interface);
    settings.gid_form = args.distro.as_deref().map_or(settings.gid_form, GidForm::of_distribution);
    let transport = dds::join(names, clock_for(&parameters)?, &settings)?;
    let Transport::Dds(node) = &transport else { bail!("DDS gave another transport") };
    let watch = node.wire_watch();
    let result = run_lidar_detector(transport, parameters, stop);
    let (counts, malformed) = (watch.counts(), watch.counts().malformed.unwrap_or_default());
    if malformed + counts.unreadable + counts.mismatched_peers + counts.replies_failed > 0 {
        eprintln!(
            "on the wire: {malformed} malformed datagrams, {} unreadable messages, {} mismatched peers, {} responses not \
             sent",
            counts.unreadable, counts.mismatched_peers, counts.replies_failed
        );
    }
    result?;
    Ok(Outcome::Done)
}

#[cfg(not(feature = "dds"))]
fn run_over_dds(args: &NodeArgs, names: Names, _: RawConfig, _: &AtomicBool) -> Result<Outcome> {
    let _ = (&args.domain, &args.interface, &args.distro);
    bail!(
        "{} cannot start: this percept was built without DDS; `cargo build --release -p percept_tools --features dds`",
        names.full_node()
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<RosArguments> {
        RosArguments::parse(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_arguments_of_ros_nodes_are_understood() {
        let told =
            parsed(&["-r", "a:=b", "-p", "threads:=2", "-p", "device:='cpu'", "--params-file", "p.yaml"]).unwrap();
        assert_eq!(told.remaps, ["a:=b"]);
        let expected = [("threads".to_owned(), Value::Int(2)), ("device".to_owned(), Value::Text("cpu".to_owned()))];
        assert_eq!(told.overrides, expected);
        assert_eq!(told.params, [PathBuf::from("p.yaml")]);
        assert_eq!((scalar("true"), scalar("0.5")), (Value::Bool(true), Value::Float(0.5)));
    }

    #[test]
    fn arguments_that_mean_nothing_here_are_refused_by_name() {
        for arguments in [&["-r"][..], &["-p", "threads"], &["--enclave", "/x"]] {
            assert!(parsed(arguments).unwrap_err().to_string().contains(arguments[0]), "{arguments:?}");
        }
    }

    #[test]
    fn weights_of_a_parameter_file_lie_beside_it() {
        let beside = |weights: &str| beside(Path::new("/a/p.yaml"), "weights", Value::Text(weights.to_owned()));
        assert_eq!(beside("w.safetensors"), Value::Text("/a/w.safetensors".to_owned()));
        assert_eq!(beside("/w.safetensors"), Value::Text("/w.safetensors".to_owned()));
        assert_eq!(beside(""), Value::Text(String::new()));
    }
}
