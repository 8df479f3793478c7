//! percept_bag
