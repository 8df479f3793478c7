//! A node's parameters: declared from the table of keys, described by it, changed only where it says so.

use crate::config::{DETECTOR_KEYS, Key, Kind, Preset, RawConfig, Value, find_key, nearest_key};
use percept_msgs::rcl_interfaces::{
    DescribeParameters, DescribeParametersResponse, FloatingPointRange, GetParameterTypes, GetParameterTypesResponse,
    GetParameters, GetParametersResponse, IntegerRange, ListParameters, ListParametersRequest, ListParametersResponse,
    ListParametersResult, Parameter, ParameterDescriptor, ParameterEvent, ParameterType, ParameterValue, SetParameters,
    SetParametersAtomically, SetParametersAtomicallyResponse, SetParametersResponse, SetParametersResult,
};
use percept_transport::{Publisher, QosProfile, Server, Transport, TransportError};
use std::collections::BTreeSet;

/// The six parameter services and /parameter_events, over one configuration.
pub struct ParameterServer {
    values: RawConfig,
    services: Option<Services>,
}

struct Services {
    get: Server<GetParameters>,
    types: Server<GetParameterTypes>,
    set: Server<SetParameters>,
    set_atomically: Server<SetParametersAtomically>,
    list: Server<ListParameters>,
    describe: Server<DescribeParameters>,
    events: Publisher<ParameterEvent>,
}

impl Services {
    fn new(transport: &Transport) -> Result<Self, TransportError> {
        Ok(Self {
            get: transport.serve("~/get_parameters")?,
            types: transport.serve("~/get_parameter_types")?,
            set: transport.serve("~/set_parameters")?,
            set_atomically: transport.serve("~/set_parameters_atomically")?,
            list: transport.serve("~/list_parameters")?,
            describe: transport.serve("~/describe_parameters")?,
            events: transport.advertise("/parameter_events", QosProfile { depth: 1000, ..QosProfile::RELIABLE })?,
        })
    }
}

