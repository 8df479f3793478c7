//! What a field of a message may be: numbers, booleans, strings, fixed arrays, sequences, records.

use super::{CdrError, CdrFault, CdrReader, CdrWriter};

/// Definitions of the records that a message is made of, each once, in the order of their first use.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Pairs of `pkg/Type` and the text of its `.msg` file.
    pub records: Vec<(String, String)>,
}

/// A value that a message can hold.
pub trait Field: Sized {
    /// Fewest bytes a value takes on the wire, alignment aside; never 0.
    const MIN_BYTES: usize;

    /// The type as a `.msg` file names it: `float64`, `geometry_msgs/Point`.
    fn ros_type() -> String;

    /// The value of a message that nobody has filled.
    fn initial() -> Self;

    /// Reads one value.
    ///
    /// # Errors
    /// Where the bytes are not such a value; see [`CdrFault`].
    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError>;

    /// Writes one value.
    fn write(&self, writer: &mut CdrWriter);

    /// Reads `count` values, which [`CdrReader::sequence_length`] has found to fit.
    ///
    /// # Errors
    /// Where one of them is faulty.
    fn read_many(reader: &mut CdrReader<'_>, count: usize) -> Result<Vec<Self>, CdrError> {
        // A record may be larger in memory than on the wire: what is reserved ahead is bounded by the bytes there are.
        let fits = reader.left_bytes() / size_of::<Self>().max(1);
        let mut values = Vec::with_capacity(count.min(fits));
        for index in 0..count {
            values.push(Self::read(reader).map_err(|error| error.within_element(index))?);
        }
        Ok(values)
    }

    /// Writes values one after the other.
    fn write_many(values: &[Self], writer: &mut CdrWriter) {
        for value in values {
            value.write(writer);
        }
    }

    /// Adds the definitions of the records that this type is made of.
    fn define(_definitions: &mut Definitions) {}
}

macro_rules! number_field {
    ($($number:ty: $ros_type:literal),* $(,)?) => {$(
        impl Field for $number {
            const MIN_BYTES: usize = size_of::<$number>();

            fn ros_type() -> String {
                $ros_type.to_owned()
            }

            fn initial() -> Self {
                Default::default()
            }

            fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
                reader.number().map(<$number>::from_le_bytes)
            }

            fn write(&self, writer: &mut CdrWriter) {
                writer.number(self.to_le_bytes());
            }
        }
    )*};
}

number_field! {
    i8: "int8", i16: "int16", u16: "uint16", i32: "int32", u32: "uint32",
    i64: "int64", u64: "uint64", f32: "float32", f64: "float64",
}

impl Field for u8 {
    const MIN_BYTES: usize = 1;

    fn ros_type() -> String {
        "uint8".to_owned()
    }

    fn initial() -> Self {
        0
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
        reader.number().map(u8::from_le_bytes)
    }

    fn write(&self, writer: &mut CdrWriter) {
        writer.bytes(&[*self]);
    }

    /// One copy: clouds and images are megabytes of these.
    fn read_many(reader: &mut CdrReader<'_>, count: usize) -> Result<Vec<Self>, CdrError> {
        reader.take(count).map(<[u8]>::to_vec)
    }

    fn write_many(values: &[Self], writer: &mut CdrWriter) {
        writer.bytes(values);
    }
}

impl Field for bool {
    const MIN_BYTES: usize = 1;

    fn ros_type() -> String {
        "bool".to_owned()
    }

    fn initial() -> Self {
        false
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
        let offset_bytes = reader.offset_bytes();
        match u8::read(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(CdrError::new(CdrFault::NotABoolean { found }, offset_bytes)),
        }
    }

    fn write(&self, writer: &mut CdrWriter) {
        writer.bytes(&[u8::from(*self)]);
    }
}

impl Field for String {
    const MIN_BYTES: usize = 4;

    fn ros_type() -> String {
        "string".to_owned()
    }

    fn initial() -> Self {
        Self::new()
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
        reader.string().map(str::to_owned)
    }

    fn write(&self, writer: &mut CdrWriter) {
        writer.string(self);
    }
}

impl<T: Field> Field for Vec<T> {
    const MIN_BYTES: usize = 4;

    fn ros_type() -> String {
        format!("{}[]", T::ros_type())
    }

    fn initial() -> Self {
        Self::new()
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
        let count = reader.sequence_length(T::MIN_BYTES)?;
        T::read_many(reader, count)
    }

    fn write(&self, writer: &mut CdrWriter) {
        let count = writer.sequence_length(self.len());
        T::write_many(self.get(..count).unwrap_or_default(), writer);
    }

    fn define(definitions: &mut Definitions) {
        T::define(definitions);
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    const MIN_BYTES: usize = N * T::MIN_BYTES;

    fn ros_type() -> String {
        format!("{}[{N}]", T::ros_type())
    }

    fn initial() -> Self {
        std::array::from_fn(|_| T::initial())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, CdrError> {
        let mut values = Self::initial();
        for (index, value) in values.iter_mut().enumerate() {
            *value = T::read(reader).map_err(|error| error.within_element(index))?;
        }
        Ok(values)
    }

    fn write(&self, writer: &mut CdrWriter) {
        T::write_many(self, writer);
    }

    fn define(definitions: &mut Definitions) {
        T::define(definitions);
    }
}
