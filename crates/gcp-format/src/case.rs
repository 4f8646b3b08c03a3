//! Names in camelCase, snake_case and the ANGRY_SNAKE_CASE of headings.

/// Puts an underscore before every word but the first. `joined` says whether a run of capitals gives up its last letter
/// to the word after it: `aBCd` becomes `a_B_Cd` for keys, `a_BCd` for headings.
fn split_words(name: &str, give_up_last: bool) -> String {
    let chars: Vec<char> = name.chars().collect();
    let upper = |at: usize| chars.get(at).is_some_and(char::is_ascii_uppercase);
    let lower = |at: usize| chars.get(at).is_some_and(char::is_ascii_lowercase);
    let mut words = String::with_capacity(name.len() + 4);
    let mut at = 0;
    while at < chars.len() {
        let after_word = at > 0 && (chars[at - 1].is_ascii_lowercase() || chars[at - 1].is_ascii_digit());
        let mut end = at;
        if after_word && upper(at) {
            while upper(end) {
                end += 1;
            }
            if give_up_last && end < chars.len() {
                end = if lower(end) && end - at > 1 { end - 1 } else { at };
            }
        }
        if end == at && at > 0 && upper(at) && lower(at + 1) {
            end = at + 1;
        }
        if end > at {
            words.push('_');
            words.extend(&chars[at..end]);
            at = end;
        } else {
            words.push(chars[at]);
            at += 1;
        }
    }
    words
}

pub(crate) fn heading(name: &str) -> String {
    split_words(name, false).to_uppercase()
}

pub(crate) fn snake(name: &str) -> String {
    split_words(name, true).to_lowercase()
}

pub(crate) fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut joined = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut within = false;
        for letter in part.chars() {
            if within {
                joined.extend(letter.to_lowercase());
            } else {
                joined.extend(letter.to_uppercase());
            }
            within = letter.is_alphabetic();
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_keys_part_at_capitals() {
        for (name, expected) in [
            ("createTime", "CREATE_TIME"),
            ("satisfiesPzs", "SATISFIES_PZS"),
            ("IPAddress", "IP_ADDRESS"),
            ("networkIP", "NETWORK_IP"),
            ("fooBARBaz", "FOO_BARBAZ"),
            ("version_template", "VERSION_TEMPLATE"),
        ] {
            assert_eq!(heading(name), expected);
        }
        assert_eq!(snake("fooBARBaz"), "foo_bar_baz");
        assert_eq!(snake("networkIP"), "network_ip");
        assert_eq!(snake("IPAddress"), "ip_address");
        assert_eq!(camel("version_template"), "versionTemplate");
        assert_eq!(camel("kms_2nd_key"), "kms2NdKey");
    }
}
