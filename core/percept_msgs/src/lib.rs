//! percept_msgs
