//! One mcap file being written: chunks with their indexes, then summary and footer.
//!
//! The writing is our own and not the mcap crate's for one guarantee: bytes reach the file a
//! whole chunk at a time, a failed write is cut off again, and the file can then still be closed
//! with summary and footer in the space that the cut gave back. A full disk leaves a good file.

use std::collections::BTreeMap;
use std::io;

use mcap::records::op;

use super::encode;
use super::options::{Compression, WriteOptions};
use super::sink::Sink;
use super::topics::Topics;

/// Named in the header; other readers show it.
const LIBRARY: &str = concat!("percept_bag ", env!("CARGO_PKG_VERSION"));

struct ChunkIndex {
    start_ns: u64,
    end_ns: u64,
    offset: u64,
    length: u64,
    message_indexes: BTreeMap<u16, u64>,
    message_index_bytes: u64,
    compressed_bytes: u64,
    uncompressed_bytes: u64,
}

/// What is in a file so far, all of it whole.
#[derive(Debug, Default, Clone)]
pub(super) struct Contents {
    pub(super) counts: BTreeMap<u16, u64>,
    pub(super) time_range_ns: Option<(u64, u64)>,
}

impl Contents {
    pub(super) fn message_count(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// One message to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) channel: u16,
    pub(super) sequence: u32,
    pub(super) log_time_ns: u64,
    pub(super) publish_time_ns: u64,
    pub(super) data: &'a [u8],
}

#[derive(Default)]
struct OpenChunk {
    content: Vec<u8>,
    indexes: BTreeMap<u16, Vec<(u64, u64)>>,
    time_range_ns: Option<(u64, u64)>,
}

/// An mcap file being written.
pub(super) struct Split<S> {
    sink: S,
    /// Bytes that are whole and in the sink.
    len: u64,
    data_crc: crc32fast::Hasher,
    options: WriteOptions,
    chunk: OpenChunk,
    chunk_indexes: Vec<ChunkIndex>,
    metadata_indexes: Vec<(u64, u64, String)>,
    written: Contents,
    /// Topics of which the definition is in this file.
    defined_topics: usize,
    pub(super) metadata_count: u32,
}

impl<S: Sink> Split<S> {
    /// Begins a file with magic and header.
    pub(super) fn create(sink: S, options: &WriteOptions) -> io::Result<Self> {
        let mut split = Self {
            sink,
            len: 0,
            data_crc: crc32fast::Hasher::new(),
            options: options.clone(),
            chunk: OpenChunk::default(),
            chunk_indexes: Vec::new(),
            metadata_indexes: Vec::new(),
            written: Contents::default(),
            defined_topics: 0,
            metadata_count: 0,
        };
        let mut start = mcap::MAGIC.to_vec();
        encode::record(&mut start, op::HEADER, |out| {
            encode::string(out, "ros2");
            encode::string(out, LIBRARY);
        });
        split.commit(&start)?;
        Ok(split)
    }

    /// Messages in whole chunks of the file.
    pub(super) fn written(&self) -> &Contents {
        &self.written
    }

    /// Bytes of the file if it were closed now, summary excluded, before compression.
    pub(super) fn pending_len(&self) -> u64 {
        self.len + self.chunk.content.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.counts.is_empty() && self.chunk.indexes.is_empty()
    }

    /// Adds a message to the open chunk, with the definitions that the file still lacks; a full
    /// chunk goes to the file.
    pub(super) fn write(&mut self, message: Message<'_>, topics: &Topics) -> io::Result<()> {
        self.define(topics);
        let chunk = &mut self.chunk;
        let offset = chunk.content.len() as u64;
        encode::record(&mut chunk.content, op::MESSAGE, |out| {
            encode::u16(out, message.channel);
            encode::u32(out, message.sequence);
            encode::u64(out, message.log_time_ns);
            encode::u64(out, message.publish_time_ns);
            out.extend_from_slice(message.data);
        });
        let time = message.log_time_ns;
        let index = chunk.indexes.entry(message.channel).or_default();
        index.push((time, offset));
        chunk.time_range_ns = Some(widen(chunk.time_range_ns, (time, time)));
        if chunk.content.len() as u64 >= self.options.chunk_size_bytes {
            self.flush_chunk()?;
        }
        Ok(())
    }

