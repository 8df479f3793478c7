//! rcl_interfaces/srv: the six services of a node's parameters.

use super::{Parameter, ParameterDescriptor, ParameterValue, SetParametersResult};
use crate::message::{message, service};

message! {
    /// Asks for values.
    #[derive(Eq)]
    "rcl_interfaces", GetParametersRequest as "rcl_interfaces/srv/GetParameters_Request" {
        /// Whose.
        names: Vec<String>,
    }
}

message! {
    /// Values in the order asked for; `PARAMETER_NOT_SET` for those that there are not.
    "rcl_interfaces", GetParametersResponse as "rcl_interfaces/srv/GetParameters_Response" {
        /// The values.
        values: Vec<ParameterValue>,
    }
}

service! {
    /// `~/get_parameters`
    GetParameters: "rcl_interfaces/srv/GetParameters", GetParametersRequest => GetParametersResponse
}

message! {
    /// Asks for types.
    #[derive(Eq)]
    "rcl_interfaces", GetParameterTypesRequest as "rcl_interfaces/srv/GetParameterTypes_Request" {
        /// Whose.
        names: Vec<String>,
    }
}

message! {
    /// Types in the order asked for; 0 for those that there are not.
    #[derive(Eq)]
    "rcl_interfaces", GetParameterTypesResponse as "rcl_interfaces/srv/GetParameterTypes_Response" {
        /// Constants of `ParameterType`.
        types: Vec<u8>,
    }
}

service! {
    /// `~/get_parameter_types`
    GetParameterTypes: "rcl_interfaces/srv/GetParameterTypes", GetParameterTypesRequest => GetParameterTypesResponse
}

message! {
    /// Asks for new values.
    "rcl_interfaces", SetParametersRequest as "rcl_interfaces/srv/SetParameters_Request" {
        /// Names and values.
        parameters: Vec<Parameter>,
    }
}

message! {
    /// One result a parameter, in their order.
    #[derive(Eq)]
    "rcl_interfaces", SetParametersResponse as "rcl_interfaces/srv/SetParameters_Response" {
        /// The results.
        results: Vec<SetParametersResult>,
    }
}

service! {
    /// `~/set_parameters`
    SetParameters: "rcl_interfaces/srv/SetParameters", SetParametersRequest => SetParametersResponse
}

message! {
    /// Asks for new values, all or none.
    "rcl_interfaces", SetParametersAtomicallyRequest as "rcl_interfaces/srv/SetParametersAtomically_Request" {
        /// Names and values.
        parameters: Vec<Parameter>,
    }
}

message! {
    /// One result for all.
    #[derive(Eq)]
    "rcl_interfaces", SetParametersAtomicallyResponse as "rcl_interfaces/srv/SetParametersAtomically_Response" {
        /// The result.
        result: SetParametersResult,
    }
}

service! {
    /// `~/set_parameters_atomically`
    SetParametersAtomically: "rcl_interfaces/srv/SetParametersAtomically",
    SetParametersAtomicallyRequest => SetParametersAtomicallyResponse
}

message! {
    /// Asks for names.
    #[derive(Eq)]
    "rcl_interfaces", ListParametersRequest as "rcl_interfaces/srv/ListParameters_Request" {
        /// Beginnings of names; all where there are none.
        prefixes: Vec<String>,
        /// Parts of a name beyond the prefix at most; 0 for any.
        depth: u64,
    }
    constants {
        /// Any depth.
        DEPTH_RECURSIVE: u64 = 0,
    }
}

message! {
    /// Names and the prefixes they have.
    #[derive(Eq)]
    "rcl_interfaces", ListParametersResult {
        /// Full names.
        names: Vec<String>,
        /// Prefixes of names that have several parts.
        prefixes: Vec<String>,
    }
}

message! {
    /// The names there are.
    #[derive(Eq)]
    "rcl_interfaces", ListParametersResponse as "rcl_interfaces/srv/ListParameters_Response" {
        /// Names and prefixes.
        result: ListParametersResult,
    }
}

service! {
    /// `~/list_parameters`
    ListParameters: "rcl_interfaces/srv/ListParameters", ListParametersRequest => ListParametersResponse
}

message! {
    /// Asks what parameters are.
    #[derive(Eq)]
    "rcl_interfaces", DescribeParametersRequest as "rcl_interfaces/srv/DescribeParameters_Request" {
        /// Whose.
        names: Vec<String>,
    }
}

message! {
    /// Descriptions in the order asked for; an empty one for those that there are not.
    "rcl_interfaces", DescribeParametersResponse as "rcl_interfaces/srv/DescribeParameters_Response" {
        /// The descriptions.
        descriptors: Vec<ParameterDescriptor>,
    }
}

service! {
    /// `~/describe_parameters`
    DescribeParameters: "rcl_interfaces/srv/DescribeParameters", DescribeParametersRequest => DescribeParametersResponse
}
