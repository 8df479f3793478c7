//! A reader of Python pickles that executes nothing.
//!
//! Input   a pickle stream of protocol 0 to 5 as `torch.save` writes it.
//! Output  an arena of plain objects; a call (`REDUCE`, `NEWOBJ`) is kept as a record of what would be called.
//! Limits  every opcode makes at most one object, and lengths are checked against the bytes left before anything is
//!         allocated: memory is bounded by a constant times the input. Extension registries, out-of-band buffers and
//!         the class opcodes of protocol 0 are refused by name.
//! Source  CPython, `Lib/pickletools.py` (the specification of the opcodes). Why not to execute: CVE-2025-32434.

use super::PickleError;

/// Index of an object in its [`Pickle`].
pub(super) type ObjectId = usize;

/// What a pickle can say, reduced to what checkpoints use.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// An integer; larger than `i64` is kept as [`Object::Bytes`] of its little-endian two's complement.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes, or an integer beyond 64 bits.
    Bytes(Vec<u8>),
    /// A tuple, list or set.
    Sequence(Vec<ObjectId>),
    /// A dict or `OrderedDict`, in order.
    Dict(Vec<(ObjectId, ObjectId)>),
    /// A name in a module: never imported.
    Global { module: String, name: String },
    /// What a call would have made: never called.
    Call { callable: ObjectId, arguments: ObjectId, items: Vec<(ObjectId, ObjectId)> },
    /// What the file keeps outside the pickle (tensor storages).
    Persistent(ObjectId),
}

/// A pickle read into plain objects.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: ObjectId,
    /// Bytes of the stream that were read.
    pub(super) length_bytes: usize,
}

impl Pickle {
    /// Reads one pickle from the start of `bytes`; what follows its end is left alone.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PickleError> {
        let mut machine =
            Machine { bytes, position: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
        let root = machine.run()?;
        Ok(Self { root, length_bytes: machine.position, objects: machine.objects })
    }

    /// The object the pickle is about.
    pub(super) fn root(&self) -> ObjectId {
        self.root
    }

    /// An object; ids come from this pickle, so it exists.
    pub(super) fn get(&self, id: ObjectId) -> &Object {
        self.objects.get(id).unwrap_or(&Object::None)
    }

