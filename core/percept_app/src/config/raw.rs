//! The flattened name-to-value map that every source of parameters fills.

use super::error::ConfigError;
use super::keys::{Kind, find_key, nearest_key};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A value as ROS parameters know them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number, possibly NaN or infinite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list; empty, or all of one of the scalar kinds (whole and other numbers mix).
    List(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "\"{v}\""),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// Parameters by full name (`anchors.Car.size`), in the order of their names; every name in it is a valid one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawConfig {
    values: BTreeMap<String, Value>,
}

impl RawConfig {
    /// Reads a ROS parameter file for the node of this name: sections `/**`, `/**/<node>`, `<node>` and `/<node>`,
    /// the later overriding the earlier.
    ///
    /// # Errors
    /// When the file cannot be read, is no YAML, lacks such a section or holds a key nobody reads.
    pub fn from_yaml_file(path: &Path, node: &str) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for (key, value) in super::yaml::read_parameters(path, node)? {
            config.set(&key, value)?;
        }
        Ok(config)
    }

    /// Sets one parameter, as a node does with each of its own or a command line with an override.
    ///
    /// # Errors
    /// When nobody reads a parameter of this name or the value has another type.
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), ConfigError> {
        let known =
            find_key(key).ok_or_else(|| ConfigError::UnknownKey { key: key.to_owned(), nearest: nearest_key(key) })?;
        known.kind.check(key, &value)?;
        self.values.insert(key.to_owned(), value);
        Ok(())
    }

    /// The value of a parameter, where set.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Names of the parameters that are set, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Names that begin with `prefix.`, cut to the segment after it, each once: the classes under `anchors`.
    pub fn children(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(prefix)?.strip_prefix('.')?.rsplit_once('.').map(|(n, _)| n.to_owned()))
            .collect();
        names.dedup();
        names
    }

    /// Text, `None` where unset or empty (ROS has no unset value, so files write `""`).
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            Some(_) | None => None,
        }
    }

    /// A list of texts, `None` where unset or empty.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        match self.values.get(key) {
            Some(Value::List(items)) if !items.is_empty() => Some(
                items
                    .iter()
                    .filter_map(|item| if let Value::Text(text) = item { Some(text.clone()) } else { None })
                    .collect(),
            ),
            Some(_) | None => None,
        }
    }

    /// A number within `[min, max]`.
    ///
    /// # Errors
    /// When it is NaN, infinite or outside.
    pub fn number(&self, key: &str, min: f64, max: f64) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        let number = as_f64(value).unwrap_or(f64::NAN);
        if number.is_finite() && number >= min && number <= max {
            return Ok(Some(number));
        }
        let expected = match (min.is_finite(), max.is_finite()) {
            (true, true) => format!("a number from {min} to {max}"),
            (true, false) => format!("a finite number of at least {min}"),
            (false, _) => "a finite number".to_owned(),
        };
        Err(ConfigError::OutOfRange { key: key.to_owned(), found: value.to_string(), expected })
    }

    /// A whole number within `[min, max]`.
    ///
    /// # Errors
    /// When it lies outside.
    pub fn whole(&self, key: &str, min: usize, max: usize) -> Result<Option<usize>, ConfigError> {
        let Some(Value::Int(found)) = self.values.get(key) else { return Ok(None) };
        match usize::try_from(*found) {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(ConfigError::OutOfRange {
                key: key.to_owned(),
                found: found.to_string(),
                expected: format!("a whole number from {min} to {max}"),
            }),
        }
    }

    /// N finite numbers; `None` where unset or an empty list.
    ///
    /// # Errors
    /// When the list has another length or a number is NaN or infinite.
    pub fn numbers<const N: usize>(&self, key: &str) -> Result<Option<[f64; N]>, ConfigError> {
        let Some(value @ Value::List(items)) = self.values.get(key) else { return Ok(None) };
        if items.is_empty() {
            return Ok(None);
        }
        let numbers: Vec<f64> = items.iter().filter_map(as_f64).collect();
        match <[f64; N]>::try_from(numbers) {
            Ok(numbers) if numbers.iter().all(|v| v.is_finite()) => Ok(Some(numbers)),
            Ok(_) | Err(_) => Err(ConfigError::OutOfRange {
                key: key.to_owned(),
                found: value.to_string(),
                expected: format!("{N} finite numbers"),
            }),
        }
    }
}

fn as_f64(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        Value::Bool(_) | Value::Text(_) | Value::List(_) => None,
    }
}

impl Kind {
    fn check(self, key: &str, value: &Value) -> Result<(), ConfigError> {
        let is_number = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_));
        let fits = match self {
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Whole => matches!(value, Value::Int(_)),
            Self::Number => is_number(value),
            Self::Text => matches!(value, Value::Text(_)),
            Self::Numbers => matches!(value, Value::List(items) if items.iter().all(is_number)),
            Self::Texts => matches!(value, Value::List(items) if items.iter().all(|v| matches!(v, Value::Text(_)))),
        };
        if fits {
            return Ok(());
        }
        let expected = self.describe().to_owned();
        Err(ConfigError::WrongType { key: key.to_owned(), found: value.to_string(), expected })
    }
}
