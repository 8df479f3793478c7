//! Times, headers, strings, colours, the clock, diagnostics.

/// builtin_interfaces.
pub(super) const BUILTIN_INTERFACES: &[(&str, &str)] = &[
    (
        "Duration",
        "\
int32 sec
uint32 nanosec
",
    ),
    (
        "Time",
        "\
int32 sec
uint32 nanosec
",
    ),
];

/// std_msgs.
pub(super) const STD_MSGS: &[(&str, &str)] = &[
    (
        "Bool",
        "\
bool data
",
    ),
    (
        "ColorRGBA",
        "\
float32 r
float32 g
float32 b
float32 a
",
    ),
    (
        "Float32",
        "\
float32 data
",
    ),
    (
        "Float64",
        "\
float64 data
",
    ),
    (
        "Header",
        "\
builtin_interfaces/Time stamp
string frame_id
",
    ),
    (
        "Int32",
        "\
int32 data
",
    ),
    (
        "String",
        "\
string data
",
    ),
    (
        "UInt32",
        "\
uint32 data
",
    ),
];

/// rosgraph_msgs.
pub(super) const ROSGRAPH_MSGS: &[(&str, &str)] = &[(
    "Clock",
    "\
builtin_interfaces/Time clock
",
)];

/// diagnostic_msgs.
pub(super) const DIAGNOSTIC_MSGS: &[(&str, &str)] = &[
    (
        "DiagnosticArray",
        "\
std_msgs/Header header
DiagnosticStatus[] status
",
    ),
    (
        "DiagnosticStatus",
        "\
byte OK=0
byte WARN=1
byte ERROR=2
byte STALE=3
byte level
string name
string message
string hardware_id
KeyValue[] values
",
    ),
    (
        "KeyValue",
        "\
string key
string value
",
    ),
];
