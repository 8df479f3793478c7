//! What each part of the world looks like: colours drawn from the world's seed, so that a car keeps its paint.

use crate::actor::{ActorShape, BodyType};
use crate::material::{Finish, Material, Surface, class};
use crate::random::{mix, unit_from_hash};
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;

/// The look of a part, with the numbers its texture needs.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    /// Sheet metal of a vehicle.
    Paint(Body),
    /// A wheel: tyre and rim.
    Wheel,
    /// Black plastic or rubber.
    Dark,
    /// A number plate.
    Plate,
    /// A pane of a vehicle.
    Pane,
    /// Cloth of one colour.
    Cloth(Vec3),
    /// A head: skin and hair.
    Head { skin: Vec3, hair: Vec3 },
    /// Bare or painted metal.
    Metal(Vec3),
    /// Spoked wheel of a bicycle.
    Spokes,
    /// The walls of a house.
    Facade(Facade),
    /// A window or a door of a house.
    Window(Facade),
    /// Leaves.
    Leaves(Vec3),
    /// Bark.
    Bark(Vec3),
    /// Boards or wire.
    Fence(Vec3),
    /// A wall of stones or render.
    Masonry { color: Vec3, stones: bool },
    /// A traffic sign of one of some kinds.
    Sign(u8),
    /// Anything else, of one colour.
    Matt(Vec3),
}

/// The body of a vehicle.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Colour of the paint.
    pub color: Vec3,
    /// Half of length and width, and height.
    pub extent: Vec3,
    /// Places of the foremost and the rearmost axle along it, and the radius of wheels (0: none known).
    pub axles: [f32; 3],
    /// What kind of lights and seams it has.
    pub kind: BodyKind,
}

/// Kinds of vehicle bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Cars and vans with doors.
    Car,
    /// Everything larger.
    Large,
}

/// How a house is built.
#[derive(Clone, Copy, Debug)]
pub struct Facade {
    /// Colour of walls.
    pub wall: Vec3,
    /// Colour of frames and ledges.
    pub trim: Vec3,
    /// Colour of the roof's edge; none where the wall goes up to it.
    pub roof: Option<Vec3>,
    /// Colour of doors and shutters.
    pub door: Vec3,
    /// Whether bricks show.
    pub bricks: bool,
    /// Whether windows have shutters.
    pub shutters: bool,
    /// From floor to floor.
    pub storey_m: f32,
    /// From window to window.
    pub bay_m: f32,
    /// Width and height of windows.
    pub window_m: [f32; 2],
    /// For draws.
    pub seed: u32,
}

/// Draws by purpose from one key.
#[derive(Clone, Copy, Debug)]
pub struct Draws(pub u64);

impl Draws {
    /// A number in [0, 1) for a purpose.
    pub fn unit(&self, purpose: u64) -> f32 {
        unit_from_hash(mix(self.0, purpose))
    }

    /// A number in a range.
    pub fn within(&self, purpose: u64, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit(purpose)
    }

    /// One of a list, told in sRGB as a designer picks it, as linear light.
    pub fn color(&self, purpose: u64, list: &[[u8; 3]]) -> Vec3 {
        let index = (self.unit(purpose) * list.len() as f32) as usize;
        let base = from_srgb(list[index.min(list.len() - 1)]);
        base * self.within(purpose + 1000, 0.8, 1.2)
    }
}

/// Linear light of an sRGB colour (IEC 61966-2-1).
pub fn from_srgb(color: [u8; 3]) -> Vec3 {
    let linear = |byte: u8| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    Vec3::new(linear(color[0]), linear(color[1]), linear(color[2]))
}

