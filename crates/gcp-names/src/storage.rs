//! Names of buckets and objects.

/// Google's rules for a bucket's name; what is wrong with it otherwise.
pub fn check_bucket(name: &str) -> Result<(), &'static str> {
    let limit = if name.contains('.') { 222 } else { 63 };
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.len() < 3 || name.len() > limit {
        return Err("it must have 3 to 63 characters (222 with dots)");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')) {
        return Err("it may hold only lower-case letters, digits, dashes, underscores and dots");
    }
    if !name.starts_with(edge) || !name.ends_with(edge) {
        return Err("it must begin and end with a letter or a digit");
    }
    if name.split('.').any(|part| part.is_empty() || part.len() > 63) {
        return Err("each part between dots must have 1 to 63 characters");
    }
    if name.starts_with("goog") || name.contains("google") {
        return Err("it may not begin with goog or contain google");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("it may not look like an IP address");
    }
    Ok(())
}

/// Names with dots are domains and belong to whoever owns those; `appspot.com` is Google's.
pub fn is_googles_domain(name: &str) -> bool {
    name == "appspot.com" || name.ends_with(".appspot.com")
}

/// Rules for an object's name.
pub fn check_object(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 1024 {
        return Err("it must have 1 to 1024 bytes");
    }
    if name.contains(['\r', '\n', '\0']) {
        return Err("it may not hold line ends or null characters");
    }
    if name == "." || name == ".." || name.starts_with(".well-known/acme-challenge/") {
        return Err("this name is reserved");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_googles_rules() {
        for good in ["abc", "my-bucket_1", "artifacts.my-project.appspot.com"] {
            assert_eq!(check_bucket(good), Ok(()), "{good}");
        }
        for bad in
            ["ab", "Bucket", "-abc", "abc-", "a..b", "goog-x", "my-google-x", "127.0.0.1", "a/b", &"a".repeat(64)]
        {
            assert!(check_bucket(bad).is_err(), "{bad}");
        }
        assert!(is_googles_domain("artifacts.p.appspot.com"));
        assert!(check_object("a/b").is_ok() && check_object("..").is_err() && check_object("a\n").is_err());
    }
}
