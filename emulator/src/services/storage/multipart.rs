//! Multipart bodies. The boundary may stand in either kind of quotes and lines may end in a bare LF: real clients do both.

use bytes::Bytes;

use crate::kernel::{Error, Result};

pub fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let rest = content_type.get(at..)?;
    let text = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split([';', ' ']).next()?,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// The parts between the delimiters, without the line end that belongs to the next delimiter.
pub fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Bytes>> {
    let delimiter = format!("--{boundary}");
    let mut at = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    let mut parts = Vec::new();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        let crlf = body[at..].starts_with(b"\r\n");
        let line_end = if crlf { 2 } else { 1 };
        if !crlf && !body[at..].starts_with(b"\n") {
            return None;
        }
        let start = at + line_end;
        let next = if crlf { format!("\r\n{delimiter}") } else { format!("\n{delimiter}") };
        let end = find(body, next.as_bytes(), at)?;
        parts.push(body.slice(start.min(end)..end));
        at = end + next.len();
    }
}

/// The first byte is looked for alone: bodies are long and their delimiters few.
fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut at = from;
    loop {
        at += haystack.get(at..)?.iter().position(|byte| byte == first)?;
        if haystack[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
}

/// Header lines and content of a part. A part may have no headers: then it begins with the empty line.
pub fn split_part(part: &Bytes) -> (Vec<(String, String)>, Bytes) {
    for gap in [&b"\r\n"[..], b"\n"] {
        if part.starts_with(gap) {
            return (Vec::new(), part.slice(gap.len()..));
        }
    }
    let (head, content) = [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|gap| find(part, gap, 0).map(|at| (at, gap.len())))
        .min()
        .map_or_else(|| (part.clone(), Bytes::new()), |(at, gap)| (part.slice(..at), part.slice(at + gap..)));
    let headers = String::from_utf8_lossy(&head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (headers, content)
}

/// An upload's two parts: metadata, the media's type, the media.
pub fn upload(content_type: &str, body: &Bytes) -> Result<(Bytes, String, Bytes)> {
    let malformed = || Error::invalid_argument("Malformed multipart body.").with_reason("badRequest");
    let parts = boundary(content_type).and_then(|boundary| parts(body, &boundary)).ok_or_else(malformed)?;
    let [head, media] = &parts[..] else { return Err(malformed()) };
    let (_, head) = split_part(head);
    let (headers, media) = split_part(media);
    let media_type = headers
        .into_iter()
        .find(|(name, _)| name == "content-type")
        .map_or_else(|| "application/octet-stream".to_owned(), |(_, value)| value);
    Ok((head, media_type, media))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact bytes of gcloud: single quotes, bare line feeds; and Python's double quotes with CRLF.
    #[test]
    fn multipart_bodies_of_gcloud_and_python_come_apart() {
        let gcloud = "--===9==\nContent-Type: application/json\nMIME-Version: 1.0\n\n{\"name\": \"a\"}\n--===9==\nContent-Type: text/plain\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\n\nline\n\n--===9==--\n";
        let (head, kind, media) = upload("multipart/related; boundary='===9=='", &Bytes::from(gcloud)).unwrap();
        assert_eq!((&head[..], kind.as_str(), &media[..]), (&b"{\"name\": \"a\"}"[..], "text/plain", &b"line\n"[..]));
        let python = "--==1==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"b\"}\r\n--==1==\r\ncontent-type: x/y\r\n\r\n\r\nab\n\r\n--==1==--";
        let (_, kind, media) = upload("multipart/related; boundary=\"==1==\"", &Bytes::from(python)).unwrap();
        assert_eq!((kind.as_str(), &media[..]), ("x/y", &b"\r\nab\n"[..]));
        assert!(upload("multipart/related; boundary=x", &Bytes::from("nothing")).is_err());
        assert!(upload("multipart/related", &Bytes::from(python)).is_err());
    }

    #[test]
    fn an_empty_part_and_a_missing_end_are_told_apart() {
        let empty = "--b\r\n\r\n{}\r\n--b\r\ncontent-type: x/y\r\n\r\n\r\n--b--";
        assert_eq!(upload("a/b; boundary=b", &Bytes::from(empty)).unwrap().2, "");
        let bare = "--b\n\n{}\n--b\n\n\nx\n--b--\n";
        assert_eq!(upload("a/b; boundary=b", &Bytes::from(bare)).unwrap().2, "\nx", "no headers");
        for cut in 0..empty.len() - 2 {
            assert!(upload("a/b; boundary=b", &Bytes::from(&empty[..cut])).is_err(), "{cut}");
        }
    }
}
