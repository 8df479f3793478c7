//! What the shipped scenes promise, seen from outside.
// Helpers of tests lie outside test functions, where the lint does not know them as tests.
#![allow(clippy::unwrap_used)]

use percept_sim::actor::ActorKind;
use percept_sim::material::class;
use percept_sim::taxonomy::nuscenes_visibility_level;
use percept_sim::{
    Drive, LidarModel, Moment, RecordedFrame, SceneConfig, SceneMix, View, WeatherMix, WorldConfig, record,
    sample_frame, sample_in_detail,
};
use percept_types::Stamp;
use std::collections::BTreeSet;

fn world(scene: &str) -> WorldConfig {
    let scene = SceneConfig::named_or_from_file(scene).unwrap();
    WorldConfig { scene, ring_and_time: true, ..WorldConfig::kitti().unwrap() }
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// The same world with other weather.
fn under(scene: &str, weather: WeatherMix) -> WorldConfig {
    let mut config = world(scene);
    config.scene.weather = weather;
    config
}

fn only(kind: fn(&mut WeatherMix) -> &mut f64) -> WeatherMix {
    let mut weather = WeatherMix { clear: 0.0, ..WeatherMix::default() };
    *kind(&mut weather) = 1.0;
    weather
}

fn classes(frame: &RecordedFrame) -> &[u16] {
    &frame.frame.point_labels.as_ref().unwrap().class_ids
}

/// Kinds of actors and classes of points in some worlds of a scene.
fn inventory(scene: &str, seeds: std::ops::Range<u64>) -> (Vec<ActorKind>, BTreeSet<u16>) {
    let config = world(scene);
    let (mut kinds, mut seen) = (Vec::new(), BTreeSet::new());
    for seed in seeds {
        let frame = sample_in_detail(&config, seed, View::Full).unwrap();
        kinds.extend(frame.details.iter().map(|detail| detail.kind));
        seen.extend(classes(&frame));
    }
    (kinds, seen)
}

#[test]
fn every_shipped_scene_gives_the_same_bytes_with_one_thread_and_with_three() {
    for scene in SceneConfig::shipped() {
        let config = world(scene);
        let one = with_threads(1, || sample_in_detail(&config, 4, View::KittiCamera).unwrap());
        let three = with_threads(3, || sample_in_detail(&config, 4, View::KittiCamera).unwrap());
        assert_eq!(one, three, "{scene}");
        assert_ne!(one, sample_in_detail(&config, 5, View::KittiCamera).unwrap(), "{scene}");
    }
}

#[test]
fn weather_is_the_same_with_any_number_of_threads() {
    for weather in [only(|w| &mut w.rain), only(|w| &mut w.fog), only(|w| &mut w.dust)] {
        let config = under("urban", weather);
        let one = with_threads(1, || sample_frame(&config, 9, View::KittiCamera).unwrap());
        let two = with_threads(2, || sample_frame(&config, 9, View::KittiCamera).unwrap());
        assert_eq!(one, two);
    }
}

#[test]
fn a_town_has_its_vehicles_its_people_and_its_furniture() {
    let (kinds, seen) = inventory("urban", 0..14);
    // Some worlds have none of these, trolleys belong to car parks.
    let rare = [ActorKind::Trailer, ActorKind::BendyBus, ActorKind::Tram, ActorKind::Trolley];
    for kind in ActorKind::ALL.into_iter().filter(|kind| !rare.contains(kind)) {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    for expected in
        [class::LANE_MARKING, class::SIDEWALK, class::BUILDING, class::POLE, class::TRAFFIC_SIGN, class::TRUNK]
    {
        assert!(seen.contains(&expected), "{expected}");
    }
}

#[test]
fn gardens_have_hedges_fences_and_grass() {
    let (kinds, seen) = inventory("residential", 0..6);
    assert!(kinds.contains(&ActorKind::Car) && kinds.contains(&ActorKind::Adult));
    for expected in [class::VEGETATION, class::FENCE, class::TERRAIN, class::BUILDING] {
        assert!(seen.contains(&expected), "{expected}");
    }
}

#[test]
fn a_motorway_has_fast_traffic_lorries_and_barriers_and_nobody_on_foot_in_its_lanes() {
    let config = world("highway");
    let (kinds, seen) = inventory("highway", 0..8);
    assert!(kinds.contains(&ActorKind::Truck) && kinds.contains(&ActorKind::Car));
    assert!(seen.contains(&class::FENCE) && seen.contains(&class::LANE_MARKING));
    let mut fastest = 0.0_f64;
    for seed in 0..8 {
        for object in sample_frame(&config, seed, View::Full).unwrap().objects {
            let speed = object.velocity_mps[0].hypot(object.velocity_mps[1]);
            fastest = fastest.max(speed);
            assert!(object.class_name != "Pedestrian" || speed == 0.0, "{object:?}");
        }
    }
    assert!(fastest > 25.0, "{fastest}");
}

#[test]
fn a_car_park_is_full_of_cars_that_stand_and_has_trolleys() {
    let (kinds, _) = inventory("parking", 0..6);
    let cars = kinds.iter().filter(|kind| **kind == ActorKind::Car).count();
    assert!(cars > 6 * 30, "{cars} cars in 6 frames");
    assert!(kinds.contains(&ActorKind::Trolley) && kinds.contains(&ActorKind::Adult));
}

#[test]
fn cones_and_barriers_are_labelled_in_boxes_points_and_nuscenes_terms() {
    let mut config = world("urban");
    config.scene.details.construction_per_100m = [3.0, 4.0];
    config.scene.weather = WeatherMix::default();
    let mut points = 0;
    for seed in 0..4 {
        let frame = sample_in_detail(&config, seed, View::Full).unwrap();
        let labels = frame.frame.point_labels.as_ref().unwrap();
        for (object, detail) in frame.frame.objects.iter().zip(&frame.details) {
            assert_eq!(object.instance_id, detail.instance_id);
            if detail.kind != ActorKind::Cone {
                continue;
            }
            assert_eq!(object.class_name, "Misc");
            for (index, id) in labels.instance_ids.iter().enumerate() {
                if u32::from(*id) == detail.instance_id {
                    points += 1;
                    assert_eq!((labels.class_ids[index], frame.nuscenes_classes[index]), (class::OTHER_OBJECT, 12));
                }
            }
        }
    }
    assert!(points > 30, "{points} points on cones");
}

#[test]
fn visibility_is_the_share_of_rays_that_nothing_blocks() {
    let config = world("urban");
    let mut levels = [0_usize; 5];
    for seed in 0..5 {
        let frame = sample_in_detail(&config, seed, View::Full).unwrap();
        for (object, detail) in frame.frame.objects.iter().zip(&frame.details) {
            let share = detail.visible_share.unwrap_or(0.0);
            assert_eq!(detail.nuscenes_visibility, nuscenes_visibility_level(share));
            levels[usize::from(detail.nuscenes_visibility)] += 1;
            let is_clear = object.occlusion == percept_types::Occlusion::Visible;
            assert_eq!(is_clear, detail.visible_share.is_some_and(|share| 1.0 - share < 0.15), "{object:?} {detail:?}");
        }
    }
    assert!(levels[1..].iter().all(|count| *count > 3), "{levels:?}");
}

#[test]
fn fog_of_30_m_visibility_takes_the_far_returns_and_adds_near_ones_of_nothing() {
    let clear = under("urban", WeatherMix::default());
    let fog = under("urban", WeatherMix { fog_visibility_m: [30.0, 30.0], ..only(|w| &mut w.fog) });
    let far = |config: &WorldConfig| {
        let frame = sample_in_detail(config, 3, View::Full).unwrap();
        let far = frame.frame.cloud.points().filter(|p| p[0].hypot(p[1]) > 35.0).count();
        let labels = frame.frame.point_labels.as_ref().unwrap().clone();
        let air = labels.class_ids.iter().zip(&labels.instance_ids).filter(|(c, _)| **c == class::OUTLIER);
        assert!(air.clone().all(|(_, id)| *id == 0));
        (far, air.count())
    };
    let ((far_clear, air_clear), (far_fog, air_fog)) = (far(&clear), far(&fog));
    assert!(far_clear > 2000 && far_fog * 20 < far_clear, "{far_clear} and {far_fog}");
    assert!(air_clear == 0 && air_fog > 500, "{air_clear} and {air_fog}");
}

#[test]
fn wet_roads_are_darker_and_lose_flat_returns() {
    let dry = under("urban", WeatherMix::default());
    let mut wet = dry.clone();
    wet.scene.weather.wet_share = 1.0;
    let road = |config: &WorldConfig| {
        let (mut near, mut bright, mut far) = (0_usize, 0.0_f64, 0_usize);
        for seed in 0..4 {
            let frame = sample_in_detail(config, seed, View::Full).unwrap();
            for (point, class_id) in frame.frame.cloud.points().zip(classes(&frame)) {
                let range = point[0].hypot(point[1]);
                if *class_id == class::ROAD && range < 10.0 {
                    (near, bright) = (near + 1, bright + f64::from(point[3]));
                }
                far += usize::from(*class_id == class::ROAD && range > 25.0);
            }
        }
        (bright / near as f64, far)
    };
    let ((dry_bright, dry_far), (wet_bright, wet_far)) = (road(&dry), road(&wet));
    assert!(wet_bright < 0.85 * dry_bright, "{wet_bright} and {dry_bright}");
    assert!(wet_far * 10 < dry_far * 9, "{wet_far} and {dry_far}");
}

#[test]
fn a_sensor_that_sees_far_finds_a_world_there() {
    let sensor = LidarModel::named_or_from_file("pandar128").unwrap();
    assert!(sensor.range_m[1] > 150.0);
    let config = WorldConfig { sensor, truth_range_m: 200.0, ..under("highway", WeatherMix::default()) };
    let frame = sample_in_detail(&config, 2, View::Full).unwrap();
    let far = frame.frame.cloud.points().filter(|p| p[0].hypot(p[1]) > 120.0).count();
    assert!(far > 200, "{far} points beyond 120 m");
    let objects = frame.frame.objects.iter().filter(|o| o.box3d.center_m[0].hypot(o.box3d.center_m[1]) > 120.0);
    assert!(objects.count() > 0);
}

#[test]
fn a_drive_forgets_what_lies_behind_and_sees_the_same() {
    let config = world("urban");
    let view = View::Ahead { half_width_deg: 10.0 };
    let frames = 130;
    let mut drive = Drive::new(config.clone(), 6, view, 20.0, frames, Stamp::from_ns(0)).unwrap();
    let first = drive.world().scenery.len();
    let last = drive.by_ref().last().unwrap().unwrap();
    assert!(drive.world().scenery.len() * 4 < first * 3, "{} of {first}", drive.world().scenery.len());
    // The same place in a world that forgot nothing.
    let drive = Drive::new(config.clone(), 6, view, 20.0, frames, Stamp::from_ns(0)).unwrap();
    let time_s = (frames - 1) as f64 * 0.1;
    let moment = Moment { time_s, ego_s_m: 20.0 * time_s, ego_speed_mps: 20.0, index: frames - 1 };
    assert_eq!(record(&config, drive.world(), 6, moment, view).unwrap(), last.frame);
}

#[test]
fn frames_of_a_mix_are_those_of_the_scene_that_their_seed_draws() {
    let mix = SceneMix::parse("highway,parking=2").unwrap();
    for seed in 0..3 {
        let config = WorldConfig { scene: mix.draw(seed).clone(), ..WorldConfig::kitti().unwrap() };
        let drawn = sample_frame(&config, seed, View::KittiCamera).unwrap();
        assert_eq!(drawn, sample_frame(&config, seed, View::KittiCamera).unwrap());
    }
}
