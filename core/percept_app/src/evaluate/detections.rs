//! Detections of an output bag, by the stamp of their cloud.

use crate::{AppError, topics};
use percept_bag::{BagReader, ReadOptions, TopicFilter, TopicInfo};
use percept_msgs::Message;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo};
use percept_types::{Detections, Stamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The detections of one bag.
pub(crate) struct OutputDetections {
    pub(crate) bag: PathBuf,
    pub(crate) by_stamp: BTreeMap<Stamp, Detections>,
}

/// Reads every Detection3DArray of the topic; of two messages with one stamp the later counts.
pub(super) fn read_detections(bag: &Path, topic: Option<&str>) -> Result<OutputDetections, AppError> {
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let topic = pick_topic(bag, reader.topics(), topic, topics::OBJECTS, &[topics::TRUTH_OBJECTS])?;
    let class_names = read_class_names(&reader)?;
    let mut by_stamp = BTreeMap::new();
    for (array, fault) in read_arrays(bag, &reader, &topic)? {
        // With the detector's own order a class has one index, and one colour, in every frame.
        let detections = array.to_detections_of(&class_names).or_else(|_| array.to_detections());
        by_stamp.insert(array.header.stamp.into(), detections.map_err(|e| fault(e.to_string()))?);
    }
    Ok(OutputDetections { bag: bag.to_owned(), by_stamp })
}

/// The classes of the detector in its order, where the bag tells them as `percept replay` does.
fn read_class_names(reader: &BagReader) -> Result<Vec<String>, AppError> {
    if !reader.topics().iter().any(|topic| topic.name == topics::LABEL_INFO) {
        return Ok(Vec::new());
    }
    let first = reader.messages(TopicFilter::topics([topics::LABEL_INFO]))?.next().transpose()?;
    let info = first.and_then(|message| LabelInfo::decode(&message.data).ok());
    Ok(info.map(|info| info.class_map.into_iter().map(|class| class.class_name).collect()).unwrap_or_default())
}

/// A fault in a message that was read, with its place.
type FaultAt = Box<dyn Fn(String) -> AppError>;

/// Every message of a Detection3DArray topic, in the order of log times.
pub(super) fn read_arrays(
    bag: &Path,
    reader: &BagReader,
    topic: &str,
) -> Result<Vec<(Detection3DArray, FaultAt)>, AppError> {
    let mut arrays = Vec::new();
    for message in reader.messages(TopicFilter::topics([topic]))? {
        let message = message?;
        let (bag, topic, log_time_ns) = (bag.to_owned(), topic.to_owned(), message.log_time_ns);
        let fault: FaultAt =
            Box::new(move |reason| AppError::Message { bag: bag.clone(), topic: topic.clone(), log_time_ns, reason });
        let array = Detection3DArray::decode(&message.data).map_err(|e| fault(e.to_string()))?;
        arrays.push((array, fault));
    }
    Ok(arrays)
}

/// The topic asked for; else the usual one; else the only one that is none of `others`.
pub(super) fn pick_topic(
    bag: &Path,
    found: &[TopicInfo],
    asked: Option<&str>,
    usual: &str,
    others: &[&str],
) -> Result<String, AppError> {
    let arrays: Vec<&TopicInfo> = found.iter().filter(|t| t.type_name == Detection3DArray::TYPE_NAME).collect();
    let named = |name: &str| arrays.iter().find(|topic| topic.name == name).map(|topic| topic.name.clone());
    let candidates: Vec<String> = arrays.iter().map(|topic| topic.name.clone()).collect();
    if let Some(asked) = asked {
        return named(asked).ok_or_else(|| AppError::NoDetections { bag: bag.to_owned(), candidates });
    }
    let mut rest = arrays.iter().filter(|topic| !others.contains(&topic.name.as_str()));
    match (named(usual), rest.next(), rest.next()) {
        (Some(usual), _, _) => Ok(usual),
        (None, Some(only), None) => Ok(only.name.clone()),
        (None, _, _) => Err(AppError::NoDetections { bag: bag.to_owned(), candidates }),
    }
}
