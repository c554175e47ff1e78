//! Ten thousand requests that nobody should send, and a server that is none the worse.

use std::{
    fs, io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{
    PICTURES, Served,
    client::{Connection, FORM, form, request},
    picture, pixels, seven,
};
use crate::patience::wait_for;

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 8;

/// What there is to spoil.
struct Material {
    pictures: Vec<Vec<u8>>,
    documents: Vec<Vec<u8>>,
    paths: Vec<&'static str>,
}

impl Material {
    fn new() -> Self {
        let names = ["alpha.png", "bilevel.png", "large.png", "sixteen.png", "tiny.png", "white_alpha.png"];
        let names = names.into_iter().chain(PICTURES.map(|(name, _)| name));
        let mut pictures: Vec<Vec<u8>> = names.map(|name| fs::read(picture(name)).unwrap()).collect();
        // Without a checksum, what is spoiled is read nevertheless.
        pictures.push([&b"P5 28 28 255\n"[..], &[128; 784]].concat());
        let documents =
            vec![pixels(&[0; 784]), pixels(&[255; 784]), b"{\"images\": [[1e9, -0.0, null], []]}".to_vec()];
        let paths = vec![
            "/",
            "/api/predict",
            "/api/model",
            "/api/map",
            "/api/gallery",
            "/api/gallery/images?label=7&predicted=1&offset=3&limit=2",
            "/openapi.json",
            "/healthz",
            "/metrics",
        ];
        Self { pictures, documents, paths }
    }

    /// A request, spoiled in one way or several.
    fn request(&self, random: &mut ChaCha8Rng) -> Vec<u8> {
        let any = |random: &mut ChaCha8Rng, of: &[Vec<u8>]| of.choose(random).unwrap().clone();
        let (media_type, mut body) = match random.random_range(0..10) {
            0..4 => ("image/png", any(random, &self.pictures)),
            4 => (
                FORM,
                form(&[(Some("a.png"), &any(random, &self.pictures)), (None, &any(random, &self.pictures))]),
            ),
            5..8 => ("application/json", any(random, &self.documents)),
            _ => ("image/jpeg", bytes(random, 1000)),
        };
        let kind = random.random_range(0..10);
        if kind < 6 {
            spoil(random, &mut body);
        }
        let mut whole = match kind {
            9 => bytes(random, 2000),
            8 => request("GET", self.paths.choose(random).unwrap(), &[], b""),
            _ => request("POST", "/api/predict", &[("Content-Type", media_type)], &body),
        };
        let head = whole.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(whole.len());
        if matches!(kind, 6..9) && random.random_ratio(3, 4) {
            let mut spoiled = whole[..head].to_vec();
            spoil(random, &mut spoiled);
            whole.splice(..head, spoiled);
        }
        if random.random_ratio(1, 4) {
            whole.truncate(random.random_range(0..=whole.len()));
        }
        whole
    }
}

fn bytes(random: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let n = random.random_range(0..most);
    (0..n).map(|_| random.random()).collect()
}

/// Changes, removes, repeats or adds a few bytes somewhere.
fn spoil(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..20)).min(bytes.len());
        match random.random_range(0..5) {
            0 if at < end => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < end => bytes[at] = random.random(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].repeat(random.random_range(1..10));
                bytes.splice(at..at, piece);
            }
            _ => {
                let pieces: [&[u8]; 8] =
                    [b"\0", b"\r\n", b"\xff\xff\xff\xff", b"9999999999", b"-1", b"\"", b"[[", b":"];
                bytes.splice(at..at, pieces.choose(random).unwrap().iter().copied());
            }
        }
    }
}

/// Sends a request in a way that clients do, or should not, and tells whether it was answered. Errors are what this is
/// about.
fn send(served: &Served, random: &mut ChaCha8Rng, request: &[u8]) -> io::Result<bool> {
    let mut connection = Connection::open(served.address)?;
    let cut = random.random_range(0..=request.len());
    connection.send(&request[..cut])?;
    if random.random_ratio(1, 50) {
        thread::sleep(Duration::from_millis(random.random_range(0..100)));
    }
    connection.send(&request[cut..])?;
    if random.random_ratio(1, 5) {
        return Ok(false);
    }
    connection.finish()?;
    let answer = connection.rest()?;
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{:?}", String::from_utf8_lossy(request));
    Ok(!answer.is_empty())
}

/// Sends so many spoiled requests, from several threads, and tells how many were answered.
fn attack(served: &Served, material: &Material, seed: u64, n: usize) -> usize {
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let answered = &answered;
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(seed + client as u64);
                for _ in 0..n / CLIENTS {
                    let request = material.request(&mut random);
                    if send(served, &mut random, &request).unwrap_or(false) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    answered.into_inner()
}

/// What a process holds.
#[derive(Debug)]
struct Usage {
    kilobytes: u64,
    threads: u64,
    files: usize,
}

impl Usage {
    fn of(served: &Served) -> Self {
        let folder = format!("/proc/{}", served.child.id());
        let files = fs::read_dir(format!("{folder}/fd")).unwrap().count();
        Self { kilobytes: status(served, "VmRSS"), threads: status(served, "Threads"), files }
    }
}

/// A number of /proc/PID/status, in kB where it is of memory.
pub(super) fn status(served: &Served, name: &str) -> u64 {
    let all = fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = all.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_hostile_requests_leave_no_trace() {
    let served = Served::start(&[]);
    let material = Material::new();
    assert_eq!(served.get("/api/gallery").status, 200);
    let idle = Usage::of(&served);
    attack(&served, &material, 0, 2000);
    let warm = Usage::of(&served);
    let answered = attack(&served, &material, 1000, REQUESTS);
    // The rest was cut, or its sender did not wait.
    assert!(answered > REQUESTS / 2, "{answered}");
    assert_eq!(served.post("image/png", &seven()).json()["label"], "7");
    assert_eq!(served.stderr(), "", "it did not panic");
    // Connections that were cut off, and threads that wait for work, end after a while.
    let after = wait_for("no more files and threads than before", || {
        let now = Usage::of(&served);
        (now.files <= idle.files && now.threads <= idle.threads).then_some(now)
    });
    assert!(after.kilobytes <= warm.kilobytes + (32 << 10), "{idle:?} {warm:?} {after:?}");
}
