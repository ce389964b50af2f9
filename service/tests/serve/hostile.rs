//! Input of clients that mean no good: answered with 2xx or 4xx, or closed; never a panic or 5xx.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::client::{Answer, connect, raw, rest};
use crate::server::Server;

/// Each is what one client says, as bytes.
fn cases() -> Vec<(String, Vec<u8>)> {
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| cases.push((name.to_owned(), bytes));
    request_lines(&mut add);
    heads(&mut add);
    lengths(&mut add);
    bodies(&mut add);
    queries(&mut add);
    cases
}

type Add<'a> = dyn FnMut(&str, Vec<u8>) + 'a;

fn request_lines(add: &mut Add<'_>) {
    let lines: [&[u8]; 24] = [
        b"",
        b"\r\n",
        b"\0",
        b"GET",
        b"GET /",
        b"GET / HTTP/1.1",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"get / http/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"CONNECT other.example:80 HTTP/1.1\r\nhost: t\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"BREW /v1/triples HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"DELETE /v1/triples HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"HEAD /v1/receiptss HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"GET /%2e%2e/%00 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for line in lines {
        add(
            &format!("request line {}", line.escape_ascii()),
            line.to_vec(),
        );
    }
    add(
        "a path of 64 KiB",
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(64 << 10)).into(),
    );
    add(
        "a method of 64 KiB",
        format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(64 << 10)).into(),
    );
}

