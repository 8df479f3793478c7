//! percept_tests
