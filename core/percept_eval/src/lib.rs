//! percept_eval