    fn define(&mut self, topics: &Topics) {
        topics.encode_from(self.defined_topics, &mut self.chunk.content);
        self.defined_topics = topics.len();
    }

    /// Writes the open chunk with its message indexes, all or nothing.
    pub(super) fn flush_chunk(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let Some((start_ns, end_ns)) = chunk.time_range_ns else {
            // Definitions without messages make no chunk.
            return self.commit(&chunk.content);
        };
        let compressed = self.compress(&chunk.content)?;
        let stored = compressed.as_deref().unwrap_or(&chunk.content);
        let mut bytes = Vec::with_capacity(stored.len() + 64);
        encode::record(&mut bytes, op::CHUNK, |out| {
            encode::u64(out, start_ns);
            encode::u64(out, end_ns);
            encode::u64(out, chunk.content.len() as u64);
            encode::u32(out, crc32fast::hash(&chunk.content));
            encode::string(out, self.options.compression.name());
            encode::u64(out, stored.len() as u64);
            out.extend_from_slice(stored);
        });
        let length = bytes.len() as u64;
        let mut message_indexes = BTreeMap::new();
        for (channel, entries) in &chunk.indexes {
            message_indexes.insert(*channel, self.len + bytes.len() as u64);
            encode::record(&mut bytes, op::MESSAGE_INDEX, |out| {
                encode::u16(out, *channel);
                encode::u32(out, (entries.len() * 16) as u32);
                for (time, offset) in entries {
                    encode::u64(out, *time);
                    encode::u64(out, *offset);
                }
            });
        }
        let index = ChunkIndex {
            start_ns,
            end_ns,
            offset: self.len,
            length,
            message_indexes,
            message_index_bytes: bytes.len() as u64 - length,
            compressed_bytes: stored.len() as u64,
            uncompressed_bytes: chunk.content.len() as u64,
        };
        self.commit(&bytes)?;
        self.chunk_indexes.push(index);
        for (channel, entries) in &chunk.indexes {
            *self.written.counts.entry(*channel).or_insert(0) += entries.len() as u64;
        }
        self.written.time_range_ns = Some(widen(self.written.time_range_ns, (start_ns, end_ns)));
        Ok(())
    }

    fn compress(&self, content: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(match self.options.compression {
            Compression::None => None,
            // One thread: then the same content gives the same bytes on every machine.
            Compression::Zstd => Some(zstd::bulk::compress(content, self.options.zstd_level)?),
            Compression::Lz4 => {
                let mut encoder = lz4::EncoderBuilder::new()
                    .block_checksum(lz4::liblz4::BlockChecksum::NoBlockChecksum)
                    .build(Vec::new())?;
                io::Write::write_all(&mut encoder, content)?;
                let (bytes, result) = encoder.finish();
                result?;
                Some(bytes)
            }
        })
    }

    /// Writes a metadata record behind the open chunk.
    pub(super) fn write_metadata(&mut self, name: &str, entries: &BTreeMap<String, String>) -> io::Result<()> {
        self.flush_chunk()?;
        let mut bytes = Vec::new();
        encode::record(&mut bytes, op::METADATA, |out| {
            encode::string(out, name);
            encode::string_map(out, entries);
        });
        let offset = self.len;
        self.commit(&bytes)?;
        self.metadata_indexes.push((offset, bytes.len() as u64, name.to_owned()));
        self.metadata_count += 1;
        Ok(())
    }