const BLACKS: [[u8; 3]; 5] = [[24, 24, 26], [38, 40, 44], [30, 36, 52], [58, 58, 60], [44, 34, 32]];
const COLORED: [[u8; 3]; 10] = [
    [150, 18, 22],
    [26, 62, 128],
    [110, 112, 116],
    [140, 142, 146],
    [34, 84, 60],
    [60, 88, 120],
    [120, 26, 40],
    [128, 108, 84],
    [40, 100, 150],
    [86, 90, 96],
];
const BRIGHTS: [[u8; 3]; 8] = [
    [232, 232, 230],
    [238, 238, 240],
    [196, 198, 202],
    [184, 188, 192],
    [222, 216, 200],
    [206, 40, 34],
    [230, 180, 30],
    [120, 160, 200],
];
const TOPS: [[u8; 3]; 12] = [
    [30, 32, 40],
    [70, 74, 84],
    [180, 30, 34],
    [34, 60, 120],
    [225, 225, 222],
    [120, 140, 90],
    [200, 150, 40],
    [150, 90, 120],
    [60, 110, 130],
    [110, 70, 50],
    [240, 120, 40],
    [90, 92, 100],
];
const TROUSERS: [[u8; 3]; 7] =
    [[28, 30, 36], [42, 56, 92], [60, 76, 110], [88, 80, 66], [52, 52, 54], [150, 136, 110], [36, 34, 40]];
const SKINS: [[u8; 3]; 5] = [[236, 188, 160], [222, 170, 138], [190, 132, 100], [140, 92, 66], [92, 60, 44]];
const HAIRS: [[u8; 3]; 6] = [[26, 22, 20], [58, 40, 28], [94, 66, 40], [170, 136, 84], [150, 148, 146], [30, 30, 40]];
const PLASTERS: [[u8; 3]; 11] = [
    [226, 218, 200],
    [236, 232, 222],
    [222, 196, 142],
    [200, 188, 172],
    [206, 170, 140],
    [178, 190, 180],
    [228, 206, 180],
    [186, 180, 172],
    [196, 150, 130],
    [232, 220, 170],
    [164, 176, 190],
];
const BRICKS: [[u8; 3]; 5] = [[142, 74, 56], [120, 62, 50], [160, 98, 74], [104, 72, 60], [176, 132, 100]];
const ROOFS: [[u8; 3]; 4] = [[132, 66, 50], [78, 58, 52], [70, 72, 78], [110, 84, 70]];
const DOORS: [[u8; 3]; 6] = [[84, 50, 32], [40, 70, 60], [110, 30, 30], [50, 60, 90], [70, 66, 62], [200, 196, 190]];
const STREET: [[u8; 3]; 8] = [
    [50, 70, 54],
    [72, 76, 80],
    [120, 122, 122],
    [44, 46, 48],
    [150, 140, 120],
    [40, 60, 110],
    [160, 110, 40],
    [110, 60, 44],
];
const WOODS: [[u8; 3]; 5] = [[120, 92, 64], [150, 128, 98], [96, 74, 56], [196, 190, 180], [66, 84, 66]];
const STONES: [[u8; 3]; 4] = [[150, 142, 130], [176, 168, 156], [128, 122, 116], [188, 172, 146]];
const LEAVES: [[u8; 3]; 6] = [[74, 104, 44], [58, 92, 40], [92, 116, 52], [66, 88, 56], [104, 122, 60], [48, 78, 42]];
const AUTUMN: [[u8; 3]; 5] = [[150, 122, 58], [128, 88, 48], [118, 112, 54], [160, 132, 66], [118, 66, 48]];

/// The time of the year, from the world's seed: how many plants have turned.
pub fn autumn_share(seed: u64) -> f32 {
    let draws = Draws(mix(seed, 0x0073_6561_736f_6e00));
    if draws.unit(1) < 0.22 { draws.within(2, 0.2, 0.7) } else { 0.03 }
}

/// The look of a part of an actor; `key` is the actor's own.
pub fn of_actor(shape: &ActorShape, material: &Material, body: &Body, key: u64) -> Look {
    let draws = Draws(key);
    let is_vehicle = !matches!(shape, ActorShape::Pedestrian(_) | ActorShape::Cyclist(_));
    match (material.finish, material.surface) {
        (_, Surface::Glass { .. }) => Look::Pane,
        (_, Surface::Sparse { .. }) => Look::Spokes,
        (Finish::Rubber, _) => Look::Wheel,
        (Finish::Plate, _) => Look::Plate,
        (Finish::Interior, _) => Look::Dark,
        (Finish::Top, _) => Look::Cloth(draws.color(1, &TOPS)),
        (Finish::Trousers, _) => Look::Cloth(draws.color(2, &TROUSERS)),
        (Finish::Skin, _) => Look::Head {
            skin: draws.color(3, &SKINS),
            hair: draws.color(4, if draws.unit(5) < 0.3 { &TOPS } else { &HAIRS }),
        },
        (Finish::Metal, _) => Look::Metal(draws.color(6, &COLORED)),
        (Finish::Paint, _) => {
            // A lorry's cab and load are painted apart.
            let own = Draws(mix(key, u64::from(material.reflectance.to_bits())));
            Look::Paint(Body { color: paint(material.reflectance, if is_vehicle { own } else { draws }), ..*body })
        }
        (Finish::Plain, _) if is_vehicle => Look::Paint(Body { color: paint(material.reflectance, draws), ..*body }),
        (Finish::Plain, _) => Look::Cloth(draws.color(7, &TOPS)),
    }
}

