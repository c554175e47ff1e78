//! `handful serve`: the program, spoken to through sockets.

mod batches;
mod client;
#[cfg(unix)]
mod ending;
mod gallery;
// It looks at what the process holds in /proc.
#[cfg(target_os = "linux")]
mod hostile;
mod limits;
mod metrics;
mod models;
mod openapi;
mod page;
mod predictions;
mod refusals;
mod startup;
mod teach;
mod teach_refusals;
mod timing;

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::NamedTempFile;

use self::client::{Answer, Connection, request};
#[cfg(unix)]
use crate::patience::send_signal;

/// A server that ends with its test.
struct Served {
    child: Child,
    /// What it said first.
    told: String,
    address: SocketAddr,
    stderr: NamedTempFile,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        Self::listening_on("127.0.0.1:0", args)
    }

    fn listening_on(address: &str, args: &[&str]) -> Self {
        let stderr = NamedTempFile::new().unwrap();
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("handful"))
            .args(["serve", "--addr", address])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let is_all =
            |told: &str| told.contains("http://") && (!told.starts_with('{') || told.ends_with("}\n"));
        while stdout.read_line(&mut told).unwrap() > 0 && !is_all(&told) {}
        // Dropped, the pipe would break for what is told later.
        child.stdout = Some(stdout.into_inner());
        let port = told.split(['/', ':']).find_map(|part| part.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{told}{}", fs::read_to_string(stderr.path()).unwrap()));
        Self { child, told, address: SocketAddr::from(([127, 0, 0, 1], port)), stderr }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap()
    }

    /// What one connection gets for these bytes, when nothing follows them.
    fn send(&self, bytes: &[u8]) -> io::Result<Answer> {
        let mut connection = self.connect();
        connection.send(bytes)?;
        connection.answer()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        self.send(&request("GET", path, &[], b"")).unwrap()
    }

    #[track_caller]
    fn post(&self, media_type: &str, body: &[u8]) -> Answer {
        self.send(&request("POST", "/api/predict", &[("Content-Type", media_type)], body)).unwrap()
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        send_signal(signal, &self.child);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pictures of the same seven, and their media types.
const PICTURES: [(&str, &str); 4] = [
    ("inverted.png", "image/png"),
    ("palette.png", "image/png"),
    ("photo.jpg", "image/jpeg"),
    ("rotated.jpg", "image/jpeg"),
];

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../handful/tests/formats/fixtures/strays").join(name)
}

fn seven() -> Vec<u8> {
    fs::read(picture("inverted.png")).unwrap()
}

/// A picture with nothing on it: few bytes, many pixels.
fn blank(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; side as usize * side as usize]).unwrap();
    drop(writer);
    bytes
}

/// The body that asks for a verdict on these pixels.
fn pixels(values: &[u8]) -> Vec<u8> {
    serde_json::json!({ "pixels": values }).to_string().into_bytes()
}
