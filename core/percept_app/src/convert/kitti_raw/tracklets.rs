//! The boxes of a raw drive: `tracklet_labels.xml`.
//!
//! Layout  `tracklets/item{objectType, h, w, l, first_frame, poses/item{tx, ty, tz, rz, occlusion, truncation}}`; pose i is
//!         that of frame `first_frame` + i, in the LiDAR's frame, tz the bottom of the box.
//! Limits  of XML only what boost's archive writes: elements, no entities. The turns rx and ry, which KITTI leaves at 0,
//!         are not read. Tracklets tell what the cameras ahead saw.
//! Source  the raw data development kit, tracklet.h and readme.

use super::super::data_files::read_if_there;
use crate::AppError;
use crate::drive::ObjectDetails;
use percept_types::{Box3d, Occlusion, PointCloud, TruthObject};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The boxes of a drive by frame.
pub(super) struct Tracklets {
    path: PathBuf,
    by_frame: BTreeMap<u64, Vec<(TruthObject, ObjectDetails)>>,
    /// Line and reason of poses that cannot be understood, by frame.
    faults: BTreeMap<u64, (usize, String)>,
}

/// What stands between two tags: the line and the text of each element, by name.
type Fields<'a> = BTreeMap<&'a str, (usize, &'a str)>;

impl Tracklets {
    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>, AppError> {
        let Some(bytes) = read_if_there(path)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| AppError::data_file(path, "the text is not UTF-8"))?;
        let mut tracklets = Self { path: path.to_owned(), by_frame: BTreeMap::new(), faults: BTreeMap::new() };
        let fault = |(line, reason): (usize, String)| AppError::DataLine { path: path.to_owned(), line, reason };
        tracklets.parse(&text).map_err(fault)?;
        Ok(Some(tracklets))
    }

    /// The boxes of a frame with their points counted.
    pub(super) fn at(
        &self,
        frame: u64,
        cloud: &PointCloud,
    ) -> Result<(Vec<TruthObject>, Vec<ObjectDetails>), AppError> {
        if let Some((line, reason)) = self.faults.get(&frame) {
            return Err(AppError::DataLine { path: self.path.clone(), line: *line, reason: reason.clone() });
        }
        let mut boxes = self.by_frame.get(&frame).cloned().unwrap_or_default();
        for (object, _) in &mut boxes {
            let inside = |p: &&[f32]| object.box3d.contains([p[0], p[1], p[2]].map(f64::from));
            object.num_points = cloud.points().filter(inside).count();
        }
        Ok(boxes.into_iter().unzip())
    }

    fn parse(&mut self, text: &str) -> Result<(), (usize, String)> {
        let mut open: Vec<&str> = Vec::new();
        let (mut tracklet, mut pose): (Fields, Fields) = (Fields::new(), Fields::new());
        let mut poses: Vec<(usize, Fields)> = Vec::new();
        let mut number = 0;
        for (line, part) in parts_of(text) {
            match part {
                Part::Open(name) => open.push(name),
                Part::Text(text) => match open.as_slice() {
                    [_, "tracklets", "item", name] => drop(tracklet.insert(*name, (line, text))),
                    [_, "tracklets", "item", "poses", "item", name] => drop(pose.insert(*name, (line, text))),
                    _ => {}
                },
                Part::Close(name) => {
                    match open.as_slice() {
                        [_, "tracklets", "item", "poses", "item"] => poses.push((line, std::mem::take(&mut pose))),
                        [_, "tracklets", "item"] => {
                            number += 1;
                            self.add(number, line, &std::mem::take(&mut tracklet), std::mem::take(&mut poses))?;
                        }
                        _ => {}
                    }
                    let opened = open.pop().unwrap_or("nothing");
                    if opened != name {
                        return Err((line, format!("</{name}> closes {opened}")));
                    }
                }
                Part::Cut => return Err((line, "a tag without its end: is the file cut off?".to_owned())),
            }
        }
        match open.last() {
            Some(name) => Err((text.lines().count(), format!("<{name}> is not closed: is the file cut off?"))),
            None => Ok(()),
        }
    }

    /// Adds the poses of a tracklet; one that cannot be understood spoils its frame alone.
    fn add(
        &mut self,
        number: u32,
        line: usize,
        tracklet: &Fields,
        poses: Vec<(usize, Fields)>,
    ) -> Result<(), (usize, String)> {
        let (_, class) = tracklet.get("objectType").ok_or((line, "a tracklet without objectType".to_owned()))?;
        let first = value(tracklet, "first_frame", line)?;
        if !(first >= 0.0 && first.fract() == 0.0) {
            return Err((line, format!("first_frame is {first}, expected a whole number")));
        }
        let size_m = [value(tracklet, "l", line)?, value(tracklet, "w", line)?, value(tracklet, "h", line)?];
        if size_m.iter().any(|side_m| *side_m <= 0.0) {
            return Err((line, format!("a box of {size_m:?} m, expected sizes above 0")));
        }
        for (index, (line, pose)) in (0..).zip(poses) {
            let frame = (first as u64).saturating_add(index);
            match truth_object(class, number, size_m, &pose, line) {
                Ok(object) => self.by_frame.entry(frame).or_default().push(object),
                Err(fault) => drop(self.faults.entry(frame).or_insert(fault)),
            }
        }
        Ok(())
    }
}