impl ParameterServer {
    /// Serves these values; a transport without services leaves them to be read here alone.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn new(transport: &Transport, values: RawConfig) -> Result<Self, TransportError> {
        let services = match Services::new(transport) {
            Ok(services) => Some(services),
            Err(TransportError::Unavailable { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { values, services })
    }

    /// The values that are set.
    pub fn values(&self) -> &RawConfig {
        &self.values
    }

    /// Answers every request that waits. `accept` validates a whole configuration and puts it to work, or says why not.
    pub fn answer(
        &mut self,
        now: percept_types::Stamp,
        node: &str,
        accept: &mut dyn FnMut(&RawConfig) -> Result<(), String>,
    ) {
        let Self { values, services: Some(services) } = self else { return };
        // A request that is none gets no answer, as of a node that is gone; there is nobody else to tell.
        let _ = services.get.answer(|request| GetParametersResponse {
            values: request.names.iter().map(|name| value_of(values, name)).collect(),
        });
        let _ = services.types.answer(|request| GetParameterTypesResponse {
            types: request.names.iter().map(|name| value_of(values, name).r#type).collect(),
        });
        let _ = services.list.answer(|request| list(values, &request));
        let _ = services.describe.answer(|request| DescribeParametersResponse {
            descriptors: request.names.iter().map(|name| describe(values, name)).collect(),
        });
        let mut changed = Vec::new();
        let _ = services.set.answer(|request| SetParametersResponse {
            results: request
                .parameters
                .iter()
                .map(|one| set(values, std::slice::from_ref(one), accept, &mut changed))
                .collect(),
        });
        let _ = services.set_atomically.answer(|request| SetParametersAtomicallyResponse {
            result: set(values, &request.parameters, accept, &mut changed),
        });
        if !changed.is_empty() {
            let event = ParameterEvent {
                stamp: now.into(),
                node: node.to_owned(),
                changed_parameters: changed,
                ..ParameterEvent::default()
            };
            // Parameters hold whether or not somebody hears of them.
            let _ = services.events.publish(&event);
        }
    }
}

/// All of the parameters, or none of them.
fn set(
    values: &mut RawConfig,
    parameters: &[Parameter],
    accept: &mut dyn FnMut(&RawConfig) -> Result<(), String>,
    changed: &mut Vec<Parameter>,
) -> SetParametersResult {
    let mut next = values.clone();
    let mut apply = || {
        for parameter in parameters {
            let name = &parameter.name;
            let Some(key) = find_key(name) else {
                let nearest = nearest_key(name).map_or(String::new(), |nearest| format!(": did you mean {nearest}?"));
                return Err(format!("there is no parameter {name}{nearest}"));
            };
            let value = value_from(key, &parameter.value)
                .ok_or_else(|| format!("{name} is {}, another type was given", key.kind.describe()))?;
            let is_same = values.get(name) == Some(&value);
            if !key.changeable && !is_same {
                return Err(format!("{name} is read-only while the node runs: set it at the start"));
            }
            next.set(name, value).map_err(|error| error.to_string())?;
        }
        accept(&next)
    };
    match apply() {
        Ok(()) => {
            *values = next;
            changed.extend_from_slice(parameters);
            SetParametersResult { successful: true, reason: String::new() }
        }
        Err(reason) => SetParametersResult { successful: false, reason },
    }
}

/// Every declared name: those of the table, and of its patterns those that are set.
fn names(values: &RawConfig) -> BTreeSet<String> {
    let of_table = DETECTOR_KEYS.iter().filter(|key| !key.is_pattern()).map(|key| key.name.to_owned());
    of_table.chain(values.names().map(str::to_owned)).collect()
}

fn list(values: &RawConfig, request: &ListParametersRequest) -> ListParametersResponse {
    let depth = usize::try_from(request.depth).unwrap_or(usize::MAX);
    let is_asked = |name: &str| {
        let within = |rest: &str| depth == 0 || rest.split('.').count() <= depth;
        request.prefixes.is_empty() && within(name)
            || request.prefixes.iter().any(|prefix| {
                name == prefix
                    || name.strip_prefix(prefix.as_str()).and_then(|r| r.strip_prefix('.')).is_some_and(within)
            })
    };
    let names: Vec<String> = names(values).into_iter().filter(|name| is_asked(name)).collect();
    let prefixes: BTreeSet<String> =
        names.iter().filter_map(|name| name.rsplit_once('.').map(|(prefix, _)| prefix.to_owned())).collect();
    ListParametersResponse { result: ListParametersResult { names, prefixes: prefixes.into_iter().collect() } }
}

fn describe(values: &RawConfig, name: &str) -> ParameterDescriptor {
    let Some(key) = find_key(name).filter(|_| names(values).contains(name)) else {
        return ParameterDescriptor::default();
    };
    let mut descriptor = ParameterDescriptor {
        name: name.to_owned(),
        r#type: type_of(key.kind),
        description: key.meaning.to_owned(),
        additional_constraints: key.kind.describe().to_owned(),
        read_only: !key.changeable,
        ..ParameterDescriptor::default()
    };
    match (key.kind, key.range) {
        (Kind::Number, Some((from_value, to_value))) => {
            descriptor.floating_point_range.push(FloatingPointRange { from_value, to_value, step: 0.0 });
        }
        (Kind::Whole, Some((from, to))) => {
            let range = IntegerRange { from_value: from as i64, to_value: to as i64, step: 1 };
            descriptor.integer_range.push(range);
        }
        _ => {}
    }
    descriptor
}

fn type_of(kind: Kind) -> u8 {
    match kind {
        Kind::Bool => ParameterType::PARAMETER_BOOL,
        Kind::Whole => ParameterType::PARAMETER_INTEGER,
        Kind::Number => ParameterType::PARAMETER_DOUBLE,
        Kind::Text => ParameterType::PARAMETER_STRING,
        Kind::Numbers => ParameterType::PARAMETER_DOUBLE_ARRAY,
        Kind::Texts => ParameterType::PARAMETER_STRING_ARRAY,
    }
}

/// The value that is set, else the table's.
fn value_of(values: &RawConfig, name: &str) -> ParameterValue {
    let Some(key) = find_key(name) else { return ParameterValue::default() };
    match (values.get(name), key.is_pattern()) {
        (Some(value), _) => message_of(key.kind, value),
        (None, true) => ParameterValue::default(),
        (None, false) => message_of(key.kind, &preset_of(key)),
    }
}

fn preset_of(key: &Key) -> Value {
    match key.preset {
        Preset::Bool(value) => Value::Bool(value),
        Preset::Whole(value) => Value::Int(value),
        Preset::Number(value) => Value::Float(value),
        Preset::Text(value) => Value::Text(value.to_owned()),
        Preset::Empty => Value::List(Vec::new()),
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(_) | Value::Text(_) | Value::List(_) => None,
    }
}

fn message_of(kind: Kind, value: &Value) -> ParameterValue {
    let mut message = ParameterValue { r#type: type_of(kind), ..ParameterValue::default() };
    match (kind, value) {
        (Kind::Number, value) => message.double_value = number_of(value).unwrap_or_default(),
        (Kind::Numbers, Value::List(items)) => {
            message.double_array_value = items.iter().filter_map(number_of).collect()
        }
        (_, Value::Bool(value)) => message.bool_value = *value,
        (_, Value::Int(value)) => message.integer_value = *value,
        (_, Value::Text(value)) => message.string_value.clone_from(value),
        (_, Value::List(items)) => {
            let text = |item: &Value| if let Value::Text(text) = item { Some(text.clone()) } else { None };
            message.string_array_value = items.iter().filter_map(text).collect();
        }
        (_, Value::Float(value)) => message.double_value = *value,
    }
    message
}

/// A message's value as one of the key's kind; whole numbers are numbers too, an empty list is of any kind.
fn value_from(key: &Key, message: &ParameterValue) -> Option<Value> {
    let floats = |values: &[f64]| Value::List(values.iter().copied().map(Value::Float).collect());
    let integers = |values: &[i64]| Value::List(values.iter().copied().map(Value::Int).collect());
    let texts = |values: &[String]| Value::List(values.iter().cloned().map(Value::Text).collect());
    Some(match (key.kind, message.r#type) {
        (Kind::Bool, ParameterType::PARAMETER_BOOL) => Value::Bool(message.bool_value),
        (Kind::Whole, ParameterType::PARAMETER_INTEGER) => Value::Int(message.integer_value),
        (Kind::Number, ParameterType::PARAMETER_DOUBLE) => Value::Float(message.double_value),
        (Kind::Number, ParameterType::PARAMETER_INTEGER) => Value::Float(message.integer_value as f64),
        (Kind::Text, ParameterType::PARAMETER_STRING) => Value::Text(message.string_value.clone()),
        (Kind::Numbers, ParameterType::PARAMETER_DOUBLE_ARRAY) => floats(&message.double_array_value),
        (Kind::Numbers, ParameterType::PARAMETER_INTEGER_ARRAY) => integers(&message.integer_array_value),
        (Kind::Texts, ParameterType::PARAMETER_STRING_ARRAY) => texts(&message.string_array_value),
        _ => return None,
    })
}
