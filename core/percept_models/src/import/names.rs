//! The tensor names of three code bases, translated to ours (OpenPCDet's).

use super::ImportError;
use percept_kernels::parameters::ParameterMap;

/// Which code base wrote a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// OpenPCDet.
    OpenPcdet,
    /// mmdetection3d, either generation: the names are the same, the conventions differ.
    Mmdetection3d,
}

impl Origin {
    /// Tells the origin by the name of a tensor that every network of it has.
    pub(super) fn detect(tensors: &ParameterMap) -> Result<Self, ImportError> {
        const MARKS: [(&str, Origin); 2] =
            [("dense_head.conv_cls.weight", Origin::OpenPcdet), ("bbox_head.conv_cls.weight", Origin::Mmdetection3d)];
        let found = MARKS.iter().find(|(name, _)| tensors.contains_key(*name)).map(|(_, origin)| *origin);
        found.ok_or_else(|| ImportError::NotPointPillars {
            missing: format!("{} or {}", MARKS[0].0, MARKS[1].0),
            num_tensors: tensors.len(),
            examples: tensors.keys().take(5).cloned().collect(),
        })
    }

    /// Our name of one of its tensors; `None` for what is no weight of the network (counters, loss buffers).
    pub(super) fn canonical(self, name: &str) -> Option<String> {
        if name.ends_with("num_batches_tracked") || name == "global_step" {
            return None;
        }
        match self {
            Self::OpenPcdet => ["vfe.", "backbone_2d.", "dense_head.conv_"]
                .iter()
                .any(|p| name.starts_with(p))
                .then(|| name.to_owned()),
            Self::Mmdetection3d => mmdetection3d(name),
        }
    }
}

fn mmdetection3d(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("voxel_encoder.") {
        return Some(format!("vfe.{rest}"));
    }
    if let Some(rest) = name.strip_prefix("neck.") {
        return Some(format!("backbone_2d.{rest}"));
    }
    if let Some(rest) = name.strip_prefix("bbox_head.conv_reg.") {
        return Some(format!("dense_head.conv_box.{rest}"));
    }
    if let Some(rest) = name.strip_prefix("bbox_head.conv_") {
        return Some(format!("dense_head.conv_{rest}"));
    }
    // OpenPCDet pads in a module of its own, which shifts the numbers within a stage by one.
    let rest = name.strip_prefix("backbone.blocks.")?;
    let (stage, rest) = rest.split_once('.')?;
    let (module, leaf) = rest.split_once('.')?;
    let module: usize = module.parse().ok()?;
    Some(format!("backbone_2d.blocks.{stage}.{}.{leaf}", module.checked_add(1)?))
}

/// All weights under our names.
pub(super) fn canonical_tensors(origin: Origin, tensors: ParameterMap) -> ParameterMap {
    tensors.into_iter().filter_map(|(name, tensor)| Some((origin.canonical(&name)?, tensor))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_mmdetection3d_become_ours() {
        let ours = |name| Origin::Mmdetection3d.canonical(name);
        assert_eq!(ours("backbone.blocks.1.3.weight").as_deref(), Some("backbone_2d.blocks.1.4.weight"));
        assert_eq!(ours("backbone.blocks.2.1.running_mean").as_deref(), Some("backbone_2d.blocks.2.2.running_mean"));
        assert_eq!(ours("neck.deblocks.0.1.bias").as_deref(), Some("backbone_2d.deblocks.0.1.bias"));
        assert_eq!(ours("bbox_head.conv_reg.bias").as_deref(), Some("dense_head.conv_box.bias"));
        assert_eq!(ours("bbox_head.conv_dir_cls.weight").as_deref(), Some("dense_head.conv_dir_cls.weight"));
        assert_eq!(ours("backbone.blocks.0.1.num_batches_tracked"), None);
    }
}
