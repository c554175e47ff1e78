//! Just enough of HTTP/1.1 to say it wrongly too.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::patience::PATIENCE;

/// A request of the usual form, bytes and all.
pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

pub(super) const FORM: &str = "multipart/form-data; boundary=Between-Parts";

/// A form of pictures, with the names of their files. Its type is [`FORM`].
pub(super) fn form(pictures: &[(Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (i, (filename, picture)) in pictures.iter().enumerate() {
        let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!(
            "--Between-Parts\r\nContent-Disposition: form-data; name=\"{i}\"{filename}\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), picture, b"\r\n"].concat());
    }
    body.extend(b"--Between-Parts--\r\n");
    body
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// By names in small letters.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The sentence of a refusal, which has to be one, and JSON.
    #[track_caller]
    pub(super) fn refusal(&self, status: u16) -> String {
        assert_eq!((self.status, self.headers["content-type"].as_str()), (status, "application/json"));
        let document = self.json();
        let sentence = document["error"].as_str().unwrap();
        assert_eq!(document.as_object().unwrap().len(), 1, "{document}");
        assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'), "{sentence}");
        assert!(sentence.chars().count() <= 300 && !sentence.contains(char::is_control), "{sentence}");
        sentence.to_owned()
    }
}

/// A connection that waits for an answer as long as it takes.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Nothing more is sent; what comes back can still be read.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.0.get_mut().shutdown(Shutdown::Write)
    }

    /// All until the server closes.
    pub(super) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Whether something has come back, or the connection has ended, by now.
    pub(super) fn has_answer(&self) -> bool {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).unwrap();
        let found = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        found.is_ok()
    }

    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        let length = answer.headers.get("content-length").map_or(Ok(0), |length| length.parse());
        answer.body = vec![0; length.map_err(io::Error::other)?];
        self.0.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    /// An answer without its body, as HEAD gets it.
    pub(super) fn head(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let mut headers = HashMap::new();
        while let Some((name, value)) = self.line()?.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Ok(Answer { status, headers, body: Vec::new() })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

/// The pixels of a picture in a `data:` address.
#[track_caller]
pub(super) fn shown(image: &Value) -> Vec<u8> {
    let encoded = image.as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
    let png = io::Cursor::new(STANDARD.decode(encoded).unwrap());
    let mut reader = png::Decoder::new(png).read_info().unwrap();
    assert_eq!(reader.output_color_type(), (png::ColorType::Grayscale, png::BitDepth::Eight));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}
