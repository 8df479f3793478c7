//! How a node is, as diagnostic_msgs: once a second, and at once when something changes for better or worse.
//!
//! What happened holds for a second after it happened last. Silence is told after 2.5 periods of the expected rate,
//! on ROS time under simulated time (a paused bag is no fault), else on steady time.

use crate::{Event, EventKind, Level, Metrics, Task};
use percept_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use percept_msgs::std_msgs::Header;
use percept_transport::Clock;
use percept_types::{DomainReason, ModelCard};
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(1);
/// How long something that happened is told of.
const RECENT: Duration = Duration::from_secs(1);
/// Periods without an input that are silence.
const SILENT_PERIODS: f64 = 2.5;
/// Share of inputs dropped in a second above which it is told.
const NOTABLE_DROPS: f64 = 0.1;
/// Share of the expected rate below which it is told.
const NOTABLE_RATE: f64 = 0.5;

/// What a node knows of itself beside its metrics.
#[derive(Clone, Copy, Debug)]
pub struct NodeCondition<'a> {
    /// Name without namespace, in front of each task's name.
    pub node: &'a str,
    /// The state of its lifecycle.
    pub state: &'a str,
    /// Why its last transition did not succeed.
    pub refusal: Option<&'a str>,
    /// Since when it is active: ROS seconds and steady time; `None` while it is not.
    pub active_since: Option<(f64, Duration)>,
    /// The main input.
    pub topic: &'a str,
    /// Publishers of the main input, where known.
    pub publishers: Option<usize>,
    /// Inputs a second that are expected; 0 where nobody knows.
    pub expected_rate_hz: f64,
}

/// When and what was told last.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    told_at: Option<Duration>,
    told: Vec<(Level, String)>,
    received: u64,
    dropped: u64,
    dropped_share: f64,
}

/// A task's level with what it depends on, and its words.
struct Verdict {
    level: Level,
    code: String,
    message: String,
}

impl Verdict {
    fn ok(message: &str) -> Self {
        Self { level: Level::Ok, code: String::new(), message: message.to_owned() }
    }

    /// The worse of the two speaks; the codes of both decide what is a change.
    fn and(&mut self, level: Level, code: &str, message: impl Into<String>) {
        self.code.push_str(code);
        self.code.push(' ');
        if level >= self.level {
            (self.level, self.message) = (level, message.into());
        }
    }
}

impl Diagnostics {
    /// The array to publish now, if it is time or something changed.
    pub fn turn(&mut self, clock: &Clock, metrics: &Metrics, node: &NodeCondition<'_>) -> Option<DiagnosticArray> {
        let steady = clock.steady();
        let is_due = self.told_at.is_none_or(|at| steady.saturating_sub(at) >= PERIOD);
        if is_due {
            self.measure_drops(metrics);
        }
        let verdicts = Task::ALL.map(|task| self.verdict(task, clock, metrics, node));
        let now_told: Vec<(Level, String)> = verdicts.iter().map(|v| (v.level, v.code.clone())).collect();
        if !is_due && now_told == self.told {
            return None;
        }
        if is_due {
            self.told_at = Some(steady);
        }
        self.told = now_told;
        let device = metrics.card.as_ref().map_or("", |card| card.device.as_str());
        let statuses = Task::ALL.into_iter().zip(verdicts).map(|(task, verdict)| {
            let status = DiagnosticStatus {
                level: level_number(verdict.level),
                name: format!("{}: {}", node.node, task.name()),
                message: verdict.message,
                hardware_id: device.to_owned(),
                values: Vec::new(),
            };
            with_values(status, task, clock, metrics, node)
        });
        Some(DiagnosticArray { header: Header::new(clock.now(), ""), status: statuses.collect() })
    }

    /// The steady time at which the next array is due.
    pub fn due(&self) -> Duration {
        self.told_at.map_or(Duration::ZERO, |at| at + PERIOD)
    }

    fn measure_drops(&mut self, metrics: &Metrics) {
        let received = metrics.input.received.saturating_sub(self.received);
        let dropped = metrics.input.dropped.saturating_sub(self.dropped);
        (self.received, self.dropped) = (metrics.input.received, metrics.input.dropped);
        self.dropped_share = dropped as f64 / received.max(1) as f64;
    }

