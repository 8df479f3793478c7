//! Which frames a folder has, and what of each is there.

use super::parse_velodyne;
use crate::AppError;
use percept_eval::kitti::Calibration;
use percept_types::PointCloud;
use std::fs;
use std::path::{Path, PathBuf};

/// Far above any of KITTI's files (a cloud has 2 MB).
const LIMIT_BYTES: u64 = 64 << 20;

/// A folder of KITTI's object form with the numbers of its frames in order.
#[derive(Clone, Debug)]
pub struct KittiFolder {
    root: PathBuf,
    frames: Vec<u32>,
}

/// One frame: the parts that are there.
#[derive(Clone, Debug)]
pub struct KittiFrame {
    /// Number of the frame, from the file names.
    pub number: u32,
    /// The sweep, in the LiDAR's frame; reflectance 0..1.
    pub cloud: Option<PointCloud>,
    /// The calibration.
    pub calib: Option<Calibration>,
    /// The text of the calibration file.
    pub calib_text: Option<String>,
    /// The text of the label file, DontCare included.
    pub label_text: Option<String>,
    /// The bytes of the left colour image.
    pub image_png: Option<Vec<u8>>,
}

impl KittiFolder {
    /// Opens `root`, or `root/training` where that has the folders, and lists the frames found in `part`
    /// (`velodyne`, `label_2`).
    ///
    /// # Errors
    /// When the folder is not there, cannot be listed or has no such files.
    pub fn open(root: &Path, part: &'static str) -> Result<Self, AppError> {
        let nested = root.join("training");
        // A label folder may be given itself: its parent is then the root.
        let itself = root.parent().filter(|_| root.file_name().is_some_and(|name| name == part));
        let root = match (root.join(part).is_dir(), nested.join(part).is_dir(), itself) {
            (true, _, _) => root.to_owned(),
            (false, true, _) => nested,
            (false, false, Some(parent)) => parent.to_owned(),
            (false, false, None) => return Err(AppError::not_kitti(root, part)),
        };
        let mut frames = Vec::new();
        let folder = root.join(part);
        for entry in fs::read_dir(&folder).map_err(AppError::io("list", &folder))? {
            let name = entry.map_err(AppError::io("list", &folder))?.path();
            let number = name.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let (Some(number), Some("bin" | "txt")) = (number, name.extension().and_then(|e| e.to_str())) {
                frames.push(number);
            }
        }
        frames.sort_unstable();
        if frames.is_empty() {
            return Err(AppError::not_kitti(&root, part));
        }
        Ok(Self { root, frames })
    }

    /// The folder that holds `velodyne`, `calib` and so on.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Numbers of the frames, ascending.
    pub fn frames(&self) -> &[u32] {
        &self.frames
    }

    /// Reads what there is of a frame.
    ///
    /// # Errors
    /// When a file that is there cannot be read or understood; one that is missing is `None`.
    pub fn read(&self, number: u32) -> Result<KittiFrame, AppError> {
        let cloud = self.part(number, "velodyne", "bin")?;
        let image_png = self.part(number, "image_2", "png")?.map(|(_, bytes)| bytes);
        Ok(KittiFrame {
            number,
            cloud: cloud.map(|(path, bytes)| parse_velodyne(&path, &bytes)).transpose()?,
            calib: self.calib(number)?,
            calib_text: self.text(number, "calib")?.map(|(_, text)| text),
            label_text: self.label_text(number)?,
            image_png,
        })
    }

    /// The calibration of a frame.
    ///
    /// # Errors
    /// As [`KittiFolder::read`].
    pub fn calib(&self, number: u32) -> Result<Option<Calibration>, AppError> {
        self.text(number, "calib")?.map(|(path, text)| parse_calibration(&path, &text)).transpose()
    }

    /// The label text of a frame.
    ///
    /// # Errors
    /// As [`KittiFolder::read`].
    pub fn label_text(&self, number: u32) -> Result<Option<String>, AppError> {
        Ok(self.text(number, "label_2")?.map(|(_, text)| text))
    }

    /// Width and height in pixels of a frame's image, from its header; KITTI's usual 1242 x 375 without one.
    ///
    /// # Errors
    /// When the image is there but unreadable.
    pub fn image_size(&self, number: u32) -> Result<(usize, usize), AppError> {
        let path = self.path(number, "image_2", "png");
        if !path.is_file() {
            return Ok((1242, 375));
        }
        let (width, height) = image::image_dimensions(&path)
            .map_err(|e| AppError::DataFile { path, reason: format!("no readable PNG: {e}") })?;
        Ok((width as usize, height as usize))
    }

    /// Path of a part of a frame, there or not.
    pub fn path(&self, number: u32, part: &str, extension: &str) -> PathBuf {
        self.root.join(part).join(format!("{number:06}.{extension}"))
    }

    fn text(&self, number: u32, part: &str) -> Result<Option<(PathBuf, String)>, AppError> {
        let Some((path, bytes)) = self.part(number, part, "txt")? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some((path, text))),
            Err(_) => Err(AppError::DataFile { path, reason: "the text is not UTF-8".to_owned() }),
        }
    }

    fn part(&self, number: u32, part: &str, extension: &str) -> Result<Option<(PathBuf, Vec<u8>)>, AppError> {
        let path = self.path(number, part, extension);
        if !path.is_file() {
            return Ok(None);
        }
        let length = fs::metadata(&path).map_err(AppError::io("read", &path))?.len();
        if length > LIMIT_BYTES {
            let reason = format!("{length} bytes, expected at most {LIMIT_BYTES}");
            return Err(AppError::DataFile { path, reason });
        }
        let bytes = fs::read(&path).map_err(AppError::io("read", &path))?;
        Ok(Some((path, bytes)))
    }
}

fn parse_calibration(path: &Path, text: &str) -> Result<Calibration, AppError> {
    Calibration::parse(&path.to_string_lossy(), text)
        .map_err(|e| AppError::Stage { stage: "reading a calibration", reason: e.to_string() })
}
