//! Transforms between named frames over time.

use thiserror::Error;

/// Why a transform cannot be told.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TransformError {}

/// The tree of frames.
#[derive(Clone, Debug, Default)]
pub struct TransformBuffer {}