    fn verdict(&self, task: Task, clock: &Clock, metrics: &Metrics, node: &NodeCondition<'_>) -> Verdict {
        let mut verdict = match task {
            Task::Model => Verdict::ok(node.state),
            Task::Input | Task::Time | Task::Transforms | Task::Domain => Verdict::ok("as it should be"),
        };
        match task {
            Task::Input => self.input(&mut verdict, clock, metrics, node),
            Task::Time if clock.heard().is_none() => {
                verdict.and(
                    Level::Error,
                    "unheard",
                    "use_sim_time is set, but nothing came on /clock: play with --clock",
                );
            }
            Task::Domain => domain(&mut verdict, metrics),
            Task::Time | Task::Transforms | Task::Model => {}
        }
        if let (Task::Model, Some(refusal)) = (task, node.refusal) {
            verdict.and(Level::Error, "refused", refusal);
        }
        if task == Task::Model && self.dropped_share > NOTABLE_DROPS {
            let percent = self.dropped_share * 100.0;
            verdict.and(Level::Warn, "drops", format!("too slow for the input: {percent:.0} % of it dropped"));
        }
        let is_recent = |event: &&Event| clock.steady().saturating_sub(event.at) < RECENT;
        for kind in EventKind::ALL.iter().filter(|kind| kind.task() == task) {
            if let Some(event) = metrics.events.get(kind).filter(is_recent) {
                verdict.and(kind.level(), kind.key(), format!("{}: {}", kind.says(), event.reason));
            }
        }
        verdict
    }

    fn input(&self, verdict: &mut Verdict, clock: &Clock, metrics: &Metrics, node: &NodeCondition<'_>) {
        let Some((since_s, since_steady)) = node.active_since else {
            verdict.message = format!("not listening: {}", node.state);
            return;
        };
        let report = &metrics.last_report;
        if metrics.frames > 0 && report.points_in == 0 {
            verdict.and(Level::Warn, "empty", "clouds have no points: is the sensor switched on?");
        } else if metrics.frames > 0 && report.points_not_finite + report.points_out_of_range >= report.points_in {
            let message = "no point lies inside the grid: compare point_cloud_range with the sensor's mounting";
            verdict.and(Level::Warn, "outside", message);
        }
        if let Some(hz) = metrics.rate.hz().filter(|hz| *hz < node.expected_rate_hz * NOTABLE_RATE) {
            let expected = node.expected_rate_hz;
            verdict.and(Level::Warn, "slow", format!("{hz:.1} Hz on {}, {expected:.1} Hz expected", node.topic));
        }
        let (last_s, last_steady) = match metrics.last_arrival {
            Some((ros, steady)) => (ros.as_secs_f64().max(since_s), steady.max(since_steady)),
            None => (since_s, since_steady),
        };
        let steady_s = clock.steady().saturating_sub(last_steady).as_secs_f64();
        // Simulated time stands still while a bag is paused, and leaps when /clock is heard first.
        let ros_s = if clock.is_simulated() { clock.now().as_secs_f64() - last_s } else { steady_s };
        let silent_s = steady_s.min(ros_s);
        if node.expected_rate_hz > 0.0 && silent_s > SILENT_PERIODS / node.expected_rate_hz {
            let who = match node.publishers {
                Some(0) => "nobody publishes it",
                Some(_) => "it has a publisher",
                None => "check its publisher",
            };
            let ever = if metrics.last_arrival.is_some() { "nothing any more" } else { "nothing yet" };
            let message = format!("{ever} on {} for {silent_s:.1} s: {who}", node.topic);
            verdict.and(Level::Error, if metrics.last_arrival.is_some() { "silent" } else { "never" }, message);
        }
    }
}

/// All reasons speak, the first one first.
fn domain(verdict: &mut Verdict, metrics: &Metrics) {
    let reasons: Vec<String> = metrics.domain.iter().map(ToString::to_string).collect();
    for reason in &metrics.domain {
        let code = match reason {
            DomainReason::PointCount { .. } => "point_count",
            DomainReason::Height { .. } => "height",
            DomainReason::Range { .. } => "range",
            DomainReason::Intensity { .. } => "intensity",
        };
        verdict.and(Level::Warn, code, reasons.join("; "));
    }
}

fn level_number(level: Level) -> u8 {
    match level {
        Level::Ok => DiagnosticStatus::OK,
        Level::Warn => DiagnosticStatus::WARN,
        Level::Error => DiagnosticStatus::ERROR,
    }
}

