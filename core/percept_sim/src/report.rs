//! What the sensor says of its rays: drop, disturb, label, in the driver's order.

use crate::error::SimError;
use crate::frame::WorldConfig;
use crate::material::class;
use crate::random::{mix, normal_from_hash, unit_from_hash};
use crate::raycast::Hit;
use crate::sensor::{IntensityDraws, LidarModel, PointDriver};
use crate::sweep::{CastRay, RayState, Sweep};
use crate::vector::{Vec3, to_f64};
use percept_types::{PointCloud, PointLabels, PointLayout};

/// Turns what was met into the points that the sensor reports, with their labels.
pub(crate) fn assemble(
    config: &WorldConfig,
    sweep: &Sweep,
    rays: &[CastRay],
    seed: u64,
) -> Result<(PointCloud, PointLabels), SimError> {
    let sensor = &config.sensor;
    let (columns, is_organised) = (channels(config), sensor.driver == PointDriver::Ouster);
    let mut values = Vec::with_capacity(rays.len() * (3 + columns.len()));
    let mut labels = PointLabels::default();
    // Lasers keep their offsets through a drive.
    let lasers: Vec<f32> =
        (0..sensor.rings.len()).map(|ring| normal_from_hash(mix(mix(seed, 0x6c61_7365), ring as u64))).collect();
    for index in order_of_points(sensor, sweep.steps.len()) {
        let ray = &rays[index];
        let met = match ray.state {
            RayState::Met(hit) => report(sensor, ray, &hit, lasers[ray.ring]).map(|point| (point, hit)),
            RayState::Open | RayState::Skipped => None,
        };
        let met = met.filter(|(p, _)| sweep.crop.as_ref().is_none_or(|camera| camera.sees(to_f64(p.place_m))));
        let (point, material, instance_id) = match met {
            Some((point, hit)) => (point, Some(hit.material.class_id), hit.instance_id),
            None if is_organised => (Reported::default(), None, 0),
            None => continue,
        };
        values.extend([point.place_m.x, point.place_m.y, point.place_m.z, point.intensity]);
        if config.ring_and_time {
            let time_s = sensor.time_offset_s(ray.step, &sensor.rings[ray.ring]);
            values.extend([sensor.ring_number(ray.ring) as f32, time_of(config, time_s)]);
            if is_organised {
                values.extend([point.reflectivity, point.range_m]);
            }
        }
        labels.class_ids.push(material.unwrap_or(class::UNLABELED));
        labels.instance_ids.push(instance_id);
    }
    Ok((PointCloud::new(PointLayout::xyz_and(columns), values)?, labels))
}

/// Columns of the cloud after x, y, z.
fn channels(config: &WorldConfig) -> &'static [&'static str] {
    match (config.ring_and_time, config.sensor.driver) {
        (false, _) => &["intensity"],
        (true, PointDriver::Ouster) => &["intensity", "ring", "time", "reflectivity", "range"],
        (true, PointDriver::Velodyne | PointDriver::Hesai) => &["intensity", "ring", "time"],
    }
}

/// Seconds as written: KITTI's world tells none where nothing moves.
fn time_of(config: &WorldConfig, time_s: f64) -> f32 {
    if config.moving_targets || config.sensor.is_rolling() { time_s as f32 } else { 0.0 }
}

/// The rays (ring by ring) in the order in which the driver gives their points: by time, or for Ouster's image row by
/// row with each row moved so that a column has one azimuth; ring by ring where motion is taken out.
fn order_of_points(sensor: &LidarModel, steps: usize) -> Vec<usize> {
    let rings = sensor.rings.len();
    if sensor.driver == PointDriver::Ouster {
        let shifts = sensor.column_shifts();
        let column = |shift: usize, pixel: usize| (pixel + steps - shift % steps.max(1)) % steps.max(1);
        return (0..rings)
            .flat_map(|ring| (0..steps).map(move |pixel| (ring, pixel)))
            .map(|(ring, pixel)| ring * steps + column(shifts[ring], pixel))
            .collect();
    }
    if !sensor.is_rolling() {
        return (0..rings * steps).collect();
    }
    let mut firing_order: Vec<usize> = (0..rings).collect();
    firing_order.sort_by(|a, b| sensor.rings[*a].fire_time_us.total_cmp(&sensor.rings[*b].fire_time_us));
    (0..steps).flat_map(|step| firing_order.iter().map(move |ring| ring * steps + step)).collect()
}

/// What the sensor says of one return.
#[derive(Clone, Copy, Default)]
struct Reported {
    /// In the sensor's frame at the time of the ray.
    place_m: Vec3,
    intensity: f32,
    /// Where `intensity` is a count of photons: what it would be otherwise.
    reflectivity: f32,
    range_m: f32,
}

/// What the sensor reports for a hit, unless it reports nothing.
fn report(sensor: &LidarModel, ray: &CastRay, hit: &Hit, laser: f32) -> Option<Reported> {
    // What the air takes away counts like a longer way: the signal falls with the square of the range.
    let as_far_m = hit.range_m.max(0.1) / hit.transmission.max(1e-9).sqrt();
    let keep = sensor.drop_out.keep(&hit.material, hit.cos_incidence, as_far_m);
    // Dark paint mirrors in patches; weak returns fail one by one.
    let mirrored = hit.lost || ray.beam.chance(2) < hit.material.mirrored(hit.cos_incidence);
    if mirrored || unit_from_hash(mix(ray.beam.key, 6)) >= keep {
        return None;
    }
    let range_m = hit.range_m + sensor.range_noise_m * normal_from_hash(mix(ray.beam.key, 3));
    let step = sensor.range_quantum_m;
    let range_m = if step > 0.0 { (range_m / step).round() * step } else { range_m };
    if range_m < sensor.range_m[0] || range_m > sensor.range_m[1] {
        return None;
    }
    let seen = hit.material.dimmed(hit.transmission);
    let draws = IntensityDraws {
        laser,
        texture: normal_from_hash(mix(ray.beam.key, 4)),
        noise: normal_from_hash(mix(ray.beam.key, 5)),
        dark: unit_from_hash(mix(ray.beam.key, 7)),
    };
    let reflectivity = sensor.intensity.intensity(&seen, hit.cos_incidence, range_m, draws);
    let intensity = match &sensor.signal {
        Some(law) => law.photons(&seen, hit.cos_incidence, range_m, draws.noise),
        None => reflectivity,
    };
    let [forward, left, _] = sensor.rings[ray.ring].origin_m;
    // Ouster counts the range from the axis along the beam's start and on along the beam.
    let from_axis_m = range_m + forward.hypot(left);
    let place_m = ray.origin + ray.direction * range_m;
    Some(Reported { place_m, intensity, reflectivity, range_m: from_axis_m })
}
