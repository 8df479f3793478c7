//! What each true thing is to each class: wanted, ignored, or nothing.

use percept_types::{Box3d, TruthObject};
use serde::{Deserialize, Serialize};

/// Rules of one class of the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRules {
    /// Name, as in the truth.
    pub name: String,
    /// Classes so like this one that they are neither right nor wrong (Van for Car, Person_sitting for Pedestrian).
    pub neighbours: Vec<String>,
    /// A thing with fewer points than this in its box is ignored: nobody can see it.
    pub min_points: usize,
}

/// Rules of all classes, in the order of the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignmentRules {
    /// One entry a class.
    pub classes: Vec<ClassRules>,
    /// mmdetection3d's further condition of the force match: the best overlap must reach the negative threshold.
    pub force_match_needs_negative_iou: bool,
}

/// What a true thing is to one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruthRole {
    /// To be found.
    Wanted,
    /// Neither right nor wrong.
    Ignored,
    /// Nothing to this class.
    Background,
}

/// A true box and what it is to each class.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthBox {
    /// The box, in the cloud's frame.
    pub box3d: Box3d,
    /// One role a class of the head.
    pub roles: Vec<TruthRole>,
}

impl AssignmentRules {
    /// The rules of these classes: KITTI's neighbours and counts for KITTI's names, at least three points for others.
    pub fn for_classes(names: &[String]) -> Self {
        Self { classes: names.iter().map(|name| ClassRules::of(name)).collect(), force_match_needs_negative_iou: false }
    }

    /// The things of a frame that concern any class, with their roles. Boxes of no size are left out.
    ///
    /// `in_view` tells whether a box centre lies where the network can be asked for it; a wanted thing outside is
    /// ignored, since its best anchor is not there.
    pub fn truth_boxes(&self, objects: &[TruthObject], in_view: impl Fn(&Box3d) -> bool) -> Vec<TruthBox> {
        let concerned = |object: &TruthObject| {
            let roles: Vec<TruthRole> =
                self.classes.iter().map(|class| class.role(object, in_view(&object.box3d))).collect();
            let any = object.box3d.is_valid() && roles.iter().any(|role| *role != TruthRole::Background);
            any.then_some(TruthBox { box3d: object.box3d, roles })
        };
        objects.iter().filter_map(concerned).collect()
    }
}

impl ClassRules {
    fn role(&self, object: &TruthObject, in_view: bool) -> TruthRole {
        if object.class_name == "DontCare" || self.neighbours.contains(&object.class_name) {
            TruthRole::Ignored
        } else if object.class_name != self.name {
            TruthRole::Background
        } else if object.num_points < self.min_points || !in_view {
            TruthRole::Ignored
        } else {
            TruthRole::Wanted
        }
    }

    fn of(name: &str) -> Self {
        let (neighbours, min_points): (&[&str], usize) = match name {
            "Car" => (&["Van"], 5),
            "Pedestrian" => (&["Person_sitting"], 3),
            _ => (&[], 3),
        };
        Self { name: name.to_owned(), neighbours: neighbours.iter().map(|n| (*n).to_owned()).collect(), min_points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::Occlusion;

    fn object(class_name: &str, num_points: usize) -> TruthObject {
        TruthObject {
            class_name: class_name.into(),
            box3d: Box3d { center_m: [10.0, 0.0, -1.0], size_m: [4.0, 1.6, 1.5], yaw_rad: 0.0 },
            velocity_mps: [0.0; 2],
            instance_id: 1,
            num_points,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        }
    }

    #[test]
    fn vans_and_unseen_cars_are_neither_right_nor_wrong_for_car() {
        let rules = AssignmentRules::for_classes(&["Car", "Pedestrian"].map(str::to_owned));
        let objects =
            [object("Car", 50), object("Car", 4), object("Van", 50), object("Truck", 50), object("DontCare", 0)];
        let roles: Vec<_> = rules.truth_boxes(&objects, |_| true).into_iter().map(|truth| truth.roles).collect();
        use TruthRole::{Background, Ignored, Wanted};
        let expected = vec![
            vec![Wanted, Background],
            vec![Ignored, Background],
            vec![Ignored, Background],
            vec![Ignored, Ignored],
        ];
        assert_eq!(roles, expected);
        let outside = rules.truth_boxes(&objects[..1], |_| false);
        assert_eq!(outside[0].roles[0], Ignored);
    }
}
