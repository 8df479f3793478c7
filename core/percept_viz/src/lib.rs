//! percept_viz
