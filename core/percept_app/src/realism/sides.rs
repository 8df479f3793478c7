//! The statistics of each side, gathered alike.

use super::bag_side::{BagSide, RING_COLUMN};
use super::name_of;
use crate::simulate::{SimulateSettings, SimulatedView};
use crate::{AppError, Progress};
use percept_eval::realism::{RealismStatistics, RowSource, SensorRow, SensorRows, SweepWithTruth};
use percept_sim::{LidarModel, RingOrder, SceneMix, WorldConfig, sample_frame};
use percept_types::{Camera, PointCloud};

/// One side.
pub(super) struct Side {
    /// What it is, in words.
    pub name: String,
    pub statistics: RealismStatistics,
    /// What was noticed on the way.
    pub notes: Vec<String>,
}

/// How sweeps of either side are cropped and their rings told.
pub(super) struct Gathering {
    sensor: SensorRows,
    view: SimulatedView,
    rows: RowSource,
}

/// What was missing in a bag.
#[derive(Default)]
struct Missing {
    unreadable: Vec<String>,
    camera: u64,
    truth: u64,
    intensity: u64,
}

impl Gathering {
    /// For a sensor; rings by the driver's numbers where both sides have them.
    pub fn new(config: &WorldConfig, view: SimulatedView, real_tells_rings: bool) -> Self {
        let sensor = &config.sensor;
        let bottom_up = sensor.ring_order == RingOrder::BottomUp;
        let by_column = RowSource::Column { column: RING_COLUMN, bottom_up };
        let rows = if real_tells_rings && config.ring_and_time { by_column } else { RowSource::Elevation };
        Self { sensor: rows_of(sensor), view, rows }
    }

    /// Frames of worlds of their own, one a seed.
    pub fn worlds(
        &self,
        config: &WorldConfig,
        settings: &SimulateSettings,
        progress: &mut dyn Progress,
    ) -> Result<Side, AppError> {
        let mut statistics = RealismStatistics::new(self.sensor.clone());
        let scenes = SceneMix::parse(&settings.scene).map_err(AppError::stage("simulation"))?;
        progress.begin("simulate", Some(settings.frames));
        for index in 0..settings.frames {
            let seed = settings.seed.wrapping_add(index);
            let config = WorldConfig { scene: scenes.draw(seed).clone(), ..config.clone() };
            let frame = sample_frame(&config, seed, settings.view.into()).map_err(AppError::stage("simulation"))?;
            let cloud = with_columns(&frame.cloud)?;
            statistics.add(&SweepWithTruth { cloud: &cloud, rows: self.rows, objects: Some(&frame.objects) });
            progress.advance(1);
            if progress.stop_asked() {
                break;
            }
        }
        progress.end();
        let name = format!("{} worlds, seeds from {}", statistics.frames(), settings.seed);
        Ok(Side { name, statistics, notes: Vec::new() })
    }

    /// The sweeps of a bag.
    pub fn bag(&self, side: &BagSide, progress: &mut dyn Progress) -> Result<Side, AppError> {
        let mut statistics = RealismStatistics::new(self.sensor.clone());
        let mut missing = Missing::default();
        let crops = self.view == SimulatedView::KittiCamera && side.has_cameras();
        progress.begin("read", Some(side.expected()));
        for sweep in side.sweeps()? {
            match sweep? {
                Err(reason) => missing.unreadable.push(reason),
                // Among cropped sweeps a whole one would tell of another view.
                Ok(sweep) if crops && sweep.camera.is_none() => missing.camera += 1,
                Ok(sweep) => {
                    missing.truth += u64::from(sweep.objects.is_none());
                    missing.intensity += u64::from(!sweep.has_intensity);
                    let cloud = self.cropped(sweep.cloud.clone(), sweep.camera);
                    statistics.add(&SweepWithTruth { cloud: &cloud, rows: self.rows, objects: sweep.objects });
                }
            }
            progress.advance(1);
            if progress.stop_asked() {
                break;
            }
        }
        progress.end();
        if statistics.frames() == 0 {
            let first = missing.unreadable.first().map_or("there is none".to_owned(), Clone::clone);
            let reason = format!("no cloud of {} can be read: {first}", name_of(&side.bag));
            return Err(AppError::Stage { stage: "reading sweeps", reason });
        }
        let notes = missing.notes(side, self.view);
        Ok(Side { name: name_of(&side.bag), statistics, notes })
    }

    fn cropped(&self, cloud: PointCloud, camera: Option<&Camera>) -> PointCloud {
        match (self.view, camera) {
            (SimulatedView::KittiCamera, Some(camera)) => {
                cloud.filtered(|p| camera.sees([p[0], p[1], p[2]].map(f64::from)))
            }
            (SimulatedView::KittiCamera, None) | (SimulatedView::Full, _) => cloud,
        }
    }
}

impl Missing {
    fn notes(&self, side: &BagSide, view: SimulatedView) -> Vec<String> {
        let mut notes = Vec::new();
        let bag = name_of(&side.bag);
        if let Some(first) = self.unreadable.first() {
            notes.push(format!(
                "{bag}: {} clouds cannot be read and are left out, first: {first}",
                self.unreadable.len()
            ));
        }
        if self.truth > 0 {
            let why = side.without_truth.as_deref().unwrap_or("no message has their stamp");
            notes.push(format!("{bag}: {} sweeps have no true boxes: {why}", self.truth));
        }
        if self.camera > 0 {
            notes.push(format!(
                "{bag}: {} sweeps have no labels with a camera to crop to and are left out",
                self.camera
            ));
        } else if view == SimulatedView::KittiCamera && !side.has_cameras() {
            notes.push(format!("{bag}: no sweep has a camera beside it: they are taken as they are"));
        }
        if self.intensity > 0 {
            notes.push(format!("{bag}: {} sweeps have no field intensity: theirs is taken as 0", self.intensity));
        }
        notes
    }
}

/// x, y, z, intensity, ring: the columns of a bag's sweep.
fn with_columns(cloud: &PointCloud) -> Result<PointCloud, AppError> {
    let layout = cloud.layout();
    let columns = ["intensity", "ring"].map(|name| layout.index_of(name));
    let value = |point: &[f32], column: Option<usize>| column.and_then(|c| point.get(c)).copied().unwrap_or(0.0);
    let values = cloud.points().flat_map(|p| [p[0], p[1], p[2], value(p, columns[0]), value(p, columns[1])]).collect();
    let layout = percept_types::PointLayout::xyz_and(&["intensity", "ring"]);
    PointCloud::new(layout, values).map_err(AppError::stage("simulation"))
}

fn rows_of(sensor: &LidarModel) -> SensorRows {
    let row = |ring: &percept_sim::Ring| SensorRow {
        elevation_rad: f64::from(ring.elevation_deg).to_radians(),
        origin_m: [ring.origin_m[0], ring.origin_m[2]].map(f64::from),
    };
    SensorRows {
        rows: sensor.rings.iter().map(row).collect(),
        azimuth_step_rad: std::f64::consts::TAU / sensor.azimuth_steps as f64,
        height_m: sensor.mounting_height_m,
        max_range_m: f64::from(sensor.range_m[1]),
        // Counts of photons have no largest value.
        full_scale: sensor.signal.is_none().then(|| f64::from(sensor.intensity.full_scale)),
    }
}
