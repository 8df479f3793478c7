//! percept_sim
