//! KITTI's calibration file: projection of camera 2 and the way from the LiDAR to it.

use crate::EvalError;
use percept_types::{Camera, Transform};

/// What evaluation and conversion need of a calibration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Row-major 3x4 projection of camera 2 for rectified coordinates, P2.
    pub projection: [f64; 12],
    /// Row-major 3x3 rectifying rotation, R0_rect.
    pub rectification: [f64; 9],
    /// Row-major 3x4 from the LiDAR to the reference camera, Tr_velo_to_cam.
    pub reference_from_lidar: [f64; 12],
}

impl Calibration {
    /// Reads the text of a calibration file; both spellings of the object and tracking sets are known.
    ///
    /// # Errors
    /// When one of P2, R0_rect (R_rect), Tr_velo_to_cam (Tr_velo_cam) is absent, has another number of values, or one
    /// that is not finite; when the way from the LiDAR is no rigid transform.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, EvalError> {
        let calibration = Self {
            projection: matrix(source_name, text, &["P2"])?,
            rectification: matrix(source_name, text, &["R0_rect", "R_rect"])?,
            reference_from_lidar: matrix(source_name, text, &["Tr_velo_to_cam", "Tr_velo_cam"])?,
        };
        if Transform::is_rigid(&calibration.rectified_from_lidar()) {
            return Ok(calibration);
        }
        let problem = "R0_rect * Tr_velo_to_cam is no rotation, but a rigid transform is expected".to_owned();
        Err(EvalError::BadCalibration { source_name: source_name.to_owned(), problem })
    }

    /// The camera of an image of this size.
    pub fn camera(&self, width: usize, height: usize) -> Camera {
        let t_camera_lidar = Transform::from_matrix_3x4(&self.rectified_from_lidar());
        Camera { width, height, projection: self.projection, t_camera_lidar }
    }

    /// R0_rect * Tr_velo_to_cam, row-major 3x4.
    fn rectified_from_lidar(&self) -> [f64; 12] {
        let (r, t) = (&self.rectification, &self.reference_from_lidar);
        std::array::from_fn(|i| {
            let (row, column) = (i / 4, i % 4);
            (0..3).map(|k| r[row * 3 + k] * t[k * 4 + column]).sum()
        })
    }
}

fn matrix<const N: usize>(source_name: &str, text: &str, names: &[&str]) -> Result<[f64; N], EvalError> {
    let bad = |problem: String| EvalError::BadCalibration { source_name: source_name.to_owned(), problem };
    let is_named = |line: &str| {
        let name = line.split_whitespace().next().unwrap_or("");
        names.contains(&name.trim_end_matches(':'))
    };
    let found = text.lines().enumerate().find(|(_, line)| is_named(line));
    let (index, line) = found.ok_or_else(|| bad(format!("no line {}", names[0])))?;
    let bad = |problem: String| bad(format!("line {}: {problem}", index + 1));
    let mut values = [0.0; N];
    let mut count = 0;
    for text in line.split_whitespace().skip(1) {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                if let Some(slot) = values.get_mut(count) {
                    *slot = value;
                }
            }
            _ => return Err(bad(format!("{} holds {text:?}, but a finite number is expected", names[0]))),
        }
        count += 1;
    }
    if count == N { Ok(values) } else { Err(bad(format!("{} has {count} values, but {N} are expected", names[0]))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "P2: 700 0 600 40 0 700 180 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n\
                        Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27\n";

    #[test]
    fn a_point_ahead_of_the_lidar_is_ahead_of_the_camera() {
        let camera = Calibration::parse("calib", TEXT).unwrap().camera(1242, 375);
        let p = camera.t_camera_lidar.apply([10.0, 2.0, -1.0]);
        for (found, expected) in p.iter().zip([-2.0, 0.92, 9.73]) {
            assert!((found - expected).abs() < 1e-12, "{p:?}");
        }
    }

    #[test]
    fn absent_short_and_unreadable_matrices_are_named() {
        for (text, word) in [
            (TEXT.replace("R0_rect", "R1"), "no line R0_rect"),
            (TEXT.replace("180", ""), "11 values"),
            (TEXT.replace("700 0 600", "700 nan 600"), "\"nan\""),
            (TEXT.replace("1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 2"), "no rotation"),
        ] {
            let message = Calibration::parse("c.txt", &text).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("c.txt"), "{message}");
        }
    }
}
