//! Lists a bag as JSON: topics, counts, losses, and with `--messages` every message's times,
//! length and CRC-32.
//!
//!     cargo run -p percept_bag --example list_bag -- BAG [--messages] [--strict]

use std::error::Error;
use std::path::PathBuf;

use percept_bag::{BagReader, ReadOptions, TopicFilter};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = arguments.len();
        arguments.retain(|argument| argument != name);
        arguments.len() < before
    };
    let (messages, strict) = (flag("--messages"), flag("--strict"));
    let path = arguments.first().map(PathBuf::from).ok_or("usage: list_bag BAG [--messages]")?;
    let options = ReadOptions { strict, ..ReadOptions::default() };
    let reader = BagReader::open(&path, options)?;

    let mut listed = Vec::new();
    let mut counts = vec![0_u64; reader.topics().len()];
    for message in reader.messages(TopicFilter::all())? {
        let message = message?;
        counts[message.topic] += 1;
        if messages {
            listed.push(json!({
                "topic": reader.topics()[message.topic].name,
                "log_time_ns": message.log_time_ns,
                "publish_time_ns": message.publish_time_ns,
                "bytes": message.data.len(),
                "crc32": crc32fast::hash(&message.data),
            }));
        }
    }
    let topics = reader.topics().iter().zip(&counts).map(|(topic, read)| {
        json!({
            "name": topic.name,
            "type": topic.type_name,
            "encoding": topic.message_encoding,
            "messages": topic.message_count,
            "read": read,
            "schema": topic.schema.as_ref().map(|schema| schema.encoding.clone()),
        })
    });
    let losses = reader.losses();
    let explained: Vec<Value> = losses.iter().map(|loss| json!(loss.to_string())).collect();
    let mut report = json!({
        "storage": reader.storage_identifier(),
        "files": reader.storage_files().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        "topics": topics.collect::<Vec<_>>(),
        "duration_ns": reader.duration_ns(),
        "messages_read": counts.iter().sum::<u64>(),
        "messages_lost": losses.messages_lost(),
        "losses": explained,
    });
    if messages {
        report["messages"] = Value::Array(listed);
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