/// Paint as bright as the LiDAR finds it.
fn paint(reflectance: f32, draws: Draws) -> Vec3 {
    match reflectance {
        r if r < -0.04 => draws.color(8, &BLACKS),
        r if r < 0.12 => draws.color(9, &COLORED),
        _ => draws.color(10, &BRIGHTS),
    }
}

/// What all parts of an actor's body have in common but the colour; `axles` as in [`Body`].
pub fn body_of(shape: &ActorShape, size: Vec3, axles: [f32; 3]) -> Body {
    let kind = match shape {
        ActorShape::Car(car) if car.body == BodyType::Van || size.x < 7.0 => BodyKind::Car,
        _ => BodyKind::Large,
    };
    Body { color: Vec3::ZERO, extent: Vec3::new(size.x / 2.0, size.y / 2.0, size.z), axles, kind }
}

/// The look of a part of the scenery; `key` is that of the whole thing.
pub fn of_scenery(solid: &Solid, key: u64, autumn: f32) -> Look {
    let (draws, material) = (Draws(key), &solid.material);
    match (material.class_id, material.surface) {
        (class::BUILDING, Surface::Glass { .. }) => Look::Window(facade(draws)),
        (class::BUILDING, _) => Look::Facade(facade(draws)),
        (class::VEGETATION, _) => {
            // Clipped hedges stay green.
            let turns = matches!(solid.shape, Shape::Ellipsoid { .. }) && draws.unit(20) < autumn;
            let list: &[[u8; 3]] = if turns { &AUTUMN } else { &LEAVES };
            Look::Leaves(draws.color(21, list))
        }
        (class::TRUNK, _) => Look::Bark(draws.color(22, &WOODS) * 0.55),
        (class::FENCE, Surface::Sparse { .. }) => Look::Fence(draws.color(23, &WOODS)),
        (class::FENCE, _) if material.reflectance < 0.2 => Look::Fence(draws.color(23, &WOODS)),
        (class::FENCE, _) => {
            let stones = draws.unit(24) < 0.5;
            Look::Masonry { color: draws.color(25, if stones { &STONES } else { &PLASTERS }), stones }
        }
        (class::POLE, _) => Look::Metal(Vec3::splat(draws.within(26, 0.12, 0.4))),
        (class::TRAFFIC_SIGN, _) => Look::Sign((draws.unit(27) * 5.0) as u8),
        (class::BICYCLE, Surface::Sparse { .. }) => Look::Spokes,
        (class::BICYCLE, _) => Look::Metal(draws.color(28, &COLORED)),
        _ => Look::Matt(draws.color(29, &STREET)),
    }
}

fn facade(draws: Draws) -> Facade {
    let bricks = draws.unit(40) < 0.34;
    Facade {
        wall: draws.color(41, if bricks { &BRICKS } else { &PLASTERS }),
        trim: Vec3::splat(if draws.unit(42) < 0.75 { draws.within(43, 0.5, 0.8) } else { draws.within(44, 0.03, 0.1) }),
        roof: (draws.unit(45) < 0.65).then(|| draws.color(46, &ROOFS)),
        door: draws.color(47, &DOORS),
        bricks,
        shutters: !bricks && draws.unit(48) < 0.3,
        storey_m: draws.within(49, 2.7, 3.4),
        bay_m: draws.within(50, 1.9, 3.6),
        window_m: [draws.within(51, 0.8, 1.3), draws.within(52, 1.1, 1.7)],
        seed: (draws.0 >> 17) as u32,
    }
}
