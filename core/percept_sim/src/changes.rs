//! Changes to a scene or sensor file: a JSON object whose keys take the place of the file's, objects within objects key by
//! key (as RFC 7396 merges, without its removal of keys).

use serde_json::Value;

/// `base` with the values of `changes`.
pub(crate) fn merged(base: Value, changes: &Value) -> Value {
    match (base, changes) {
        (Value::Object(mut base), Value::Object(changes)) => {
            for (key, change) in changes {
                let old = base.remove(key).unwrap_or(Value::Null);
                base.insert(key.clone(), merged(old, change));
            }
            Value::Object(base)
        }
        (_, changes) => changes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_merged_key_by_key_and_everything_else_is_replaced() {
        let base = json!({"a": {"b": 1, "c": [1, 2]}, "d": 3});
        let changed = merged(base, &json!({"a": {"c": [5]}, "e": "new"}));
        assert_eq!(changed, json!({"a": {"b": 1, "c": [5]}, "d": 3, "e": "new"}));
    }
}
