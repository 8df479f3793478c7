//! What rcl makes of the command line: the node's names, its parameters, its logger.

use super::spin::panic_text;
use crate::TransportError;
use ::r2r::{Context, LogSeverity, Node, ParameterValue as RosValue};
use percept_msgs::rcl_interfaces::{Parameter, ParameterType, ParameterValue};
use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::PoisonError;

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For whoever looks for a fault.
    Debug,
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Something does not work.
    Error,
}

/// Makes the process's context from its arguments, and the node in it.
///
/// # Errors
/// What rcl says of arguments, parameter files and names.
pub(super) fn create(name: &str, namespace: &str) -> Result<Node, TransportError> {
    // r2r turns what rcl says of `--ros-args` into a panic; its text is the only place where rcl's words are.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let made = catch_unwind(|| Node::create(Context::create()?, name, namespace));
    set_hook(hook);
    let reason = match made {
        Ok(Ok(node)) => return Ok(node),
        Ok(Err(error)) => format!("rcl says {error}"),
        Err(panic) => format!("rcl says {}", panic_text(&*panic)),
    };
    Err(TransportError::Refused { what: format!("joining the ROS graph as {name}"), reason })
}

/// Namespace and name after the rules of the command line.
pub(super) fn names(node: &Node) -> Result<(String, String), TransportError> {
    let fault = |error| TransportError::Refused {
        what: "asking rcl for the node's name".to_owned(),
        reason: format!("rcl says {error}"),
    };
    Ok((node.namespace().map_err(fault)?, node.name().map_err(fault)?))
}

/// The remap rules of a command line, in their order: what follows `-r` or `--remap` between `--ros-args` and `--`.
pub(super) fn remap_rules(arguments: &[String]) -> Vec<&str> {
    let (mut rules, mut is_ros, mut follows) = (Vec::new(), false, false);
    for argument in arguments.iter().skip(1).map(String::as_str) {
        match argument {
            rule if follows => {
                rules.push(rule);
                follows = false;
            }
            "--ros-args" => is_ros = true,
            "--" => is_ros = false,
            "-r" | "--remap" if is_ros => follows = true,
            _ => {}
        }
    }
    rules
}

/// The parameters that the node was started with, in the order in which rcl holds them.
pub(super) fn parameters(node: &Node) -> Vec<Parameter> {
    let held = node.params.lock().unwrap_or_else(PoisonError::into_inner);
    held.iter().map(|(name, parameter)| Parameter { name: name.clone(), value: value(&parameter.value) }).collect()
}

/// Whether time is told by /clock.
///
/// # Errors
/// A value that is no boolean.
pub(super) fn uses_sim_time(parameters: &[Parameter]) -> Result<bool, TransportError> {
    let Some(parameter) = parameters.iter().find(|parameter| parameter.name == "use_sim_time") else {
        return Ok(false);
    };
    if parameter.value.r#type == ParameterType::PARAMETER_BOOL {
        return Ok(parameter.value.bool_value);
    }
    let reason = format!("its type is {}; true or false expected", parameter.value.r#type);
    Err(TransportError::Refused { what: "reading the parameter use_sim_time".to_owned(), reason })
}

fn value(from: &RosValue) -> ParameterValue {
    let mut to = ParameterValue::default();
    to.r#type = match from {
        RosValue::NotSet => ParameterType::PARAMETER_NOT_SET,
        RosValue::Bool(value) => {
            to.bool_value = *value;
            ParameterType::PARAMETER_BOOL
        }
        RosValue::Integer(value) => {
            to.integer_value = *value;
            ParameterType::PARAMETER_INTEGER
        }
        RosValue::Double(value) => {
            to.double_value = *value;
            ParameterType::PARAMETER_DOUBLE
        }
        RosValue::String(value) => {
            to.string_value.clone_from(value);
            ParameterType::PARAMETER_STRING
        }
        RosValue::ByteArray(values) => {
            to.byte_array_value.clone_from(values);
            ParameterType::PARAMETER_BYTE_ARRAY
        }
        RosValue::BoolArray(values) => {
            to.bool_array_value.clone_from(values);
            ParameterType::PARAMETER_BOOL_ARRAY
        }
        RosValue::IntegerArray(values) => {
            to.integer_array_value.clone_from(values);
            ParameterType::PARAMETER_INTEGER_ARRAY
        }
        RosValue::DoubleArray(values) => {
            to.double_array_value.clone_from(values);
            ParameterType::PARAMETER_DOUBLE_ARRAY
        }
        RosValue::StringArray(values) => {
            to.string_array_value.clone_from(values);
            ParameterType::PARAMETER_STRING_ARRAY
        }
    };
    to
}

/// Writes one line of the log.
pub(super) fn log(logger: &str, severity: Severity, text: &str) {
    let severity = match severity {
        Severity::Debug => LogSeverity::Debug,
        Severity::Info => LogSeverity::Info,
        Severity::Warn => LogSeverity::Warn,
        Severity::Error => LogSeverity::Error,
    };
    // rcutils takes C strings: a NUL would end the text, and r2r the process.
    ::r2r::log(&text.replace('\0', " "), logger, "percept_transport", 0, severity);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type() {
        let names = value(&RosValue::StringArray(vec!["Car".to_owned()]));
        assert_eq!(names.r#type, ParameterType::PARAMETER_STRING_ARRAY);
        assert_eq!(names.string_array_value, ["Car"]);
        assert_eq!(value(&RosValue::Double(0.5)).double_value, 0.5);
    }

    #[test]
    fn rules_of_the_command_line_are_those_between_ros_args_and_its_end() {
        let line = "node -r a:=b --ros-args -r ~/in:=/points --params-file -p x:=1 --remap __node:=y -- -r c:=d --ros-args -r e:=f";
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(remap_rules(&arguments), ["~/in:=/points", "__node:=y", "e:=f"]);
    }

    #[test]
    fn simulated_time_is_a_boolean_or_refused() {
        let named = |value| vec![Parameter { name: "use_sim_time".to_owned(), value }];
        let told = |from| uses_sim_time(&named(value(&from)));
        assert!(told(RosValue::Bool(true)).unwrap());
        assert!(!uses_sim_time(&[]).unwrap());
        assert!(told(RosValue::String("true".to_owned())).is_err());
    }
}