fn heads(add: &mut Add<'_>) {
    let headers = [
        "no colon",
        ": no name",
        "name : space",
        " folded: yes",
        "nul: a\0b",
        "cr: a\rb",
        "\u{7f}: x",
        "host: a\r\nhost: b",
        "content-type: ",
        "content-type: application/n-triples; charset=\"\u{1}\"",
        "content-type: text/html",
        "content-type: multipart/form-data; boundary=x",
        "content-encoding: br",
        "content-encoding: gzip, gzip",
        "content-encoding: deflate",
        "content-encoding: identity\r\ncontent-encoding: gzip",
        "content-type: text/plain; charset=iso-8859-1",
        "content-type: text/plain\r\ncontent-type: application/json",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, identity",
        "upgrade: websocket\r\nconnection: upgrade",
        "upgrade: h2c\r\nconnection: upgrade\r\nhttp2-settings: AAA",
        "expect: 200-maybe",
        "expect: 100-continue",
        "origin: null",
        "origin: http://evil.example",
        "authorization: Basic ====",
        "authorization: Bearer \u{e9}",
        "range: bytes=0-18446744073709551615",
        "last-event-id: 99999999999999999999999",
        "accept-encoding: *;q=nan",
        "cookie: a=b; a=b; a=b",
        "x-forwarded-for: 127.0.0.1",
    ];
    for header in headers {
        let bytes = format!(
            "POST /v1/triples HTTP/1.1\r\nhost: t\r\n{header}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        add(&format!("header {}", header.escape_debug()), bytes.into());
    }
    let head =
        |more: String| format!("GET /healthz HTTP/1.1\r\nhost: t\r\n{more}\r\n").into_bytes();
    add(
        "a header of 1 MiB",
        head(format!("x: {}\r\n", "y".repeat(1 << 20))),
    );
    add("10,000 headers", head("x: y\r\n".repeat(10_000)));
    add(
        "a name of 64 KiB",
        head(format!("{}: y\r\n", "x".repeat(64 << 10))),
    );
}

fn lengths(add: &mut Add<'_>) {
    let both = [
        "content-length: -1",
        "content-length: +5",
        "content-length: 5, 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 0x10",
        "content-length: 1e3",
        "content-length: 5 5",
        "content-length: \u{665}",
        "content-length: 18446744073709551615",
        "content-length: 18446744073709551616",
        "content-length: 99999999999999999999999999",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    ];
    for lengths in both {
        let bytes = format!(
            "POST /v1/triples HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{lengths}\r\n\r\nabcde"
        );
        add(&format!("length {}", lengths.escape_debug()), bytes.into());
    }
    let chunks: [&[u8]; 12] = [
        b"zz\r\nabc\r\n",
        b"-1\r\nabc\r\n",
        b"ffffffffffffffff\r\nabc",
        b"ffffffffffffffffff\r\nabc",
        b"3\r\nabcdef\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"0\r\nevil: \0\r\n\r\n",
        b"0\r\nhost: evil\r\ncontent-length: 7\r\n\r\n",
        b"3;ext=\"\r\nabc\r\n0\r\n\r\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ];
    let head = b"POST /v1/triples HTTP/1.1\r\nhost: t\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunk in chunks {
        let bytes = [&head[..], chunk].concat();
        add(&format!("chunk {}", chunk.escape_ascii()), bytes);
    }
    let extension = format!("3;{}\r\nabc\r\n0\r\n\r\n", "e".repeat(1 << 20));
    add(
        "a chunk's extension of 1 MiB",
        [&head[..], extension.as_bytes()].concat(),
    );
    add(
        "a million chunks",
        [&head[..], &b"1\r\n#\r\n".repeat(1_000_000)].concat(),
    );
    let trailers = "t: x\r\n".repeat(100_000);
    add(
        "100,000 trailers",
        [&head[..], b"0\r\n", trailers.as_bytes()].concat(),
    );
}

fn bodies(add: &mut Add<'_>) {
    let deep = "(".repeat(1 << 20);
    let texts: [&[u8]; 22] = [
        b"\xff\xfe\xfd",
        b"\xef\xbb\xbf<http://a> <http://b> <http://c> .",
        b"\0\0\0\0",
        b"<",
        b"<http://a",
        b"<http://a> <http://b> \"",
        b"<http://a> <http://b> \"\\u",
        b"<http://a> <http://b> \"\\uD800\" .",
        b"<http://a> <http://b> \"\\U0010FFFF\" .",
        b"<http://a> <http://b> \"\\UFFFFFFFF\" .",
        b"<http://a> <http://b> \"x\"@ .",
        b"<http://a> <http://b> \"x\"@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa .",
        b"<http://a> <http://b> \"x\"^^<> .",
        b"<a b> <c> <d> .",
        b"<javascript:alert(1)> <http://b> \"<script>alert(1)</script>\" .",
        b"_: _: _: .",
        b"_:a <http://b> _:b .\r_:a <http://b> _:b .\r\n\r\r\n",
        b"<< <http://a> <http://b> <http://c> >> <http://d> <http://e> .",
        b"<http://a> <http://b> \"99999999999999999999999999999999\"^^<http://www.w3.org/2001/XMLSchema#integer> .",
        b"<http://a> <http://b> \"-0\"^^<http://www.w3.org/2001/XMLSchema#integer> .",
        b"@prefix a: <http://a> .",
        b"{\"json\": [[[[[[]]]]]]}",
    ];
    let mut post = |name: String, head: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/triples HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{head}content-length: {}\r\n\r\n",
            body.len()
        );
        add(&name, [head.as_bytes(), body].concat());
    };
    for text in texts {
        post(format!("body {}", text.escape_ascii()), "", text);
    }
    post("a million brackets".into(), "", deep.as_bytes());
    post("nested quotes".into(), "", "<< ".repeat(300_000).as_bytes());
    post("a line of 4 MiB".into(), "", &vec![b'a'; 4 << 20]);
    post(
        "a literal of 3 MiB".into(),
        "",
        format!("<a:a> <a:b> \"{}\" .", "z".repeat(3 << 20)).as_bytes(),
    );
    post("empty lines".into(), "", &b"\n".repeat(4 << 20));
    let gzips: [&[u8]; 6] = [
        b"\x1f",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x1f\0\0\0\0\0\xff",
        b"\x1f\x8b\x08\x00\0\0\0\0\0\xff\xff\xff\xff",
        b"\x1f\x8b\x09\x00\0\0\0\0\0\xff\x03\0",
        b"not gzip",
    ];
    for gzip in gzips {
        post(
            format!("gzip {}", gzip.escape_ascii()),
            "content-encoding: gzip\r\n",
            gzip,
        );
    }
}