fn truth_object(
    class: &str,
    number: u32,
    size_m: [f64; 3],
    pose: &Fields,
    line: usize,
) -> Result<(TruthObject, ObjectDetails), (usize, String)> {
    let [x, y, bottom] = [value(pose, "tx", line)?, value(pose, "ty", line)?, value(pose, "tz", line)?];
    let object = TruthObject {
        // `Person (sitting)` is KITTI's `Person_sitting`.
        class_name: class.replace(' ', "_").replace(['(', ')'], ""),
        box3d: Box3d { center_m: [x, y, bottom + size_m[2] / 2.0], size_m, yaw_rad: value(pose, "rz", line)? },
        velocity_mps: [0.0; 2],
        instance_id: number,
        num_points: 0,
        occlusion: match pose.get("occlusion").map(|(_, text)| *text) {
            Some("0") => Occlusion::Visible,
            Some("1") => Occlusion::Partly,
            Some("2") => Occlusion::Largely,
            _ => Occlusion::Unknown,
        },
        truncation: -1.0,
        image_box: None,
    };
    let in_image = match pose.get("truncation").map(|(_, text)| *text) {
        Some("0") => Some("whole"),
        Some("1") => Some("truncated"),
        Some("2") => Some("outside"),
        Some("99") => Some("behind"),
        _ => None,
    };
    let mut details = vec![("velocity_known", "no".to_owned())];
    details.extend(in_image.map(|told| ("in_image", told.to_owned())));
    Ok((object, details))
}

fn value(fields: &Fields, name: &str, line: usize) -> Result<f64, (usize, String)> {
    let (line, text) = *fields.get(name).ok_or((line, format!("there is no <{name}> above")))?;
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or((line, format!("<{name}> holds {text:?} where a finite number is expected")))
}

/// A piece of XML.
enum Part<'a> {
    Open(&'a str),
    Text(&'a str),
    Close(&'a str),
    /// A tag that does not end.
    Cut,
}

/// The pieces of a file with their lines, from 1; declarations and blank text left out.
fn parts_of(text: &str) -> impl Iterator<Item = (usize, Part<'_>)> {
    let mut line = 1;
    text.split_inclusive('<').flat_map(move |piece| {
        // Before the first `<`, or behind one: `name attributes>text<`.
        let at = line;
        line += piece.matches('\n').count();
        let is_last = !piece.ends_with('<');
        let piece = piece.strip_suffix('<').unwrap_or(piece);
        let Some((tag, text)) = piece.split_once('>') else {
            let is_blank = piece.trim().is_empty() && (at == 1 || is_last);
            return if is_blank { Vec::new() } else { vec![(at, Part::Cut)] };
        };
        let mut parts = Vec::new();
        let name = tag.split(char::is_whitespace).next().unwrap_or("");
        match name.strip_prefix('/') {
            _ if tag.starts_with(['?', '!']) => {}
            Some(closed) => parts.push((at, Part::Close(closed))),
            None => {
                parts.push((at, Part::Open(name.trim_end_matches('/'))));
                parts.extend(tag.ends_with('/').then(|| (at, Part::Close(name.trim_end_matches('/')))));
            }
        }
        let at_text = at + tag.matches('\n').count();
        parts.extend((!text.trim().is_empty()).then(|| (at_text, Part::Text(text.trim()))));
        parts
    })
}
