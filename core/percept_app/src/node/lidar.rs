//! The LiDAR detector as a managed node.

use super::outputs::PublishDetections;
use super::weights_watch::WeightsWatch;
use super::{DetectorOutputs, Log, LogLevel, ParameterServer};
use crate::config::{DetectorConfig, NodeConfig, RawConfig};
use crate::detector::check_thresholds;
use crate::{AppError, ConfigError};
use percept_msgs::diagnostic_msgs::DiagnosticArray;
use percept_msgs::lifecycle_msgs::Transition;
use percept_msgs::std_msgs::Header;
use percept_pipeline::cloud::CloudAssembler;
use percept_pipeline::lifecycle::{Lifecycle, LifecycleServices, Managed, Outcome, PrimaryState};
use percept_pipeline::{Controls, Diagnostics, NodeCondition, Pipeline, TimeWatch, Turn, swap_in_background};
use percept_transport::{Arrivals, Link, Publisher, QosProfile, TopicName, Transport, TransportError};
use percept_types::{BoxError, Detections, ModelCard, MountedCloud, Perceive, Transform};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a LiDAR node drives: clouds in, boxes out, and a configuration of which it takes what may change.
pub trait LidarModel: Perceive<Input = MountedCloud, Output = Detections, Settings = DetectorConfig> + 'static {}
impl<P: Perceive<Input = MountedCloud, Output = Detections, Settings = DetectorConfig> + 'static> LidarModel for P {}

/// Makes a model that is warm.
pub type ModelFactory<P> = Arc<dyn Fn(&DetectorConfig) -> Result<P, AppError> + Send + Sync>;

type LidarPipeline<P> = Pipeline<P, CloudAssembler<MountedCloud>, PublishDetections>;

/// Steps the frames of a node: its own thread holds one.
pub struct Frames<P: LidarModel> {
    controls: Arc<Controls<P>>,
    pipeline: Arc<Mutex<Option<LidarPipeline<P>>>>,
}

