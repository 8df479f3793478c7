//! From cloud topics and TF to what the model sees.

use super::motion::{Lookup, Place, compensate, motion};
use super::sweep::{Sweep, pack};
use super::{CloudSettings, Mounting, crop::crop};
use crate::transforms::may_come;
use crate::{Arrival, Assemble, Assembled, EventKind, Frame, InputFault, Metrics, TransformListener};
use percept_msgs::sensor_msgs::PointCloud2;
use percept_transport::{Keep, QosProfile, Received, Subscription, Transport, TransportError};
use percept_types::{RawCloud, Stamp, Stamped, Transform, TransformError};
use std::collections::VecDeque;
use std::time::Duration;

/// Clouds of a further LiDAR that wait for the main one.
const FURTHER_WAITING: usize = 4;

/// Makes the model's input of a cloud and, where known, `t_base_cloud`.
type Make<I> = Box<dyn Fn(RawCloud, Option<Transform>) -> I + Send>;

/// One LiDAR or several, with all that [`CloudSettings`] ask for.
pub struct CloudAssembler<I> {
    settings: CloudSettings,
    main: Subscription<PointCloud2>,
    further: Vec<Further>,
    transforms: Option<TransformListener>,
    make: Make<I>,
    pending: Option<Pending>,
    past: VecDeque<Sweep>,
    /// TF did not tell of the mounting while a cloud waited for it: later clouds do not wait again.
    gave_up_mounting: bool,
}

struct Further {
    topic: Subscription<PointCloud2>,
    waiting: VecDeque<Stamped<RawCloud>>,
}

struct Pending {
    cloud: Stamped<RawCloud>,
    received_steady: Duration,
}

/// Why a cloud cannot go on yet, or at all.
#[derive(Debug)]
enum Hold {
    Transform(TransformError),
    /// A further LiDAR's cloud may still come.
    Further,
}

impl From<TransformError> for Hold {
    fn from(error: TransformError) -> Self {
        Self::Transform(error)
    }
}

impl Lookup for TransformListener {
    fn lookup(&self, to: &str, from: &str, stamp: Stamp) -> Result<Transform, TransformError> {
        TransformListener::lookup(self, to, from, stamp)
    }
}

fn decode(received: Received<PointCloud2>) -> Result<(Stamped<RawCloud>, Duration), InputFault> {
    let cloud = received.message.into_stamped(received.received_at);
    let cloud = cloud.map_err(|error| InputFault { kind: EventKind::Malformed, reason: error.to_string() })?;
    Ok((cloud, received.received_steady))
}

