//! percept_models