impl<P: LidarModel> Frames<P> {
    /// One step of the pipeline, if the node is active.
    pub fn turn(&self) -> Turn {
        // Without a look at this first, a busy pipeline would hardly let go of its lock to be taken down.
        if !self.controls.is_publishing() {
            return Turn::Idle;
        }
        lock(&self.pipeline).as_mut().map_or(Turn::Idle, Pipeline::turn)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A LiDAR detector over a transport.
pub struct LidarNode<P: LidarModel> {
    parts: Parts<P>,
    lifecycle: Lifecycle,
    services: Option<LifecycleServices>,
    parameters: ParameterServer,
    diagnostics: Diagnostics,
    diagnostics_topic: Publisher<DiagnosticArray>,
    _clock: Option<Link>,
}

/// What the transitions change.
struct Parts<P: LidarModel> {
    transport: Transport,
    log: Log,
    factory: ModelFactory<P>,
    config: DetectorConfig,
    node: NodeConfig,
    controls: Arc<Controls<P>>,
    /// The model while the node is inactive.
    model: Option<P>,
    pipeline: Arc<Mutex<Option<LidarPipeline<P>>>>,
    outputs: Option<Arc<DetectorOutputs>>,
    weights: Option<WeightsWatch>,
    reloading: Option<JoinHandle<()>>,
    input: Option<TopicName>,
    /// What arrives on the main input while the node is active.
    arrivals: Option<Arrivals>,
    active_since: Option<(f64, Duration)>,
    /// Why the last transition did not succeed.
    refusal: Option<String>,
}

impl<P: LidarModel> LidarNode<P> {
    /// A node that is unconfigured.
    ///
    /// # Errors
    /// Parameters that are refused; what the transport refuses.
    pub fn new(
        transport: Transport,
        parameters: RawConfig,
        factory: ModelFactory<P>,
        log: Log,
    ) -> Result<Self, AppError> {
        let (config, node) = (DetectorConfig::from_raw(&parameters)?, NodeConfig::from_raw(&parameters)?);
        let clock = (node.use_sim_time && transport.clock().is_simulated()).then(|| transport.follow_clock());
        let services = match LifecycleServices::new(&transport) {
            Ok(services) => Some(services),
            Err(TransportError::Unavailable { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            lifecycle: Lifecycle::default(),
            services,
            parameters: ParameterServer::new(&transport, parameters)?,
            diagnostics: Diagnostics::default(),
            diagnostics_topic: transport.advertise("/diagnostics", QosProfile::RELIABLE)?,
            // A played bag tells its own time and has no /clock.
            _clock: clock.transpose()?,
            parts: Parts {
                transport,
                log,
                factory,
                config,
                node,
                controls: Arc::default(),
                model: None,
                pipeline: Arc::default(),
                outputs: None,
                weights: None,
                reloading: None,
                input: None,
                arrivals: None,
                active_since: None,
                refusal: None,
            },
        })
    }

    /// The state of the lifecycle.
    pub fn state(&self) -> PrimaryState {
        self.lifecycle.state()
    }

    /// The transport.
    pub fn transport(&self) -> &Transport {
        &self.parts.transport
    }

    /// What the pipeline counts, and the way to it.
    pub fn controls(&self) -> &Arc<Controls<P>> {
        &self.parts.controls
    }

    /// Whether the node shall configure and activate itself.
    pub fn autostarts(&self) -> bool {
        self.parts.node.autostart
    }

    /// What steps the frames, for a thread of its own.
    pub fn frames(&self) -> Frames<P> {
        Frames { controls: Arc::clone(&self.parts.controls), pipeline: Arc::clone(&self.parts.pipeline) }
    }

    /// Goes through a transition of this number.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub fn change(&mut self, transition: u8) -> Result<(), AppError> {
        let Self { parts, lifecycle, services, .. } = self;
        let asked = Transition { id: transition, label: String::new() };
        parts.refusal = None;
        let succeeded = match services {
            Some(services) => {
                let log = Arc::clone(&parts.log);
                services.change(&asked, lifecycle, parts, &mut |text| log(LogLevel::Warn, &text))
            }
            None => {
                let now = parts.transport.clock().now();
                lifecycle.change(&asked, now, parts).map_err(AppError::stage("a transition"))?.succeeded
            }
        };
        if succeeded {
            return Ok(());
        }
        let reason = parts.refusal.clone().unwrap_or_else(|| format!("in state {}", lifecycle.state().label()));
        Err(AppError::Stage { stage: "a transition", reason })
    }

    /// Configures and activates.
    ///
    /// # Errors
    /// Why one of the two did not succeed.
    pub fn start(&mut self) -> Result<(), AppError> {
        self.change(Transition::TRANSITION_CONFIGURE)?;
        self.change(Transition::TRANSITION_ACTIVATE)
    }

    /// Ends from whatever state the node is in.
    pub fn shut_down(&mut self) {
        let transition = match self.state() {
            PrimaryState::Unconfigured => Transition::TRANSITION_UNCONFIGURED_SHUTDOWN,
            PrimaryState::Inactive => Transition::TRANSITION_INACTIVE_SHUTDOWN,
            PrimaryState::Active => Transition::TRANSITION_ACTIVE_SHUTDOWN,
            PrimaryState::Finalized => return,
        };
        if let Err(error) = self.change(transition) {
            (self.parts.log)(LogLevel::Warn, &error.to_string());
        }
    }

    /// Builds and warms the weights of the configured path anew and swaps them in between two frames; a failure is in
    /// the diagnostics and leaves the old ones.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn reload_weights(&mut self) -> Result<(), AppError> {
        self.parts.reload_weights()
    }

    /// Waits until weights that are being built are offered or refused.
    pub fn wait_for_weights(&mut self) {
        if let Some(reloading) = self.parts.reloading.take() {
            // What the thread had to tell is in the metrics, a panic too.
            let _ = reloading.join();
        }
    }

    /// Answers services and publishes diagnostics; never waits.
    pub fn control_turn(&mut self) {
        let Self { parts, lifecycle, services, parameters, .. } = self;
        parts.take_replaced_weights();
        if let Some(services) = services {
            let log = Arc::clone(&parts.log);
            services.answer(lifecycle, parts, |text| log(LogLevel::Warn, &text));
        }
        let now = parts.transport.clock().now();
        let full_node = parts.transport.names().full_node();
        parameters.answer(now, &full_node, &mut |raw| parts.accept(raw).map_err(|error| error.to_string()));
        self.diagnose();
    }

    /// One turn of everything, for tests and single-threaded drivers: until nothing is left to do.
    pub fn turn(&mut self) {
        let frames = self.frames();
        self.control_turn();
        while frames.turn() == Turn::Worked {}
        self.diagnose();
    }

    fn diagnose(&mut self) {
        let parts = &self.parts;
        let input = parts.input.as_ref();
        let condition = NodeCondition {
            node: parts.transport.names().node(),
            state: self.lifecycle.state().label(),
            refusal: parts.refusal.as_deref(),
            active_since: parts.active_since,
            topic: input.map_or("", |topic| topic.as_str()),
            publishers: input.and_then(|topic| parts.transport.publishers(topic)),
            expected_rate_hz: parts.node.expected_rate_hz,
        };
        let mut metrics = parts.controls.metrics();
        if let Some(arrivals) = &parts.arrivals {
            // The pipeline counts between frames; clouds that come while the model is at one are no silence.
            metrics.take_input(arrivals.counts(), arrivals.waiting(), arrivals.last_received());
        }
        let array = self.diagnostics.turn(parts.transport.clock(), &metrics, &condition);
        drop(metrics);
        if let Some(array) = array
            && let Err(error) = self.diagnostics_topic.publish(&array)
        {
            (parts.log)(LogLevel::Error, &format!("diagnostics: {error}"));
        }
    }
}

impl<P: LidarModel> Parts<P> {
    /// Puts changed parameters to work; nothing of them where one is refused.
    fn accept(&mut self, raw: &RawConfig) -> Result<(), ConfigError> {
        let config = DetectorConfig::from_raw(raw)?;
        if let Some(card) = &self.controls.metrics().card {
            check_thresholds(&config, &card.class_names)?;
        }
        self.config = DetectorConfig { weights: self.config.weights.take(), ..config };
        if let Some(outputs) = &self.outputs {
            outputs.set_markers(self.config.publish_markers, self.config.marker_score_threshold());
        }
        match &mut self.model {
            // Validated above: a model that refuses it all the same says so through its pipeline.
            Some(model) => drop(model.apply(self.config.clone())),
            None => self.controls.set_settings(self.config.clone()),
        }
        Ok(())
    }

