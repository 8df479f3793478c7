//! percept_kernels