fn with_values(
    status: DiagnosticStatus,
    task: Task,
    clock: &Clock,
    metrics: &Metrics,
    node: &NodeCondition<'_>,
) -> DiagnosticStatus {
    let text = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.3}"));
    let mut status = match task {
        Task::Input => {
            let age_ms = metrics.last_arrival.map(|(_, at)| clock.steady().saturating_sub(at).as_secs_f64() * 1e3);
            status
                .with("topic", node.topic)
                .with("publishers", node.publishers.map_or("unknown".to_owned(), |count| count.to_string()))
                .with("rate_hz", text(metrics.rate.hz()))
                .with("age_ms", text(age_ms))
                .with("received", metrics.input.received)
                .with("dropped", metrics.input.dropped)
                .with("queue", metrics.queue)
                .with("points", metrics.points.points_in)
                .with("points_not_finite", metrics.points.not_finite)
                .with("points_out_of_range", metrics.points.out_of_range)
                .with("points_cropped", metrics.points.cropped)
        }
        Task::Model => {
            let card = |value: fn(&ModelCard) -> &str| metrics.card.as_ref().map_or("none", value).to_owned();
            status
                .with("state", node.state)
                .with("model_id", card(|card| &card.model_id))
                .with("weights_sha256", card(|card| &card.weights_sha256))
                .with("device", card(|card| &card.device))
                .with("frames", metrics.frames)
                .with("published", metrics.published)
                .with("processing_p50_ms", text(metrics.processing.percentile_ms(50)))
                .with("processing_p99_ms", text(metrics.processing.percentile_ms(99)))
                .with("waited_p50_ms", text(metrics.waited.percentile_ms(50)))
                .with("latency_p50_ms", text(metrics.total.percentile_ms(50)))
                .with("latency_p99_ms", text(metrics.total.percentile_ms(99)))
        }
        Task::Time | Task::Transforms | Task::Domain => status,
    };
    for kind in EventKind::ALL.iter().filter(|kind| kind.task() == task) {
        status = status.with(kind.key(), metrics.count(*kind));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::Stamp;

    fn condition(active_since: Option<(f64, Duration)>) -> NodeCondition<'static> {
        NodeCondition {
            node: "lidar_detector",
            state: "active",
            refusal: None,
            active_since,
            topic: "/points",
            publishers: Some(1),
            expected_rate_hz: 10.0,
        }
    }

    fn status<'a>(array: &'a DiagnosticArray, task: &str) -> &'a DiagnosticStatus {
        array.status.iter().find(|status| status.name.ends_with(task)).unwrap()
    }

    fn arrive(metrics: &mut Metrics, clock: &Clock) {
        let mut counts = metrics.input;
        counts.received += 1;
        metrics.take_input(counts, 0, Some((clock.now(), clock.steady())));
    }

    #[test]
    fn silence_at_ten_hertz_is_an_error_within_a_third_of_a_second_and_over_with_the_next_input() {
        let clock = Clock::manual(Stamp::from_ns(1_000_000_000_000));
        let (mut metrics, mut diagnostics) = (Metrics::default(), Diagnostics::default());
        let node = condition(Some((1000.0, Duration::ZERO)));
        for _ in 0..50 {
            arrive(&mut metrics, &clock);
            let told = diagnostics.turn(&clock, &metrics, &node);
            assert!(told.is_none_or(|array| status(&array, "input").level == DiagnosticStatus::OK));
            clock.advance(Duration::from_millis(100));
        }
        // 100 ms of silence have passed; the node's thread looks every 20 ms.
        let mut silent_ms = 100;
        let array = loop {
            clock.advance(Duration::from_millis(20));
            silent_ms += 20;
            assert!(silent_ms <= 300, "no error after {silent_ms} ms of silence");
            match diagnostics.turn(&clock, &metrics, &node) {
                Some(array) if status(&array, "input").level == DiagnosticStatus::ERROR => break array,
                _ => {}
            }
        };
        assert!(status(&array, "input").message.contains("nothing any more on /points"), "{array:?}");
        arrive(&mut metrics, &clock);
        let array = diagnostics.turn(&clock, &metrics, &node).unwrap();
        assert_eq!(status(&array, "input").level, DiagnosticStatus::OK);
    }

    #[test]
    fn it_is_told_once_a_second_and_when_something_changes() {
        let clock = Clock::manual(Stamp::from_ns(0));
        let (mut metrics, mut diagnostics) = (Metrics::default(), Diagnostics::default());
        let node = condition(None);
        let mut told = 0;
        for step in 0..100 {
            if step == 45 {
                metrics.note(EventKind::ModelPanic, clock.steady(), "index out of bounds");
            }
            if let Some(array) = diagnostics.turn(&clock, &metrics, &node) {
                told += 1;
                if step == 45 {
                    let status = status(&array, "model");
                    assert_eq!(status.level, DiagnosticStatus::ERROR);
                    assert!(status.message.contains("index out of bounds"));
                }
            }
            clock.advance(Duration::from_millis(100));
        }
        // Ten seconds, the panic, and its end.
        assert_eq!(told, 12);
    }

    #[test]
    fn an_input_that_never_came_and_a_clock_that_was_never_heard_are_told_apart() {
        let clock = Clock::manual_unheard();
        let (metrics, mut diagnostics) = (Metrics::default(), Diagnostics::default());
        let node = NodeCondition { publishers: Some(0), ..condition(Some((0.0, Duration::ZERO))) };
        let array = diagnostics.turn(&clock, &metrics, &node).unwrap();
        assert!(status(&array, "time").message.contains("/clock"));
        clock.set(Stamp::from_ns(5_000_000_000));
        clock.advance(Duration::from_millis(500));
        let array = diagnostics.turn(&clock, &metrics, &node).unwrap();
        assert_eq!(status(&array, "time").level, DiagnosticStatus::OK);
        let input = status(&array, "input");
        assert!(input.message.contains("nothing yet on /points") && input.message.contains("nobody"), "{input:?}");
    }
}
