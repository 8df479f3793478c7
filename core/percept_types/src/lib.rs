//! percept_types
