//! A user's name and password in a URL, which are sent and shown nowhere.

/// `url`, or what should be one, without a user's name and password.
pub(crate) fn removed(url: &str) -> String {
    let Some(scheme_end) = url.find("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let (scheme, rest) = url.split_at(scheme_end + 3);
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_left_without_a_name_and_a_password() {
        for (given, expected) in [
            (
                "http://me:secret@host:1/v1/pools?a=@",
                "http://host:1/v1/pools?a=@",
            ),
            ("https://me@host", "https://host"),
            ("http://host/me:secret@", "http://host/me:secret@"),
            ("me:sec ret@host", "host"),
            ("//me:secret@host/", "host/"),
            ("http:/me:secret@host", "host"),
            ("host", "host"),
            ("", ""),
        ] {
            assert_eq!(removed(given), expected);
        }
    }
}
