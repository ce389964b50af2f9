//! The name that a request came by.
//!
//! Whoever owns a name may let it mean 127.0.0.1 after a browser has loaded a page from it: that page
//! is then of the same origin as the service. Where no token keeps it out, its name does: no public
//! name is without a dot, and none is an address.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;

/// A `Host` that a page of another site may have; browsers always say one, so that none is no page's.
pub(super) fn foreign(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    let foreign = hosts.find(|host| !host.to_str().is_ok_and(is_local));
    foreign.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
}

fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    if address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    !name.contains('.') || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_that_nobody_can_register_are_local() {
        let local = [
            "127.0.0.1",
            "127.0.0.1:8470",
            "192.168.1.7:80",
            "[::1]",
            "[::1]:8470",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "pool.localhost:1",
            "knhk-poold:8470",
        ];
        let foreign = [
            "evil.example",
            "evil.example:8470",
            "evil.example.",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "127.0.0.1@evil.example",
            "notlocalhost.example",
            "",
            "a b",
        ];
        for host in local {
            assert!(is_local(host), "{host}");
        }
        for host in foreign {
            assert!(!is_local(host), "{host}");
        }
    }
}
