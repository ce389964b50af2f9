//! Who may use the service.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::client::{Answer, PATIENCE, connect, raw, request, request_to, rest};
use crate::program::{Ended, file, text};
use crate::server::{Server, TRIPLES, serve, serve_on};

#[test]
fn other_addresses_need_a_token_before_the_port_opens() {
    let ended = Ended::of(&serve_on("0.0.0.0:0", &[]).output().expect("it starts"));
    ended.assert_refused(2, "0.0.0.0:0");
    assert!(ended.stderr.contains("--token-file"), "{ended:?}");
}

#[test]
fn a_token_is_asked_for_everywhere_but_at_the_probes_and_is_told_nowhere() {
    let token = "0123456789-abcdef";
    let path = file("serve-token", format!("{token}\n").as_bytes());
    let server = Server::start(&["--token-file", text(&path)]);
    let bearer = format!("authorization: Bearer {token}");
    let basic = base64::prelude::BASE64_STANDARD.encode(format!("me:{token}"));
    let basic = format!("authorization: Basic {basic}");
    for path in [
        "/v1/config",
        "/v1/pools",
        "/metrics",
        "/",
        "/openapi.yaml",
        "/nothing",
    ] {
        let refused = server.get(path);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.header("www-authenticate").is_some(), "{path}");
        for header in [&bearer, &basic] {
            let known = server.send("GET", path, &[header], b"");
            assert_ne!(known.status, 401, "{path}");
            assert!(!known.body.contains(token), "{path}");
        }
    }
    let body = b"<http://a> <http://b> <http://c> .\n";
    assert_eq!(server.post("/v1/triples", body).status, 401);
    let wrong = [
        "authorization: Bearer 0123456789-abcdee",
        "authorization: Bearer ",
    ];
    for header in wrong {
        let refused = server.send("POST", "/v1/triples", &[TRIPLES, header], body);
        assert_eq!(refused.status, 401);
    }
    let known = server.send("POST", "/v1/triples", &[TRIPLES, &bearer], body);
    assert_eq!(known.status, 200);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    let lines = server.stop().concat();
    assert!(!lines.contains(token), "{lines}");
}

#[test]
fn a_token_that_was_replaced_ends_the_streams_that_it_has_opened() {
    let (old, new) = ("0123456789-abcdef", "fedcba-9876543210");
    let path = file("serve-rotated-token", old.as_bytes());
    let server = Server::start(&["--token-file", text(&path)]);
    let header = format!("authorization: Bearer {old}");
    let streams = ["/v1/receipts", "/v1/live"].map(|path| {
        let mut stream = connect(server.address);
        let bytes = request("GET", path, &[&header], b"");
        stream.write_all(&bytes).expect("it reads");
        let mut head = [0; 15];
        stream.read_exact(&mut head).expect("it answers");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        stream
    });
    // The same token again changes nothing.
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    let known = server.send("POST", "/v1/triples", &[TRIPLES, &header], b"");
    assert_eq!(known.status, 200);
    let mut reader = BufReader::new(&streams[0]);
    let mut line = String::new();
    while !line.contains("event: batch") {
        line.clear();
        let read = reader.read_line(&mut line).expect("it goes on");
        assert_ne!(read, 0, "it has ended");
    }
    fs::write(&path, new).expect("it is there");
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    for stream in streams {
        rest(stream);
    }
    server.stop();
}

#[test]
fn a_bad_token_file_is_refused_and_its_text_is_not_shown() {
    for bad in [
        "",
        "short",
        "has a space in the middle",
        "has\na second line",
    ] {
        let path = file("serve-bad-token", bad.as_bytes());
        let ended = Ended::of(
            &serve(&["--token-file", text(&path)])
                .output()
                .expect("it starts"),
        );
        ended.assert_refused(2, "serve-bad-token");
        assert!(bad.is_empty() || !ended.stderr.contains(bad), "{ended:?}");
    }
}

#[test]
fn a_page_of_another_site_cannot_send_triples() {
    let server = Server::start(&[]);
    let other = ["content-type: text/plain", "origin: http://evil.example"];
    let refused = server.send("POST", "/v1/triples", &other, b"");
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (403, "cross_origin")
    );
    let own = ["content-type: text/plain", "origin: http://test"];
    assert_eq!(server.send("POST", "/v1/triples", &own, b"").status, 200);
}