    /// The items of a sequence; empty for anything else.
    pub(super) fn sequence(&self, id: ObjectId) -> &[ObjectId] {
        match self.get(id) {
            Object::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a text key in a dict.
    pub(super) fn dict_value(&self, id: ObjectId, key: &str) -> Option<ObjectId> {
        let (Object::Dict(items) | Object::Call { items, .. }) = self.get(id) else { return None };
        items.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// What every reference to something outside the pickle names.
    pub(super) fn persistent_references(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.objects.iter().filter_map(|object| match object {
            Object::Persistent(reference) => Some(*reference),
            _ => None,
        })
    }

    /// Text, if it is text.
    pub(super) fn text(&self, id: ObjectId) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A count or size, if it is an integer that is not negative.
    pub(super) fn size(&self, id: ObjectId) -> Option<usize> {
        match self.get(id) {
            Object::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    objects: Vec<Object>,
    stack: Vec<ObjectId>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: Vec<Option<ObjectId>>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<ObjectId, PickleError> {
        loop {
            let at = self.position;
            let opcode = self.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode, at)?;
        }
    }

    fn step(&mut self, opcode: u8, at: usize) -> Result<(), PickleError> {
        match opcode {
            0x80 => self.byte().map(drop),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_to_mark().map(drop),
            b'2' => {
                let top = *self.stack.last().ok_or(PickleError::StackEmpty { at })?;
                self.stack.push(top);
                Ok(())
            }
            b'N' | 0x88 | 0x89 | b'I' | b'L' | b'F' | b'J' | b'K' | b'M' | b'G' | 0x8a | 0x8b => self.number(opcode),
            b'X' | 0x8c | 0x8d | b'U' | b'T' | b'B' | b'C' | 0x8e | 0x96 | b'S' | b'V' => self.string(opcode),
            b'}' | b']' | b')' | 0x8f | b't' | b'l' | b'd' | 0x91 | 0x85 | 0x86 | 0x87 => self.container(opcode),
            b'a' | b'e' | b's' | b'u' | 0x90 => self.fill(opcode, at),
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memoise(opcode, at),
            b'c' | 0x93 | b'R' | 0x81 | b'b' | b'Q' | b'P' => self.call(opcode),
            other => Err(PickleError::OpcodeRefused { opcode: other, at }),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b'N' => Object::None,
            0x88 => Object::Bool(true),
            0x89 => Object::Bool(false),
            b'J' => Object::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Object::Int(i64::from(self.byte()?)),
            b'M' => Object::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'G' => Object::Float(f64::from_be_bytes(self.array()?)),
            0x8a => {
                let length = usize::from(self.byte()?);
                long(self.take(length)?)
            }
            0x8b => {
                let length = self.length_u32()?;
                long(self.take(length)?)
            }
            _ => self.decimal(opcode)?,
        };
        self.push(object);
        Ok(())
    }

    /// Numbers of protocol 0: a line of digits.
    fn decimal(&mut self, opcode: u8) -> Result<Object, PickleError> {
        let at = self.position;
        let line = self.line()?;
        let fault = || PickleError::NumberMalformed { at, found: line.chars().take(40).collect() };
        Ok(match (opcode, line.as_str()) {
            (b'I', "00") => Object::Bool(false),
            (b'I', "01") => Object::Bool(true),
            (b'F', text) => Object::Float(text.parse().map_err(|_| fault())?),
            (_, text) => Object::Int(text.trim_end_matches('L').parse().map_err(|_| fault())?),
        })
    }

    fn string(&mut self, opcode: u8) -> Result<(), PickleError> {
        if matches!(opcode, b'S' | b'V') {
            let line = self.line()?;
            let unquoted = line.trim_matches(|c| c == '\'' || c == '"').to_owned();
            self.push(Object::Text(if opcode == b'S' { unquoted } else { line }));
            return Ok(());
        }
        let length = match opcode {
            0x8c | b'U' | b'C' => usize::from(self.byte()?),
            0x8d | 0x8e | 0x96 => self.length_u64()?,
            _ => self.length_u32()?,
        };
        let at = self.position;
        let bytes = self.take(length)?;
        let object = match opcode {
            b'B' | b'C' | 0x8e | 0x96 => Object::Bytes(bytes.to_vec()),
            // Strings of Python 2 may hold any bytes: those that are no text stay bytes.
            b'U' | b'T' => std::str::from_utf8(bytes)
                .map_or_else(|_| Object::Bytes(bytes.to_vec()), |text| Object::Text(text.to_owned())),
            _ => Object::Text(std::str::from_utf8(bytes).map_err(|_| PickleError::TextMalformed { at })?.to_owned()),
        };
        self.push(object);
        Ok(())
    }

    fn container(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b'}' => Object::Dict(Vec::new()),
            b']' | b')' | 0x8f => Object::Sequence(Vec::new()),
            b'd' => {
                let items = self.pop_to_mark()?;
                Object::Dict(self.pairs(&items)?)
            }
            0x85..=0x87 => {
                let mut items = Vec::with_capacity(3);
                for _ in 0x85..=opcode {
                    items.push(self.pop()?);
                }
                items.reverse();
                Object::Sequence(items)
            }
            _ => Object::Sequence(self.pop_to_mark()?),
        };
        self.push(object);
        Ok(())
    }

    fn fill(&mut self, opcode: u8, at: usize) -> Result<(), PickleError> {
        let items = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.pop_to_mark()?,
        };
        let pairs = if matches!(opcode, b's' | b'u') { self.pairs(&items)? } else { Vec::new() };
        let target = *self.stack.last().ok_or(PickleError::StackEmpty { at })?;
        match (opcode, self.objects.get_mut(target)) {
            (b's' | b'u', Some(Object::Dict(entries) | Object::Call { items: entries, .. })) => entries.extend(pairs),
            (b'a' | b'e' | 0x90, Some(Object::Sequence(entries))) => entries.extend(items),
            // Lists built by a class of someone's own: the entries are of no interest.
            (b'a' | b'e' | 0x90, Some(Object::Call { .. })) => {}
            _ => return Err(PickleError::FilledWrongKind { at }),
        }
        Ok(())
    }

    fn memoise(&mut self, opcode: u8, at: usize) -> Result<(), PickleError> {
        let index = match opcode {
            0x94 => self.memo.len(),
            b'q' | b'h' => usize::from(self.byte()?),
            b'r' | b'j' => self.length_u32()?,
            _ => self.line()?.parse().map_err(|_| PickleError::MemoUnknown { at })?,
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let object = self.memo.get(index).copied().flatten().ok_or(PickleError::MemoUnknown { at })?;
            self.stack.push(object);
            return Ok(());
        }
        // An honest writer numbers the memo consecutively: an index past the bytes read so far is an attack on memory.
        if index > self.position {
            return Err(PickleError::MemoUnknown { at });
        }
        let top = *self.stack.last().ok_or(PickleError::StackEmpty { at })?;
        if index >= self.memo.len() {
            self.memo.resize(index + 1, None);
        }
        self.memo[index] = Some(top);
        Ok(())
    }

    fn call(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b'c' => Object::Global { module: self.line()?, name: self.line()? },
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                Object::Global { module: self.owned_text(module)?, name: self.owned_text(name)? }
            }
            b'P' => {
                let line = self.line()?;
                let id = self.add(Object::Text(line));
                Object::Persistent(id)
            }
            b'Q' => Object::Persistent(self.pop()?),
            // BUILD would set attributes (`__setstate__`): of no interest here.
            b'b' => return self.pop().map(drop),
            _ => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.called(callable, arguments)
            }
        };
        self.push(object);
        Ok(())
    }

    fn called(&self, callable: ObjectId, arguments: ObjectId) -> Object {
        match self.objects.get(callable) {
            Some(Object::Global { module, name }) if module == "collections" && name == "OrderedDict" => {
                Object::Dict(Vec::new())
            }
            _ => Object::Call { callable, arguments, items: Vec::new() },
        }
    }

    fn add(&mut self, object: Object) -> ObjectId {
        self.objects.push(object);
        self.objects.len() - 1
    }

    fn push(&mut self, object: Object) {
        let id = self.add(object);
        self.stack.push(id);
    }

    fn pop(&mut self) -> Result<ObjectId, PickleError> {
        if self.marks.last().is_some_and(|mark| *mark >= self.stack.len()) {
            return Err(PickleError::StackEmpty { at: self.position });
        }
        self.stack.pop().ok_or(PickleError::StackEmpty { at: self.position })
    }

    fn pop_to_mark(&mut self) -> Result<Vec<ObjectId>, PickleError> {
        let mark = self.marks.pop().ok_or(PickleError::MarkMissing { at: self.position })?;
        if mark > self.stack.len() {
            return Err(PickleError::StackEmpty { at: self.position });
        }
        Ok(self.stack.split_off(mark))
    }

    fn pairs(&self, items: &[ObjectId]) -> Result<Vec<(ObjectId, ObjectId)>, PickleError> {
        if !items.len().is_multiple_of(2) {
            return Err(PickleError::KeyWithoutValue { at: self.position });
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn owned_text(&self, id: ObjectId) -> Result<String, PickleError> {
        match self.objects.get(id) {
            Some(Object::Text(text)) => Ok(text.clone()),
            _ => Err(PickleError::TextMalformed { at: self.position }),
        }
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], PickleError> {
        let left = self.bytes.len() - self.position;
        if length > left {
            return Err(PickleError::Truncated { at: self.position, expected: length, left });
        }
        let start = self.position;
        self.position += length;
        Ok(&self.bytes[start..self.position])
    }

    fn length_u32(&mut self) -> Result<usize, PickleError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length_u64(&mut self) -> Result<usize, PickleError> {
        let length = u64::from_le_bytes(self.array()?);
        let left = self.bytes.len() - self.position;
        usize::try_from(length).map_err(|_| PickleError::Truncated { at: self.position, expected: usize::MAX, left })
    }

    fn line(&mut self) -> Result<String, PickleError> {
        let rest = &self.bytes[self.position..];
        let end = rest.iter().position(|b| *b == b'\n');
        let end =
            end.ok_or(PickleError::Truncated { at: self.position, expected: rest.len() + 1, left: rest.len() })?;
        let at = self.position;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| PickleError::TextMalformed { at })?.to_owned();
        self.position += end + 1;
        Ok(line)
    }
}

/// Python's arbitrary integer: little-endian two's complement.
fn long(bytes: &[u8]) -> Object {
    if bytes.len() > 8 {
        return Object::Bytes(bytes.to_vec());
    }
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Object::Int(i64::from_le_bytes(wide))
}
