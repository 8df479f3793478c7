//! Parameters of nodes: values, descriptions and the services that ask for them.

mod parameter;
mod parameter_descriptor;
mod parameter_event;
mod services;

pub use parameter::{Parameter, ParameterType, ParameterValue};
pub use parameter_descriptor::{FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult};
pub use parameter_event::ParameterEvent;
pub use services::{
    DescribeParameters, DescribeParametersRequest, DescribeParametersResponse, GetParameterTypes,
    GetParameterTypesRequest, GetParameterTypesResponse, GetParameters, GetParametersRequest, GetParametersResponse,
    ListParameters, ListParametersRequest, ListParametersResponse, ListParametersResult, SetParameters,
    SetParametersAtomically, SetParametersAtomicallyRequest, SetParametersAtomicallyResponse, SetParametersRequest,
    SetParametersResponse,
};
