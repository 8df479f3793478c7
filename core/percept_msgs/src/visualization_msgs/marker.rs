//! visualization_msgs/Marker and what it is made of.

use crate::builtin_interfaces::Duration;
use crate::geometry_msgs::{Point, Pose, Vector3};
use crate::message::message;
use crate::sensor_msgs::CompressedImage;
use crate::std_msgs::{ColorRGBA, Header};

message! {
    /// A place in a texture, 0 to 1.
    #[derive(Copy)]
    "visualization_msgs", UVCoordinate {
        /// Across.
        u: f32,
        /// Down.
        v: f32,
    }
}

message! {
    /// A mesh, sent along.
    #[derive(Eq)]
    "visualization_msgs", MeshFile {
        /// Name with the extension that tells the format.
        filename: String,
        /// The file.
        data: Vec<u8>,
    }
}

message! {
    /// One thing to draw.
    "visualization_msgs", Marker {
        /// Moment and frame.
        header: Header,
        /// Namespace; (`ns`, `id`) names the marker.
        ns: String,
        /// Number within the namespace.
        id: i32,
        /// Shape, one of the constants below.
        kind("type"): i32,
        /// `ADD`, `DELETE` or `DELETEALL`.
        action: i32,
        /// Where.
        pose: Pose,
        /// Size in metres; line width in x, text height in z.
        scale: Vector3,
        /// Colour; alpha 0 is invisible.
        color: ColorRGBA,
        /// How long it stays; 0 for ever.
        lifetime: Duration,
        /// Whether it moves with its frame.
        frame_locked: bool,
        /// Points of lines and lists.
        points: Vec<Point>,
        /// A colour a point, or none.
        colors: Vec<ColorRGBA>,
        /// Where a texture is found.
        texture_resource: String,
        /// A texture sent along.
        texture: CompressedImage,
        /// Places in the texture, one a point.
        uv_coordinates: Vec<UVCoordinate>,
        /// Text to draw.
        text: String,
        /// Where a mesh is found.
        mesh_resource: String,
        /// A mesh sent along.
        mesh_file: MeshFile,
        /// Whether the mesh brings its colours.
        mesh_use_embedded_materials: bool,
    }
    constants {
        /// An arrow.
        ARROW: i32 = 0,
        /// A cuboid.
        CUBE: i32 = 1,
        /// An ellipsoid.
        SPHERE: i32 = 2,
        /// A cylinder.
        CYLINDER: i32 = 3,
        /// A line through all points.
        LINE_STRIP: i32 = 4,
        /// A line a pair of points.
        LINE_LIST: i32 = 5,
        /// A cube a point.
        CUBE_LIST: i32 = 6,
        /// A sphere a point.
        SPHERE_LIST: i32 = 7,
        /// Points.
        POINTS: i32 = 8,
        /// Text that faces the viewer.
        TEXT_VIEW_FACING: i32 = 9,
        /// A mesh.
        MESH_RESOURCE: i32 = 10,
        /// A triangle a triple of points.
        TRIANGLE_LIST: i32 = 11,
        /// An arrow a pair of neighbouring points.
        ARROW_STRIP: i32 = 12,
        /// Add it, or change it.
        ADD: i32 = 0,
        /// The same as `ADD`.
        MODIFY: i32 = 0,
        /// Remove this marker.
        DELETE: i32 = 2,
        /// Remove every marker of the topic.
        DELETEALL: i32 = 3,
    }
}
