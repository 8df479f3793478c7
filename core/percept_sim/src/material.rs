//! What surfaces are made of: class, brightness at 903 nm, and what they do to a ray.
//!
//! Brightness is the mean intensity (0 to 1) that an HDL-64E reports for the class in recorded streets; walls lie
//! near 0.4, plants 0.33, tarmac 0.2, car paint between 0 and 0.4.

/// SemanticKITTI's raw class numbers (semantic-kitti.yaml) of the things in this world.
pub mod class {
    /// Nothing known.
    pub const UNLABELED: u16 = 0;
    /// Points of the air: rain, fog, dust.
    pub const OUTLIER: u16 = 1;
    /// A car or a van.
    pub const CAR: u16 = 10;
    /// A parked bicycle.
    pub const BICYCLE: u16 = 11;
    /// A bus.
    pub const BUS: u16 = 13;
    /// A parked motorcycle.
    pub const MOTORCYCLE: u16 = 15;
    /// A lorry.
    pub const TRUCK: u16 = 18;
    /// A tram.
    pub const ON_RAILS: u16 = 16;
    /// Trailers and other vehicles.
    pub const OTHER_VEHICLE: u16 = 20;
    /// A person on foot.
    pub const PERSON: u16 = 30;
    /// A rider with the bicycle.
    pub const BICYCLIST: u16 = 31;
    /// A rider with the motorcycle.
    pub const MOTORCYCLIST: u16 = 32;
    /// Carriageway.
    pub const ROAD: u16 = 40;
    /// Parking strip.
    pub const PARKING: u16 = 44;
    /// Pavement.
    pub const SIDEWALK: u16 = 48;
    /// Rails, traffic islands, reservations.
    pub const OTHER_GROUND: u16 = 49;
    /// House.
    pub const BUILDING: u16 = 50;
    /// Fence or garden wall.
    pub const FENCE: u16 = 51;
    /// Bins, cabinets, bollards.
    pub const OTHER_STRUCTURE: u16 = 52;
    /// Painted line.
    pub const LANE_MARKING: u16 = 60;
    /// Leaves of trees, hedges, shrubs.
    pub const VEGETATION: u16 = 70;
    /// Stem of a tree.
    pub const TRUNK: u16 = 71;
    /// Grass and earth.
    pub const TERRAIN: u16 = 72;
    /// Lamp post or sign post.
    pub const POLE: u16 = 80;
    /// Traffic sign.
    pub const TRAFFIC_SIGN: u16 = 81;
    /// Cones, trolleys, strollers.
    pub const OTHER_OBJECT: u16 = 99;
}

/// What a surface does to a ray that meets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Surface {
    /// Returns it.
    Opaque,
    /// Loses it with one probability, lets it through with another, returns it otherwise.
    Glass {
        /// Share of rays mirrored away.
        lost: f32,
        /// Share of rays that go on inside.
        passed: f32,
    },
    /// Stops it only with this probability: fences, spokes.
    Sparse {
        /// Share of rays stopped.
        coverage: f32,
    },
    /// Lets it in for an exponentially distributed depth: leaves.
    Foliage {
        /// Mean depth in metres.
        mean_depth_m: f32,
    },
}

/// What a camera sees of a surface beyond its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// What is usual for its class.
    #[default]
    Plain,
    /// Car paint under clear coat.
    Paint,
    /// Tyres, black plastic; wheels have a rim.
    Rubber,
    /// A number plate.
    Plate,
    /// Seats and what else is dark inside.
    Interior,
    /// What someone wears above the waist.
    Top,
    /// What someone wears below.
    Trousers,
    /// Face, hair, hands.
    Skin,
    /// Tubes of a bicycle.
    Metal,
}

/// One material of a scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    /// SemanticKITTI's raw class number of points on it.
    pub class_id: u16,
    /// Mean intensity before it is cut to 0 to 1; below 0 for black paint, whose returns mostly read 0.
    pub reflectance: f32,
    /// Standard deviation of the intensity from point to point.
    pub spread: f32,
    /// Share of its returns that get lost whatever the geometry: dark or mirroring paint.
    pub loss: f32,
    /// Further share lost when the surface is struck at a glancing angle: smooth paint and glass mirror.
    pub gloss: f32,
    /// Share of its light that goes back to where it came from whatever the incidence: 0 for plain surfaces, near 1
    /// for foil and glass beads.
    pub retro: f32,
    /// What it does to rays.
    pub surface: Surface,
    /// What a camera sees of it.
    pub finish: Finish,
}

impl Material {
    /// An opaque material.
    pub const fn opaque(class_id: u16, reflectance: f32, spread: f32) -> Self {
        let (surface, finish) = (Surface::Opaque, Finish::Plain);
        Self { class_id, reflectance, spread, loss: 0.0, gloss: 0.0, retro: 0.0, surface, finish }
    }

    /// The same with a share of its returns lost.
    pub const fn with_loss(self, loss: f32) -> Self {
        Self { loss, ..self }
    }

    /// The same with a gloss.
    pub const fn with_gloss(self, gloss: f32) -> Self {
        Self { gloss, ..self }
    }

    /// The same seen through air that leaves this share of the light.
    pub fn dimmed(&self, transmission: f32) -> Self {
        Self { reflectance: self.reflectance * transmission, spread: self.spread * transmission, ..*self }
    }

    /// The same as a retro-reflector.
    pub const fn with_retro(self, retro: f32) -> Self {
        Self { retro, ..self }
    }

    /// The cosine that a plain surface of the same brightness would need to return as much.
    pub fn effective_cos(&self, cos_incidence: f32) -> f32 {
        cos_incidence.max(self.retro)
    }

    /// Share of returns mirrored away at an incidence.
    pub fn mirrored(&self, cos_incidence: f32) -> f32 {
        /// Incidences steeper than this lose nothing to gloss.
        const GLANCING_COS: f32 = 0.3;
        let glance = (1.0 - cos_incidence / GLANCING_COS).max(0.0);
        self.loss + (1.0 - self.loss) * self.gloss * glance
    }

    /// The same returning every ray; leaves stay leaves.
    pub fn without_losses(self) -> Self {
        let surface = match self.surface {
            Surface::Glass { .. } | Surface::Sparse { .. } | Surface::Opaque => Surface::Opaque,
            Surface::Foliage { .. } => self.surface,
        };
        Self { loss: 0.0, gloss: 0.0, surface, ..self }
    }

    /// The same with a finish.
    pub const fn with_finish(self, finish: Finish) -> Self {
        Self { finish, ..self }
    }

    /// The same with another surface.
    pub const fn with_surface(self, surface: Surface) -> Self {
        Self { surface, ..self }
    }
}
