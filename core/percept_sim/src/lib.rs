//! A simulated world for LiDAR and cameras: streets with vehicles, people and plants, sensors described by data, and
//! the truth.
//!
//! Sensors are data files ([`LidarModel`], [`CameraRig`]); the sweeps of all but KITTI's roll while the vehicle and
//! others move. Cameras see the surfaces that the LiDAR's rays meet, in a light drawn from the world's seed.
//!
//! [`sample_frame`] draws a world from a seed and records one labelled revolution (or the sector ahead, or what KITTI's
//! camera sees); [`Drive`] records a continuous drive through one world. The same seed gives the same bytes, with any
//! number of threads. Labels follow KITTI (boxes) and SemanticKITTI (a class and an instance a point).

pub mod actor;
mod camera;
mod changes;
mod drive;
mod error;
mod frame;
mod ground;
pub mod material;
mod path;
mod random;
mod raycast;
mod render;
mod report;
mod rig;
mod road;
mod scene;
mod sensor;
mod solid;
mod stage;
mod sweep;
pub mod taxonomy;
mod truth;
mod vector;
mod weather;

pub use camera::{camera_beside, image_box, kitti_camera, t_base_lidar};
pub use drive::{Drive, DriveFrame};
pub use error::SimError;
pub use frame::{Moment, RecordedFrame, View, WorldConfig, record, record_in_detail, sample_frame, sample_in_detail};
pub use random::Sampler;
pub use render::{CameraFrame, ImageObject, LightSettings, RenderSettings, RenderedImage, render_cameras};
pub use rig::{CameraRig, Exposure, RigCamera};
pub use scene::{
    Actor, CarPark, Details, FrontageMix, LayoutKind, Motion, Motorway, ParkingMix, PeopleMix, SceneConfig, SceneMix,
    Simplify, TrafficMix, World, WorldSize,
};
pub use sensor::{
    DropOutLaw, IntensityDraws, IntensityLaw, LidarModel, PointDriver, Ring, RingOrder, Rotation, SignalLaw,
    SweepMotion,
};
pub use solid::{Shape, Solid};
pub use truth::ObjectDetail;
pub use vector::Vec3;
pub use weather::{DustCloud, Weather, WeatherMix};