fn queries(add: &mut Add<'_>) {
    let queries = [
        "?",
        "?hooks",
        "?hooks=",
        "?hooks=%",
        "?hooks=%ff",
        "?hooks=a&hooks=b",
        "?other=1",
        "?hooks=../../etc/passwd",
        "?hooks=%00",
        "?hooks=default%0d%0aX:%20y",
        "?hooks=<script>",
        "?&&&&",
        "?hooks[]=a",
        "?hooks=default#x",
    ];
    for query in queries {
        let bytes = format!(
            "POST /v1/triples{query} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        add(&format!("query {query}"), bytes.into());
    }
    let long = "a".repeat(15_000);
    add("a name of 15,000", format!("POST /v1/triples?hooks={long} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").into());
}

/// Whether it was answered, rather than closed; no other answer is good.
fn is_good(address: SocketAddr, name: &str, bytes: &[u8]) -> bool {
    let Some(Answer { status, body, .. }) = raw(address, bytes) else {
        return false;
    };
    let is_good = (200..300).contains(&status) || (400..500).contains(&status);
    assert!(is_good, "{name}: {status} {body}");
    true
}

#[test]
fn whatever_comes_is_answered_with_2xx_or_4xx_or_closed() {
    let server = Server::start(&[
        "--head-time-ms",
        "300",
        "--body-time-ms",
        "2000",
        "--body-bytes-max",
        "5000000",
        "--queue-time-ms",
        "600000",
    ]);
    let cases = cases();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let before = server.status_kib("VmRSS:");
    let address = server.address;
    let answered = AtomicUsize::new(0);
    // Many of them end with a deadline of the server's: side by side.
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(8)) {
            let answered = &answered;
            scope.spawn(move || {
                for (name, bytes) in part {
                    answered.fetch_add(usize::from(is_good(address, name, bytes)), Relaxed);
                }
            });
        }
    });
    let answered = answered.into_inner();
    println!(
        "{} hostile cases, {answered} answered, the others closed",
        cases.len()
    );
    assert!(answered > 50, "{answered} answered: the others say nothing");
    let grown = server.status_kib("VmRSS:").saturating_sub(before);
    println!("resident memory grew by {grown} KiB");
    assert!(grown < 64 << 10, "{grown} KiB");
    assert_eq!(server.metric("knhk_service_requests_total", "5xx"), 0.0);
    server.stop();
}

#[test]
fn ten_thousand_pipelined_requests_are_answered_in_order() {
    let times = ["--head-time-ms", "600000", "--body-time-ms", "600000"];
    let server = Server::start(&times);
    let mut stream = connect(server.address);
    let writing = stream.try_clone().expect("a socket can be cloned");
    let writer = std::thread::spawn(move || {
        let mut writing = writing;
        let one = b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n";
        writing.write_all(&one.repeat(9_999)).expect("it reads");
        let last = b"GET /nothing HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
        writing.write_all(last).expect("it reads");
    });
    let text = String::from_utf8(rest(&mut stream)).expect("text");
    writer.join().expect("no panic");
    assert_eq!(text.matches("HTTP/1.1 200").count(), 9_999);
    assert!(text.rfind("HTTP/1.1 404") > text.rfind("HTTP/1.1 200"));
    server.stop();
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let server = Server::start(&["--body-time-ms", "60000"]);
    for shutdown in [Shutdown::Write, Shutdown::Both] {
        for part in [
            "POST /v1/trip",
            "POST /v1/triples HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n<a",
        ] {
            let mut stream = connect(server.address);
            stream.write_all(part.as_bytes()).expect("it reads");
            stream.shutdown(shutdown).expect("it is open");
            drop(stream);
        }
    }
    let until = std::time::Instant::now() + crate::client::PATIENCE;
    // The connection that asks is one.
    while server.metric("knhk_service_connections", "") > 1.0 {
        assert!(std::time::Instant::now() < until, "connections stay");
    }
    server.stop();
}