    /// Begins to build new weights where their file was replaced and none are being built.
    fn take_replaced_weights(&mut self) {
        let steady = self.transport.clock().steady();
        let is_building = self.reloading.as_ref().is_some_and(|thread| !thread.is_finished());
        let is_replaced = self.weights.as_mut().is_some_and(|watch| !is_building && watch.is_replaced(steady));
        if is_replaced && let Err(error) = self.reload_weights() {
            (self.log)(LogLevel::Error, &error.to_string());
        }
    }

    fn reload_weights(&mut self) -> Result<(), AppError> {
        let (factory, config) = (Arc::clone(&self.factory), self.config.clone());
        let classes = self.controls.metrics().card.as_ref().map(|card| card.class_names.clone());
        let build = move || {
            let model = factory(&config).map_err(|error| Box::new(error) as BoxError)?;
            let found = &model.card().class_names;
            match classes {
                // Subscribers know the numbers of the classes by now.
                Some(known) if known != *found => {
                    Err(format!("classes {found:?} instead of {known:?}: restart the node for them").into())
                }
                _ => Ok(model),
            }
        };
        let thread = swap_in_background(&self.controls, self.transport.clock(), build);
        self.reloading = Some(thread.map_err(AppError::stage("starting a thread"))?);
        Ok(())
    }

