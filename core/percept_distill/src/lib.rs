//! percept_distill
