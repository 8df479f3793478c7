//! `Detections` and truth as visualization_msgs/MarkerArray for RViz.
//!
//! The first marker removes all of the frame before; then each box is its edges with a tick from its centre to its
//! front, a text above it and, where known, its velocity as an arrow. Namespaces are classes, ids count within them.

use super::detections::class_name_of;
use super::finite::pose_of;
use crate::builtin_interfaces::Duration;
use crate::geometry_msgs::{Point, Pose, Vector3};
use crate::std_msgs::{ColorRGBA, Header};
use crate::visualization_msgs::{Marker, MarkerArray};
use crate::{Message, MsgError};
use percept_types::{Box3d, Detection, Detections, TruthObject};

/// How boxes are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkerStyle {
    /// Width of the edges in metres.
    pub line_width_m: f64,
    /// Height of the text in metres; 0 for none.
    pub text_height_m: f64,
    /// How long a marker stays where no later frame removes it, in milliseconds; 0 for ever.
    pub lifetime_ms: u32,
    /// Opacity, 0 to 1; 0 would be invisible and is drawn as 1.
    pub alpha: f32,
}

impl Default for MarkerStyle {
    fn default() -> Self {
        Self { line_width_m: 0.08, text_height_m: 0.7, lifetime_ms: 500, alpha: 1.0 }
    }
}

/// Edges of a box as pairs of [`Box3d::corners_m`], then the tick.
const EDGES: [[usize; 2]; 12] =
    [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]];

/// Colours by class index, told apart by eyes that mix up red and green too (after Okabe and Ito 2008).
const CLASS_COLORS: [[f32; 3]; 8] = [
    [0.34, 0.71, 0.91],
    [0.90, 0.62, 0.00],
    [0.00, 0.74, 0.52],
    [0.94, 0.89, 0.26],
    [0.84, 0.49, 0.70],
    [0.84, 0.37, 0.00],
    [0.36, 0.47, 0.90],
    [0.85, 0.85, 0.85],
];

impl MarkerArray {
    /// One that removes every marker of the topic.
    pub fn delete_all(header: &Header) -> Self {
        let marker = Marker { header: header.clone(), action: Marker::DELETEALL, ..Default::default() };
        Self { markers: vec![marker] }
    }

    /// The boxes of a frame.
    ///
    /// # Errors
    /// [`MsgError::Value`] for a class index beyond the names.
    pub fn from_detections(detections: &Detections, header: &Header, style: &MarkerStyle) -> Result<Self, MsgError> {
        let mut drawing = Drawing::begin(header, style);
        for (index, detection) in detections.boxes.iter().enumerate() {
            let class_name = class_name_of(Self::TYPE_NAME, detections, index, detection)?;
            let color = CLASS_COLORS[detection.class_index % CLASS_COLORS.len()];
            drawing.add_detection(class_name, color, detection);
        }
        Ok(drawing.array)
    }

    /// True objects of a frame, in grey.
    pub fn from_truth(objects: &[TruthObject], header: &Header, style: &MarkerStyle) -> Self {
        let mut drawing = Drawing::begin(header, style);
        for object in objects {
            let namespace = format!("truth/{}", object.class_name);
            let label = format!("{} {}", object.class_name, object.instance_id);
            drawing.add_box(&namespace, [0.7; 3], &object.box3d, label);
        }
        drawing.array
    }
}

struct Drawing<'a> {
    header: &'a Header,
    style: &'a MarkerStyle,
    array: MarkerArray,
    /// Boxes so far in each namespace, in the order of their first use.
    counts: Vec<(String, i32)>,
}

impl<'a> Drawing<'a> {
    fn begin(header: &'a Header, style: &'a MarkerStyle) -> Self {
        Self { header, style, array: MarkerArray::delete_all(header), counts: Vec::new() }
    }

    fn add_detection(&mut self, class_name: &str, color: [f32; 3], detection: &Detection) {
        let label = format!("{class_name} {:.2}", detection.score);
        let id = self.add_box(class_name, color, &detection.box3d, label);
        if let Some([x, y]) = detection.velocity_mps {
            let tail = detection.box3d.center_m;
            let mut arrow = self.marker(&format!("{class_name}/velocity"), id, Marker::ARROW, color);
            arrow.scale = Vector3 { x: 0.12, y: 0.3, z: 0.4 };
            arrow.points = vec![tail.into(), [tail[0] + x, tail[1] + y, tail[2]].into()];
            self.array.markers.push(arrow);
        }
    }

