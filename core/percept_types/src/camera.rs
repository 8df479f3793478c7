//! A pinhole camera as calibration tells it.

use crate::{Box3d, Transform};

/// A rectangle in an image, in pixels: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageBox {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl ImageBox {
    /// Width times height, 0 when turned inside out.
    pub fn area(&self) -> f64 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Height in pixels.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// A camera of known size, projection and place.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// Width of the image in pixels.
    pub width: usize,
    /// Height of the image in pixels.
    pub height: usize,
    /// Row-major 3x4 projection of rectified camera coordinates (KITTI's P2, CameraInfo's p).
    pub projection: [f64; 12],
    /// From the LiDAR's frame to the rectified camera frame (x right, y down, z forward).
    pub t_camera_lidar: Transform,
}

/// A point on the image plane with its depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PinholeProjection {
    /// Column in pixels.
    pub u: f64,
    /// Row in pixels.
    pub v: f64,
    /// Distance along the optical axis in metres.
    pub depth_m: f64,
}

impl Camera {
    /// Projects a point given in the rectified camera frame; `None` at or behind the image plane.
    pub fn project_camera_point(&self, p: [f64; 3]) -> Option<PinholeProjection> {
        let row = |i: usize| {
            let r = &self.projection[i * 4..i * 4 + 4];
            r[0] * p[0] + r[1] * p[1] + r[2] * p[2] + r[3]
        };
        let w = row(2);
        (w > 0.0).then(|| PinholeProjection { u: row(0) / w, v: row(1) / w, depth_m: p[2] })
    }

    /// Projects a point given in the LiDAR's frame.
    pub fn project_lidar_point(&self, point_m: [f64; 3]) -> Option<PinholeProjection> {
        self.project_camera_point(self.t_camera_lidar.apply(point_m))
    }

    /// Whether a LiDAR point is seen: in front and inside the image, the rule of KITTI's reduced clouds.
    pub fn sees(&self, point_m: [f64; 3]) -> bool {
        let camera_point = self.t_camera_lidar.apply(point_m);
        camera_point[2] > 0.0
            && self
                .project_camera_point(camera_point)
                .is_some_and(|p| p.u >= 0.0 && p.u < self.width as f64 && p.v >= 0.0 && p.v < self.height as f64)
    }

    /// The image hull of a box's corners, not clipped; `None` when a corner lies at or behind the image plane.
    pub fn project_box(&self, b: &Box3d) -> Option<ImageBox> {
        let mut hull = ImageBox { left: f64::MAX, top: f64::MAX, right: f64::MIN, bottom: f64::MIN };
        for corner in b.corners_m() {
            let p = self.project_lidar_point(corner)?;
            hull.left = hull.left.min(p.u);
            hull.right = hull.right.max(p.u);
            hull.top = hull.top.min(p.v);
            hull.bottom = hull.bottom.max(p.v);
        }
        Some(hull)
    }

    /// A hull cut to the image, corners at most at the last pixel (width - 1, height - 1) as in KITTI's labels;
    /// `None` when nothing of it is inside.
    pub fn clip(&self, hull: &ImageBox) -> Option<ImageBox> {
        let (right, bottom) = ((self.width as f64) - 1.0, (self.height as f64) - 1.0);
        let clipped = ImageBox {
            left: hull.left.clamp(0.0, right),
            top: hull.top.clamp(0.0, bottom),
            right: hull.right.clamp(0.0, right),
            bottom: hull.bottom.clamp(0.0, bottom),
        };
        (clipped.area() > 0.0).then_some(clipped)
    }
}
