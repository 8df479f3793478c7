//! The wire form of lifecycle and parameter services, byte by byte as classic CDR has it.
#![allow(clippy::unwrap_used)]

use percept_msgs::lifecycle_msgs::*;
use percept_msgs::rcl_interfaces::*;
use percept_msgs::{Message, Service};

const HEADER: [u8; 4] = [0, 1, 0, 0];

#[test]
fn a_change_of_state_is_a_number_and_a_label() {
    let transition = Transition { id: Transition::TRANSITION_CONFIGURE, label: "configure".to_owned() };
    let request = ChangeStateRequest { transition };
    let expected = [&HEADER[..], &[1, 0, 0, 0], &[10, 0, 0, 0], b"configure\0"].concat();
    assert_eq!(request.encode(), expected);
    assert_eq!(ChangeStateRequest::decode(&expected).unwrap(), request);
    assert_eq!(ChangeStateResponse { success: true }.encode(), [&HEADER[..], &[1]].concat());
}

#[test]
fn an_empty_request_is_one_byte_as_rosidl_generates_it() {
    assert_eq!(GetStateRequest::default().encode(), [&HEADER[..], &[0]].concat());
    // Some callers pad what they send to whole words.
    assert!(GetStateRequest::decode(&[0, 1, 0, 0, 0, 0, 0, 0]).is_ok());
}

#[test]
fn a_parameter_value_aligns_its_numbers_to_eight_bytes() {
    let value = ParameterValue {
        r#type: ParameterType::PARAMETER_DOUBLE,
        bool_value: true,
        integer_value: 2,
        double_value: 0.5,
        string_value: "x".to_owned(),
        double_array_value: vec![1.5],
        ..ParameterValue::default()
    };
    let expected = [
        &HEADER[..],
        &[3, 1, 0, 0, 0, 0, 0, 0],
        &2i64.to_le_bytes(),
        &0.5f64.to_le_bytes(),
        &[2, 0, 0, 0, b'x', 0, 0, 0],
        // No bytes, no booleans, no whole numbers: three lengths of 0.
        &[0; 12],
        // One number: its length ends on a multiple of 8.
        &[1, 0, 0, 0],
        &1.5f64.to_le_bytes(),
        &[0; 4],
    ]
    .concat();
    assert_eq!(value.encode(), expected);
    assert_eq!(ParameterValue::decode(&expected).unwrap(), value);
}

#[test]
fn names_of_services_and_of_their_halves_are_those_of_rosidl() {
    assert_eq!(ChangeState::TYPE_NAME, "lifecycle_msgs/srv/ChangeState");
    assert_eq!(<ChangeState as Service>::Request::TYPE_NAME, "lifecycle_msgs/srv/ChangeState_Request");
    assert_eq!(<SetParameters as Service>::Response::TYPE_NAME, "rcl_interfaces/srv/SetParameters_Response");
    assert_eq!(ParameterEvent::TYPE_NAME, "rcl_interfaces/msg/ParameterEvent");
}

#[test]
fn cut_requests_are_refused_wherever_they_are_cut() {
    let names = ["score_threshold", "weights"].map(str::to_owned).to_vec();
    let bytes = GetParametersRequest { names }.encode();
    for end in 0..bytes.len() {
        assert!(GetParametersRequest::decode(&bytes[..end]).is_err(), "{end}");
    }
}