    fn add_box(&mut self, namespace: &str, color: [f32; 3], b: &Box3d, label: String) -> i32 {
        let id = self.next_id(namespace);
        let mut edges = self.marker(namespace, id, Marker::LINE_LIST, color);
        edges.pose = pose_of(b);
        edges.scale.x = self.style.line_width_m;
        let local = Box3d { center_m: [0.0; 3], yaw_rad: 0.0, ..*b };
        let corners_m = local.corners_m();
        edges.points = EDGES.iter().flatten().map(|corner| corners_m[*corner].into()).collect();
        edges.points.extend([[0.0; 3], [b.size_m[0] / 2.0, 0.0, 0.0]].map(Point::from));
        self.array.markers.push(edges);
        if self.style.text_height_m > 0.0 {
            let mut text = self.marker(&format!("{namespace}/text"), id, Marker::TEXT_VIEW_FACING, color);
            let above_m = b.top_z_m() + self.style.text_height_m;
            text.pose = Pose { position: [b.center_m[0], b.center_m[1], above_m].into(), ..Default::default() };
            text.scale.z = self.style.text_height_m;
            text.text = label;
            self.array.markers.push(text);
        }
        id
    }

    fn next_id(&mut self, namespace: &str) -> i32 {
        match self.counts.iter_mut().find(|(name, _)| name == namespace) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.counts.push((namespace.to_owned(), 0));
                0
            }
        }
    }

    fn marker(&self, namespace: &str, id: i32, kind: i32, [r, g, b]: [f32; 3]) -> Marker {
        let a = if self.style.alpha > 0.0 { self.style.alpha.min(1.0) } else { 1.0 };
        Marker {
            header: self.header.clone(),
            ns: namespace.to_owned(),
            id,
            kind,
            action: Marker::ADD,
            color: ColorRGBA { r, g, b, a },
            lifetime: Duration::from_ms(self.style.lifetime_ms),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::Stamp;

    fn detections() -> Detections {
        let detection = |class_index, velocity_mps| Detection {
            box3d: Box3d { center_m: [10.0, 0.0, -1.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.5 },
            class_index,
            score: 0.876,
            velocity_mps,
        };
        Detections {
            class_names: vec!["Car".into(), "Cyclist".into()],
            boxes: vec![detection(0, None), detection(1, Some([1.0, 2.0])), detection(0, None)],
        }
    }

    #[test]
    fn everything_of_the_frame_before_is_removed_first() {
        let header = Header::new(Stamp::from_ns(5), "lidar");
        let array = MarkerArray::from_detections(&Detections::default(), &header, &MarkerStyle::default()).unwrap();
        assert_eq!(array.markers.len(), 1);
        assert_eq!((array.markers[0].action, array.markers[0].header.frame_id.as_str()), (Marker::DELETEALL, "lidar"));
    }

    #[test]
    fn markers_are_named_once_and_seen() {
        let array = MarkerArray::from_detections(&detections(), &Header::default(), &MarkerStyle::default()).unwrap();
        let drawn = &array.markers[1..];
        assert_eq!(drawn.len(), 7, "three boxes, three texts, one arrow");
        let mut names: Vec<_> = drawn.iter().map(|m| (m.ns.clone(), m.id)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 7);
        assert!(drawn.iter().all(|m| m.color.a > 0.0 && m.lifetime.nanosec == 500_000_000));
        assert!(drawn.iter().any(|m| m.text == "Car 0.88"));
        assert!(drawn.iter().filter(|m| m.kind == Marker::LINE_LIST).all(|m| m.points.len() == 26 && m.scale.x > 0.0));
    }

    #[test]
    fn the_tick_ends_at_the_front() {
        let array = MarkerArray::from_detections(&detections(), &Header::default(), &MarkerStyle::default()).unwrap();
        let front = array.markers[1].points[25];
        assert_eq!((front.x, front.y), (2.0, 0.0));
        assert!((array.markers[1].pose.orientation.z - (0.25f64).sin()).abs() < 1e-12);
    }
}