    fn configure(&mut self) -> Result<(), AppError> {
        let model = (self.factory)(&self.config)?;
        let card = model.card().clone();
        let outputs = DetectorOutputs::new(&self.transport, self.node.output_type, &self.log)?;
        outputs.set_markers(self.config.publish_markers, self.config.marker_score_threshold());
        let threshold = self.config.score_threshold.unwrap_or(0.0) as f32;
        outputs.publish_labels(Header::new(self.transport.clock().now(), ""), &card.class_names, threshold)?;
        let ModelCard { model_id, device, .. } = &card;
        (self.log)(LogLevel::Info, &format!("configured: {model_id} on {device}, classes {:?}", card.class_names));
        let (path, steady) = (self.config.weights.clone(), self.transport.clock().steady());
        self.weights = path.filter(|_| self.node.watch_weights).map(|path| WeightsWatch::new(path, steady));
        self.controls.metrics().card = Some(card);
        (self.outputs, self.model) = (Some(Arc::new(outputs)), Some(model));
        Ok(())
    }

    fn activate(&mut self) -> Result<(), AppError> {
        let (Some(model), Some(outputs)) = (self.model.take(), &self.outputs) else {
            return Err(AppError::Stage { stage: "activate", reason: "nothing is configured".to_owned() });
        };
        let make = {
            let (mounting, trained) = (self.config.mounting.clone(), model.card().trained_mounting);
            move |cloud, from_tf: Option<Transform>| {
                let t_base_lidar = trained.and_then(|trained| mounting.t_base_lidar(from_tf.as_ref(), &trained));
                MountedCloud { cloud, t_base_lidar }
            }
        };
        let assembler = match CloudAssembler::new(&self.transport, self.node.clouds.clone(), make) {
            Ok(assembler) => assembler,
            Err(error) => {
                self.model = Some(model);
                return Err(error.into());
            }
        };
        let clock = self.transport.clock().clone();
        (self.log)(LogLevel::Info, &format!("active: listening on {}", assembler.topic()));
        (self.input, self.arrivals) = (Some(assembler.topic().clone()), Some(assembler.arrivals()));
        self.active_since = Some((clock.now().as_secs_f64(), clock.steady()));
        self.controls.metrics().begin_listening();
        self.controls.set_publishing(true);
        let (time, controls) = (TimeWatch::new(self.node.time), Arc::clone(&self.controls));
        let pipeline = Pipeline::new(model, assembler, PublishDetections(Arc::clone(outputs)), time, clock, controls);
        *lock(&self.pipeline) = Some(pipeline);
        Ok(())
    }

    /// Ends the pipeline after the frame it is at, which is not published any more.
    fn deactivate(&mut self) {
        self.controls.set_publishing(false);
        (self.active_since, self.arrivals) = (None, None);
        if let Some(pipeline) = lock(&self.pipeline).take() {
            self.model = Some(pipeline.into_model());
        }
    }

    fn free(&mut self) {
        self.deactivate();
        (self.model, self.outputs, self.weights, self.input) = (None, None, None, None);
        self.controls.metrics().card = None;
    }

    fn outcome(&mut self, result: Result<(), AppError>) -> Outcome {
        let Err(error) = result else {
            self.refusal = None;
            return Outcome::Success;
        };
        let reason = with_sources(&error);
        (self.log)(LogLevel::Error, &reason);
        self.refusal = Some(reason);
        Outcome::Failure
    }
}

/// An error with what lies behind it.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

impl<P: LidarModel> Managed for Parts<P> {
    fn on_configure(&mut self) -> Outcome {
        let result = self.configure();
        self.outcome(result)
    }

    fn on_cleanup(&mut self) -> Outcome {
        self.free();
        Outcome::Success
    }

    fn on_activate(&mut self) -> Outcome {
        let result = self.activate();
        self.outcome(result)
    }

    fn on_deactivate(&mut self) -> Outcome {
        self.deactivate();
        Outcome::Success
    }

    fn on_shutdown(&mut self) -> Outcome {
        self.free();
        Outcome::Success
    }

    fn on_error(&mut self) -> Outcome {
        self.free();
        Outcome::Success
    }
}