impl<I> CloudAssembler<I> {
    /// Subscribes to the clouds and, where needed, to TF. `make` turns a cloud and `t_base_cloud` into an input.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn new(
        transport: &Transport,
        settings: CloudSettings,
        make: impl Fn(RawCloud, Option<Transform>) -> I + Send + 'static,
    ) -> Result<Self, TransportError> {
        let mut topics = settings.topics.iter();
        let main = topics.next().map_or("~/input/pointcloud", String::as_str);
        let main = transport.subscribe(main, QosProfile::SENSOR_DATA, Keep::Latest)?;
        let further = topics.map(|topic| {
            let topic = transport.subscribe(topic, QosProfile::SENSOR_DATA, Keep::Last(FURTHER_WAITING))?;
            Ok::<_, TransportError>(Further { topic, waiting: VecDeque::new() })
        });
        let further = further.collect::<Result<_, _>>()?;
        let transforms = settings.needs_transforms().then(|| TransformListener::new(transport)).transpose()?;
        let (pending, past) = (None, VecDeque::new());
        let make = Box::new(make);
        Ok(Self { settings, main, further, transforms, make, pending, past, gave_up_mounting: false })
    }

    /// The main topic's full name.
    pub fn topic(&self) -> &percept_transport::TopicName {
        self.main.topic()
    }

    /// What arrives on the main topic.
    pub fn arrivals(&self) -> percept_transport::Arrivals {
        self.main.arrivals()
    }

    fn take_further(&mut self, steady: Duration, metrics: &mut Metrics) {
        for further in &mut self.further {
            while let Some(received) = further.topic.take() {
                let decoded = received
                    .map_err(|error| InputFault { kind: EventKind::Malformed, reason: error.to_string() })
                    .and_then(decode);
                match decoded {
                    Ok((cloud, _)) => {
                        if further.waiting.len() == FURTHER_WAITING {
                            further.waiting.pop_front();
                        }
                        further.waiting.push_back(cloud);
                    }
                    Err(fault) => metrics.note(fault.kind, steady, fault.reason),
                }
            }
        }
    }

    /// `t_base_cloud`, where it is asked for and known.
    fn mounting(&mut self, cloud: &Stamped<()>, is_late: bool) -> Result<Option<Transform>, TransformError> {
        let (Some(tf), Mounting::IfKnown(bases) | Mounting::Required(bases)) =
            (&self.transforms, &self.settings.mounting)
        else {
            return Ok(None);
        };
        let mut first_fault = None;
        for base in bases {
            match tf.lookup(base, &cloud.frame_id, cloud.stamp) {
                Ok(t_base_cloud) => return Ok(Some(t_base_cloud)),
                // The frames are connected, only this moment is not known.
                Err(error @ (TransformError::AfterNewest { .. } | TransformError::BeforeOldest { .. })) => {
                    return Err(error);
                }
                Err(error) => drop(first_fault.get_or_insert(error)),
            }
        }
        let is_optional = matches!(self.settings.mounting, Mounting::IfKnown(_));
        if is_optional && (is_late || self.gave_up_mounting) {
            self.gave_up_mounting = true;
            return Ok(None);
        }
        first_fault.map_or(Ok(None), Err)
    }

    /// The main cloud with everything that is asked for; a copy of its bytes only where something is.
    fn prepare(
        &mut self,
        cloud: &mut Stamped<RawCloud>,
        is_late: bool,
        steady: Duration,
        metrics: &mut Metrics,
    ) -> Result<RawCloud, Hold> {
        if self.settings.leaves_clouds_alone() {
            return Ok(std::mem::replace(&mut cloud.payload, nothing()));
        }
        let to = Place { frame_id: &cloud.frame_id, stamp: cloud.stamp };
        let matching = self.matching(cloud.stamp, is_late)?;
        let mut sweep = self.sweep_at(cloud, to)?;
        let mut lost = Vec::new();
        for (further, nearest) in self.further.iter().zip(matching) {
            let Some(other) = nearest.and_then(|at| further.waiting.get(at)) else {
                lost.push(format!("nothing on {} that belongs to {}", further.topic.topic(), cloud.stamp));
                continue;
            };
            let other = self.sweep_at(other, to)?;
            if other.has_intensity == sweep.has_intensity {
                sweep.points.extend_from_slice(&other.points);
            } else {
                let field = &self.settings.intensity_field;
                lost.push(format!("of {} and {} one alone has {field:?}", self.main.topic(), further.topic.topic()));
            }
        }
        let t_crop_cloud = match (&self.transforms, &self.settings.crop_frame) {
            (Some(tf), Some(frame)) => Some(tf.lookup(frame, &cloud.frame_id, cloud.stamp)?),
            _ => None,
        };
        let num_past = self.settings.past_sweeps;
        let current = (num_past > 0).then(|| sweep.clone());
        let mut lags_s = Vec::new();
        if let Some(current) = current {
            lags_s.resize(sweep.points.len(), 0.0);
            self.add_past(&mut sweep.points, &mut lags_s, to)?;
            self.past.push_front(current);
            self.past.truncate(num_past);
        }
        // Nothing can fail any more: what is noted is noted once.
        lost.into_iter().for_each(|reason| metrics.note(EventKind::Incomplete, steady, reason));
        metrics.points.cropped += crop(&mut sweep.points, &mut lags_s, &self.settings, t_crop_cloud.as_ref()) as u64;
        let intensity = sweep.has_intensity.then_some(self.settings.intensity_field.as_str());
        Ok(pack(&sweep.points, (num_past > 0).then_some(&lags_s), intensity))
    }

    /// For each further LiDAR the cloud nearest in time, `None` where there is none; `Hold` while one may still come.
    fn matching(&self, stamp: Stamp, is_late: bool) -> Result<Vec<Option<usize>>, Hold> {
        let tolerance_s = self.settings.sync_tolerance_s;
        let nearest_of = |further: &Further| {
            let gaps_s = further.waiting.iter().map(|cloud| cloud.stamp.seconds_since(stamp).abs()).enumerate();
            let nearest = gaps_s.min_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|(_, gap_s)| *gap_s <= tolerance_s);
            let newest = further.waiting.back().map(|cloud| cloud.stamp);
            let may_come = newest.is_none_or(|newest| newest.seconds_since(stamp) <= tolerance_s);
            match nearest {
                None if may_come && !is_late => Err(Hold::Further),
                nearest => Ok(nearest.map(|(at, _)| at)),
            }
        };
        self.further.iter().map(nearest_of).collect()
    }

    /// A cloud's points at a place, each moved from its own time where that is asked for.
    fn sweep_at(&self, cloud: &Stamped<RawCloud>, to: Place<'_>) -> Result<Sweep, TransformError> {
        let mut sweep = Sweep::read(cloud, &self.settings.intensity_field, self.settings.motion_compensation);
        let Some(tf) = &self.transforms else { return Ok(sweep) };
        match &self.settings.fixed_frame {
            Some(fixed) if !sweep.times_s.is_empty() => compensate(&mut sweep, tf, fixed, to)?,
            fixed => {
                let from = Place { frame_id: &cloud.frame_id, stamp: cloud.stamp };
                let t_to_from = motion(tf, fixed.as_deref(), to, from)?;
                if t_to_from != Transform::identity() {
                    sweep.move_by(&t_to_from);
                }
            }
        }
        Ok(sweep)
    }

    /// Earlier sweeps, moved to a place; one whose transform is not known any more is forgotten.
    fn add_past(
        &mut self,
        points: &mut Vec<[f32; 4]>,
        lags_s: &mut Vec<f32>,
        to: Place<'_>,
    ) -> Result<(), TransformError> {
        let (Some(tf), Some(fixed)) = (&self.transforms, &self.settings.fixed_frame) else { return Ok(()) };
        for past in &self.past {
            let from = Place { frame_id: &past.frame_id, stamp: past.stamp };
            match motion(tf, Some(fixed), to, from) {
                Ok(t_to_past) => {
                    let mut moved = past.clone();
                    moved.move_by(&t_to_past);
                    let lag_s = to.stamp.seconds_since(past.stamp) as f32;
                    points.extend_from_slice(&moved.points);
                    lags_s.resize(points.len(), lag_s);
                }
                Err(TransformError::BeforeOldest { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn nothing() -> RawCloud {
    pack(&[], None, None)
}

impl<I> Assemble for CloudAssembler<I> {
    type Input = I;

    fn receive(&mut self) -> Option<Result<Arrival, InputFault>> {
        if self.pending.is_some() {
            return None;
        }
        let received = self.main.take()?;
        let decoded = received
            .map_err(|error| InputFault { kind: EventKind::Malformed, reason: error.to_string() })
            .and_then(decode);
        Some(decoded.map(|(cloud, received_steady)| {
            let arrival = Arrival { stamp: cloud.stamp, received_at: cloud.received_at };
            self.pending = Some(Pending { cloud, received_steady });
            arrival
        }))
    }

    fn assemble(&mut self, steady: Duration, metrics: &mut Metrics) -> Assembled<I> {
        self.take_further(steady, metrics);
        if let Some(transforms) = &mut self.transforms {
            transforms.poll(steady, metrics);
        }
        let Some(mut pending) = self.pending.take() else { return Assembled::Nothing };
        let deadline = pending.received_steady + self.settings.timeout;
        let is_late = steady >= deadline;
        let cloud = &mut pending.cloud;
        let (stamp, frame_id, received_at) = (cloud.stamp, cloud.frame_id.clone(), cloud.received_at);
        let header = Stamped { stamp, frame_id, received_at, payload: () };
        let had_given_up = self.gave_up_mounting;
        let prepared = self
            .mounting(&header, is_late)
            .map_err(Hold::from)
            .and_then(|t_base_cloud| Ok((self.prepare(cloud, is_late, steady, metrics)?, t_base_cloud)));
        if self.gave_up_mounting && !had_given_up {
            let reason =
                format!("TF knows no way from the vehicle to {:?}; set sensor_height if need be", header.frame_id);
            metrics.note(EventKind::MountingAssumed, steady, reason);
        }
        match prepared {
            Ok((cloud, t_base_cloud)) => {
                let input = (self.make)(cloud, t_base_cloud);
                Assembled::Frame(Frame { header, received_steady: pending.received_steady, input })
            }
            Err(Hold::Transform(error)) if is_late || !may_come(&error) => {
                let waited_ms = self.settings.timeout.as_millis();
                let reason = if is_late { format!("{error} (after {waited_ms} ms)") } else { error.to_string() };
                Assembled::Failed(Some(header), InputFault { kind: EventKind::TransformMissing, reason })
            }
            Err(Hold::Transform(_) | Hold::Further) => {
                self.pending = Some(pending);
                Assembled::Waiting(deadline)
            }
        }
    }

    fn skip(&mut self) {
        self.pending = None;
    }

    fn forget(&mut self, now: Stamp) {
        self.past.clear();
        for further in &mut self.further {
            further.waiting.retain(|cloud| cloud.stamp <= now);
        }
        if let Some(transforms) = &mut self.transforms {
            transforms.forget_after(now);
        }
        self.gave_up_mounting = false;
    }

    fn count(&self, metrics: &mut Metrics) {
        metrics.take_input(self.main.counts(), self.main.waiting(), self.main.last_received());
    }
}