    /// Appends bytes of the data section; what a failed write left behind is cut off.
    fn commit(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.sink.append(bytes) {
            self.sink.cut(self.len)?;
            return Err(error);
        }
        self.data_crc.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is open, then summary and footer, and brings it all to the disk.
    pub(super) fn finish(&mut self, topics: &Topics) -> io::Result<()> {
        self.define(topics);
        self.flush_chunk()?;
        self.close(topics)
    }

    /// Writes summary and footer behind the whole chunks, giving up what is open.
    pub(super) fn close(&mut self, topics: &Topics) -> io::Result<()> {
        self.chunk = OpenChunk::default();
        let mut bytes = Vec::new();
        encode::record(&mut bytes, op::DATA_END, |out| {
            encode::u32(out, self.data_crc.clone().finalize());
        });
        let summary_start = self.len + bytes.len() as u64;
        let mut summary = Vec::new();
        let offsets = self.encode_summary(&mut summary, topics);
        let offsets_start = summary_start + summary.len() as u64;
        for (opcode, start, length) in offsets {
            encode::record(&mut summary, op::SUMMARY_OFFSET, |out| {
                out.push(opcode);
                encode::u64(out, summary_start + start);
                encode::u64(out, length);
            });
        }
        encode::record(&mut summary, op::FOOTER, |out| {
            encode::u64(out, summary_start);
            encode::u64(out, offsets_start);
            // The checksum covers the footer as well, up to here.
            let mut hasher = crc32fast::Hasher::new();
            let length_at = out.len() - 16 - 8;
            hasher.update(out.get(..length_at).unwrap_or_default());
            hasher.update(&20_u64.to_le_bytes());
            hasher.update(out.get(length_at + 8..).unwrap_or_default());
            encode::u32(out, hasher.finalize());
        });
        bytes.append(&mut summary);
        bytes.extend_from_slice(mcap::MAGIC);
        if let Err(error) = self.sink.append(&bytes) {
            self.sink.cut(self.len)?;
            return Err(error);
        }
        self.sink.sync()
    }

    /// Groups of the summary in the specification's order, each with opcode, start and length.
    fn encode_summary(&self, out: &mut Vec<u8>, topics: &Topics) -> Vec<(u8, u64, u64)> {
        let mut groups = Vec::new();
        let mut group = |out: &mut Vec<u8>, opcode: u8, write: &dyn Fn(&mut Vec<u8>)| {
            let start = out.len() as u64;
            write(out);
            let length = out.len() as u64 - start;
            if length > 0 {
                groups.push((opcode, start, length));
            }
        };
        let defined = self.defined_topics;
        group(out, op::SCHEMA, &|out| topics.encode_schemas(0..defined, out));
        group(out, op::CHANNEL, &|out| topics.encode_channels(0..defined, out));
        group(out, op::STATISTICS, &|out| self.encode_statistics(out, topics));
        group(out, op::CHUNK_INDEX, &|out| {
            self.chunk_indexes.iter().for_each(|index| index.encode(self.options.compression, out));
        });
        group(out, op::METADATA_INDEX, &|out| {
            for (offset, length, name) in &self.metadata_indexes {
                encode::record(out, op::METADATA_INDEX, |out| {
                    encode::u64(out, *offset);
                    encode::u64(out, *length);
                    encode::string(out, name);
                });
            }
        });
        groups
    }

    fn encode_statistics(&self, out: &mut Vec<u8>, topics: &Topics) {
        let (start_ns, end_ns) = self.written.time_range_ns.unwrap_or((0, 0));
        encode::record(out, op::STATISTICS, |out| {
            encode::u64(out, self.written.message_count());
            encode::u16(out, topics.schema_count(self.defined_topics));
            encode::u32(out, self.defined_topics as u32);
            encode::u32(out, 0);
            encode::u32(out, self.metadata_count);
            encode::u32(out, self.chunk_indexes.len() as u32);
            encode::u64(out, start_ns);
            encode::u64(out, end_ns);
            let counts = self.written.counts.iter();
            encode::map(
                out,
                counts.map(|(channel, count)| {
                    move |out: &mut Vec<u8>| {
                        encode::u16(out, *channel);
                        encode::u64(out, *count);
                    }
                }),
            );
        });
    }
}

impl ChunkIndex {
    fn encode(&self, compression: Compression, out: &mut Vec<u8>) {
        encode::record(out, op::CHUNK_INDEX, |out| {
            encode::u64(out, self.start_ns);
            encode::u64(out, self.end_ns);
            encode::u64(out, self.offset);
            encode::u64(out, self.length);
            let places = self.message_indexes.iter();
            encode::map(
                out,
                places.map(|(channel, offset)| {
                    move |out: &mut Vec<u8>| {
                        encode::u16(out, *channel);
                        encode::u64(out, *offset);
                    }
                }),
            );
            encode::u64(out, self.message_index_bytes);
            encode::string(out, compression.name());
            encode::u64(out, self.compressed_bytes);
            encode::u64(out, self.uncompressed_bytes);
        });
    }
}

fn widen(range: Option<(u64, u64)>, (first, last): (u64, u64)) -> (u64, u64) {
    let (from, to) = range.unwrap_or((first, last));
    (from.min(first), to.max(last))
}
