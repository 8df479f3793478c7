//! Whether a teacher can teach a student: both must see the same pillars and speak of the same anchors.

use percept_models::pointpillars::{PointPillarsConfig, RawPointPillarsConfig};

use crate::DistillError;

/// Refuses a pair whose pillars or anchors differ, with everything that does.
///
/// # Errors
/// The keys that differ and their values.
pub fn check_pair(
    student: &PointPillarsConfig,
    teacher: &PointPillarsConfig,
    teacher_name: &str,
) -> Result<(), DistillError> {
    let (s, t): (&RawPointPillarsConfig, &RawPointPillarsConfig) = (student.raw(), teacher.raw());
    let mut differing = Vec::new();
    let mut compare = |key: &str, is_same: bool, student: String, teacher: String| {
        if !is_same {
            differing.push(format!("{key} (student {student}, teacher {teacher})"));
        }
    };
    macro_rules! same {
        ($($field:ident),*) => {
            $(compare(stringify!($field), s.$field == t.$field, format!("{:?}", s.$field), format!("{:?}", t.$field));)*
        };
    }
    same!(
        class_names,
        point_cloud_range_m,
        pillar_size_m,
        max_points_per_pillar,
        max_pillars,
        pfn_layout,
        anchor_convention,
        anchors,
        direction_offset_rad
    );
    compare(
        "input.intensity",
        s.input.intensity == t.input.intensity,
        format!("{:?}", s.input.intensity),
        format!("{:?}", t.input.intensity),
    );
    if differing.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "does not see what the student sees: {}; train the student with the teacher's grid, anchors and input",
        differing.join("; ")
    );
    Err(DistillError::Teacher { teacher: teacher_name.to_owned(), reason })
}
