//! Comma-separated values, read record by record from a place on.

/// The record that begins at `from`, and where the next one does. `None` at the end. Fields may be quoted, and a quoted
/// field may hold commas, line ends and doubled quotes.
pub fn record(text: &[u8], from: usize) -> Option<(Vec<String>, usize)> {
    let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
    let mut fields = Vec::new();
    let mut field = Vec::new();
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        at += 1;
        match byte {
            b'"' if quoted && rest.get(at) == Some(&b'"') => {
                field.push(b'"');
                at += 1;
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => fields.push(take(&mut field)),
            b'\n' if !quoted => break,
            b'\r' if !quoted && matches!(rest.get(at), Some(b'\n') | None) => {}
            byte => field.push(byte),
        }
    }
    fields.push(take(&mut field));
    Some((fields, from + at))
}

fn take(field: &mut Vec<u8>) -> String {
    String::from_utf8_lossy(&std::mem::take(field)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::record;

    fn all(text: &str) -> Vec<Vec<String>> {
        let mut from = 0;
        let mut records = Vec::new();
        while let Some((record, next)) = record(text.as_bytes(), from) {
            assert!(next > from, "it goes on");
            records.push(record);
            from = next;
        }
        records
    }

    #[test]
    fn records_end_at_line_ends_that_are_not_quoted() {
        assert_eq!(all("b,one\r\nb,two,7\nb,three"), [vec!["b", "one"], vec!["b", "two", "7"], vec!["b", "three"]]);
        assert_eq!(all("\"b\",\"a \"\"b\"\", c\nd\"\n"), [vec!["b", "a \"b\", c\nd"]]);
        assert_eq!(all("\n\n"), [vec![""], vec![""]]);
        assert_eq!(all("b,\"never closed\n"), [vec!["b", "never closed\n"]]);
        assert!(all("").is_empty());
    }
}
