//! Parameters as ROS hands them to a node at its start.

use super::error::ConfigError;
use super::raw::{RawConfig, Value};
use percept_msgs::rcl_interfaces::{Parameter, ParameterType, ParameterValue};

impl RawConfig {
    /// The configuration that these parameters are. One without a value stays as nobody had named it: rcl reads an
    /// empty list (`[]`) of a parameter file as such.
    ///
    /// # Errors
    /// Names the first parameter that nobody reads, with the nearest valid name, or whose value has another type.
    pub fn from_parameters(parameters: &[Parameter]) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for Parameter { name, value } in parameters {
            if let Some(value) = told(value) {
                config.set(name, value)?;
            }
        }
        Ok(config)
    }
}

/// The value that the message's type says counts; `None` where there is none.
fn told(message: &ParameterValue) -> Option<Value> {
    fn list<T: Clone>(values: &[T], of: impl Fn(T) -> Value) -> Value {
        Value::List(values.iter().cloned().map(of).collect())
    }
    Some(match message.r#type {
        ParameterType::PARAMETER_BOOL => Value::Bool(message.bool_value),
        ParameterType::PARAMETER_INTEGER => Value::Int(message.integer_value),
        ParameterType::PARAMETER_DOUBLE => Value::Float(message.double_value),
        ParameterType::PARAMETER_STRING => Value::Text(message.string_value.clone()),
        ParameterType::PARAMETER_BYTE_ARRAY => list(&message.byte_array_value, |byte| Value::Int(byte.into())),
        ParameterType::PARAMETER_BOOL_ARRAY => list(&message.bool_array_value, Value::Bool),
        ParameterType::PARAMETER_INTEGER_ARRAY => list(&message.integer_array_value, Value::Int),
        ParameterType::PARAMETER_DOUBLE_ARRAY => list(&message.double_array_value, Value::Float),
        ParameterType::PARAMETER_STRING_ARRAY => list(&message.string_array_value, Value::Text),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, value: ParameterValue) -> Parameter {
        Parameter { name: name.to_owned(), value }
    }

    fn double(value: f64) -> ParameterValue {
        ParameterValue { r#type: ParameterType::PARAMETER_DOUBLE, double_value: value, ..Default::default() }
    }

    #[test]
    fn parameters_of_every_kind_reach_the_configuration() {
        let names = ParameterValue {
            r#type: ParameterType::PARAMETER_STRING_ARRAY,
            string_array_value: vec!["Car".to_owned()],
            ..Default::default()
        };
        let given = [parameter("score_threshold", double(0.4)), parameter("class_names", names)];
        let config = RawConfig::from_parameters(&given).unwrap();
        assert_eq!(config.get("score_threshold"), Some(&Value::Float(0.4)));
        assert_eq!(config.texts("class_names"), Some(vec!["Car".to_owned()]));
    }

    #[test]
    fn an_empty_list_that_rcl_gives_no_type_is_as_if_it_were_not_there() {
        let given = [parameter("sensor_rotation", ParameterValue::default())];
        assert_eq!(RawConfig::from_parameters(&given).unwrap(), RawConfig::default());
    }

    #[test]
    fn unknown_and_mistyped_parameters_are_refused_by_name() {
        let misspelt = RawConfig::from_parameters(&[parameter("score_treshold", double(0.4))]).unwrap_err();
        assert!(misspelt.to_string().contains("score_threshold"), "{misspelt}");
        let mistyped = RawConfig::from_parameters(&[parameter("publish_markers", double(1.0))]).unwrap_err();
        assert!(mistyped.to_string().contains("publish_markers"), "{mistyped}");
    }
}
