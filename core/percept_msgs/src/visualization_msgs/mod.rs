//! What RViz draws (Humble and later).

mod marker;
mod marker_array;

pub use marker::{Marker, MeshFile, UVCoordinate};
pub use marker_array::MarkerArray;
