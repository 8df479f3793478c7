//! How a bag is recorded, and which part of it.

use percept_distill::losses::DistillationTerm;
use percept_distill::teacher::FeatureCodec;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::super::TrainingError;

/// How a teacher's outputs are recorded.
#[derive(Clone, Debug)]
pub struct RecordSettings {
    /// The teacher's weights.
    pub teacher: PathBuf,
    /// The cloud topic; the only one where left out.
    pub topic: Option<String>,
    /// The methods that will read the records.
    pub terms: Vec<DistillationTerm>,
    /// How features are stored.
    pub codec: FeatureCodec,
    /// Clouds a split file.
    pub frames_per_split: u64,
    /// Which splits are recorded here.
    pub shard: Shard,
    /// Bytes that may be written; no limit where left out.
    pub max_bytes: Option<u64>,
}

/// Part `index` of `count`: the splits whose number leaves `index` when divided by `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// At least 1.
    pub count: u64,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Part `index` of `count`.
    ///
    /// # Errors
    /// An index that is not below the count.
    pub fn new(index: u64, count: u64) -> Result<Self, TrainingError> {
        if count == 0 || index >= count {
            let expected = "i/n with i from 0 to n - 1, such as 0/4";
            return Err(TrainingError::Setting { name: "shard", found: format!("{index}/{count}"), expected });
        }
        Ok(Self { index, count })
    }

    /// What a batch engine tells of this job: Slurm's array (`SLURM_ARRAY_TASK_ID` of `SLURM_ARRAY_TASK_COUNT`, from
    /// `SLURM_ARRAY_TASK_MIN`) or Kubernetes' indexed job (`JOB_COMPLETION_INDEX` of `count`, which Kubernetes does not
    /// tell). `None` outside of both.
    ///
    /// # Errors
    /// Variables that are no numbers, or do not tell how many jobs there are.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
        count: Option<u64>,
    ) -> Result<Option<Self>, TrainingError> {
        let number = |name: &'static str| -> Result<Option<u64>, TrainingError> {
            let Some(text) = variable(name) else { return Ok(None) };
            let refuse = |_| TrainingError::Setting { name, found: text.clone(), expected: "a number" };
            text.trim().parse().map(Some).map_err(refuse)
        };
        let untold = |name, found: u64| TrainingError::Setting {
            name,
            found: format!("{found} of an untold number"),
            expected: "the number of jobs as well: give --shards n",
        };
        if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let count = count.or(number("SLURM_ARRAY_TASK_COUNT")?);
            let count = count.ok_or_else(|| untold("SLURM_ARRAY_TASK_ID", id))?;
            return Self::new(id.saturating_sub(first), count).map(Some);
        }
        match number("JOB_COMPLETION_INDEX")? {
            Some(index) => Self::new(index, count.ok_or_else(|| untold("JOB_COMPLETION_INDEX", index))?).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn has(self, split: u64) -> bool {
        split % self.count == self.index
    }
}

impl FromStr for Shard {
    type Err = TrainingError;

    fn from_str(text: &str) -> Result<Self, TrainingError> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let expected = "i/n with i from 0 to n - 1, such as 0/4";
        let (index, count) =
            parts.ok_or_else(|| TrainingError::Setting { name: "shard", found: text.to_owned(), expected })?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_from_text_slurm_or_kubernetes_and_anything_else_is_refused() {
        assert_eq!("1/4".parse::<Shard>().unwrap(), Shard { index: 1, count: 4 });
        for wrong in ["4/4", "1", "a/b", "0/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        let environment = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let slurm = environment(&[
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "5"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ]);
        assert_eq!(Shard::from_environment(slurm, None).unwrap(), Some(Shard { index: 2, count: 4 }));
        let kubernetes = environment(&[("JOB_COMPLETION_INDEX", "3")]);
        assert_eq!(Shard::from_environment(kubernetes, Some(8)).unwrap(), Some(Shard { index: 3, count: 8 }));
        let error = Shard::from_environment(kubernetes, None).unwrap_err().to_string();
        assert!(error.contains("--shards"), "{error}");
        assert_eq!(Shard::from_environment(environment(&[]), Some(8)).unwrap(), None);
        assert!(Shard::from_environment(environment(&[("SLURM_ARRAY_TASK_ID", "x")]), Some(8)).is_err());
    }
}