#[test]
fn without_a_token_a_name_that_anybody_may_own_is_not_answered() {
    let server = Server::start(&[]);
    let by = |host: &str| {
        let origin = format!("origin: http://{host}");
        let headers = [TRIPLES, &origin];
        let get = request_to(host, "GET", "/v1/config", &headers, b"");
        let post = request_to(host, "POST", "/v1/triples", &headers, b"");
        [get, post].map(|bytes| raw(server.address, &bytes).expect("an answer"))
    };
    for refused in by("evil.example:1") {
        assert_eq!((refused.status, &*refused.error()), (403, "cross_origin"));
    }
    for host in ["127.0.0.1:1", "[::1]:1", "localhost"] {
        assert_eq!(by(host).map(|it| it.status), [200, 200], "{host}");
    }
    // No browser is silent about it.
    let old = raw(server.address, b"GET /v1/config HTTP/1.0\r\n\r\n");
    assert_eq!(old.expect("an answer").status, 200);
    server.stop();
}

#[test]
fn the_same_is_served_by_tls_and_a_new_certificate_by_sighup() {
    let [first, second] = [1, 2].map(|_| {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
    });
    let cert = file("serve-cert.pem", first.cert.pem().as_bytes());
    let key = file(
        "serve-key.pem",
        first.signing_key.serialize_pem().as_bytes(),
    );
    let server = Server::start(&["--tls-cert", text(&cert), "--tls-key", text(&key)]);
    let body = b"<http://a> <http://b> <http://c> .\n";
    let bytes = request("POST", "/v1/triples", &[TRIPLES], body);
    let answer = by_tls(&server, &first.cert.pem(), &bytes).expect("the certificate is trusted");
    assert_eq!((answer.status, &answer.json()["triples"]), (200, &1.into()));
    assert!(
        by_tls(&server, &second.cert.pem(), &bytes).is_none(),
        "another certificate"
    );
    // Plain HTTP gets no HTTP.
    assert_eq!(raw(server.address, &bytes), None);

    fs::write(&cert, second.cert.pem()).expect("the disk takes it");
    fs::write(&key, second.signing_key.serialize_pem()).expect("the disk takes it");
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    assert!(by_tls(&server, &second.cert.pem(), &bytes).is_some());
    server.stop();
}

/// Waits until so many connections are open, of which the question's own is one.
fn until_open(server: &Server, trusted: &str, count: f64) {
    let question = request("GET", "/metrics", &[], b"");
    let until = Instant::now() + PATIENCE;
    loop {
        let metrics = by_tls(server, trusted, &question).expect("it answers").body;
        let mut lines = metrics.lines();
        let open = lines.find_map(|it| it.strip_prefix("knhk_service_connections "));
        if open.and_then(|it| it.parse().ok()) == Some(count) {
            return;
        }
        assert!(Instant::now() < until, "{open:?} connections");
    }
}

#[test]
fn a_client_that_says_nothing_or_half_of_it_holds_up_no_stop() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let cert = file("serve-silent-cert.pem", own.cert.pem().as_bytes());
    let key = file(
        "serve-silent-key.pem",
        own.signing_key.serialize_pem().as_bytes(),
    );
    let tls = ["--tls-cert", text(&cert), "--tls-key", text(&key)];
    assert_once_in_three(|| {
        let server = Server::start(&[&tls[..], &["--head-time-ms", "600000"]].concat());
        let (_silent, mut half) = (connect(server.address), connect(server.address));
        half.write_all(b"\x16\x03\x01\x02").expect("it reads");
        until_open(&server, &own.cert.pem(), 3.0);
        stops_at_once(server)
    });
    assert_once_in_three(|| {
        let server = Server::start(&["--head-time-ms", "600000"]);
        let (_silent, mut half) = (connect(server.address), connect(server.address));
        half.write_all(b"POST /v1/trip").expect("it reads");
        let until = Instant::now() + PATIENCE;
        while server.metric("knhk_service_connections", "") < 3.0 {
            assert!(Instant::now() < until, "they are not there");
        }
        stops_at_once(server)
    });
}

/// A machine may stand still for as long as a stop waits; not each time.
fn assert_once_in_three(is_so: impl FnMut() -> bool) {
    assert!(std::iter::repeat_with(is_so).take(3).any(|it| it));
}

/// It says so where it had to stop waiting for a connection.
fn stops_at_once(server: Server) -> bool {
    let lines = server.stop();
    let has_waited = |line: &String| line.contains("before every connection");
    !lines.iter().any(has_waited)
}

fn by_tls(server: &Server, trusted: &str, bytes: &[u8]) -> Option<Answer> {
    let mut roots = rustls::RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(trusted.as_bytes()).expect("PEM");
    roots.add(der).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream: TcpStream = connect(server.address);
    let mut stream = rustls::StreamOwned::new(client, stream);
    stream.write_all(bytes).ok()?;
    Answer::parse(&rest(stream))
}
