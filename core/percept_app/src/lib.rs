//! percept_app
