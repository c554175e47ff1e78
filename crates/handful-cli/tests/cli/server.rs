//! A web server that misbehaves as it is told, and a proxy.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::{patience::PATIENCE, subset::mnist};

/// What a server does with those who ask for MNIST's files.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Sends what was asked for.
    Whole,
    /// Sends all, whatever range was asked for.
    NoRanges,
    /// Answers with another range than was asked for.
    WrongRanges,
    /// Sends no more than so many bytes of the first range, then ends the connection.
    Cuts(usize),
    /// Sends no more than so many bytes, then nothing, for ever.
    Stalls(usize),
    /// Changes a byte.
    Corrupts,
    /// Does not say how long a file is.
    Endless,
    /// Says that a file has so many bytes.
    Claims(u64),
    Redirects(String),
    Fails(&'static str),
}

/// A request: the file's name, and the byte from which on it was asked for.
pub(crate) type Request = (String, u64);

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let log = Arc::clone(&requests);
        let address = listen(move |stream| answer(stream, &manner, &log));
        Self { url: format!("http://{address}/"), requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// A URL at which nothing listens.
pub(crate) fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/")
}

/// A proxy that leads every tunnel to `server`, and the targets that it was asked for.
pub(crate) fn proxy(server: &Server) -> (String, Arc<Mutex<Vec<String>>>) {
    let target = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&asked);
    let address = listen(move |client| {
        let head = head(&client)?;
        log.lock().unwrap().push(head[0].split(' ').nth(1).unwrap_or_default().to_owned());
        let server = TcpStream::connect(&target)?;
        (&client).write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || io::copy(&mut from_client, &mut to_server));
        io::copy(&mut &server, &mut &client)?;
        Ok(())
    });
    (format!("http://{address}"), asked)
}

/// Answers each connection in a thread of its own, until the tests end.
fn listen(answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that goes away is what some tests are about.
            thread::spawn(move || answer(stream));
        }
    });
    address.to_string()
}

/// The lines before the first empty one. Nothing is read beyond it: clients wait for the answer.
fn head(stream: &TcpStream) -> io::Result<Vec<String>> {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let mut head = Vec::new();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        head.push(line);
    }
    if head.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(head) }
}

fn answer(mut stream: TcpStream, manner: &Manner, log: &Mutex<Vec<Request>>) -> io::Result<()> {
    let head = head(&stream)?;
    let path = head[0].split(' ').nth(1).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let range = head
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    log.lock().unwrap().push((name.to_owned(), range.unwrap_or(0)));
    let Ok(mut file) = fs::read(mnist().join(name)) else {
        return empty(&stream, "404 Not Found", "");
    };
    let total = file.len();
    let mut start = usize::try_from(range.unwrap_or(0)).unwrap();
    let mut status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut told = start;
    let mut length = Some((total.saturating_sub(start)) as u64);
    match manner {
        Manner::NoRanges => (start, status, length) = (0, "200 OK", Some(total as u64)),
        Manner::WrongRanges => told = start + 1,
        Manner::Corrupts => file[total / 2] ^= 1,
        Manner::Endless => length = None,
        Manner::Claims(bytes) => length = Some(*bytes),
        Manner::Redirects(to) => return empty(&stream, "302 Found", &format!("Location: {to}{name}\r\n")),
        Manner::Fails(status) => return empty(&stream, status, ""),
        Manner::Whole | Manner::Cuts(_) | Manner::Stalls(_) => {}
    }
    if start >= total {
        return empty(&stream, "416 Range Not Satisfiable", "");
    }
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    if let Some(length) = length {
        write!(stream, "Content-Length: {length}\r\n")?;
    }
    if status.starts_with("206") {
        write!(stream, "Content-Range: bytes {told}-{}/{total}\r\n", total - 1)?;
    }
    stream.write_all(b"\r\n")?;
    let rest = &file[start..];
    match *manner {
        Manner::Cuts(n) => stream.write_all(&rest[..n.min(rest.len())]),
        Manner::Stalls(n) => {
            stream.write_all(&rest[..n.min(rest.len())])?;
            // Until the client has had enough.
            let _ = stream.set_read_timeout(Some(PATIENCE));
            stream.read(&mut [0]).map(|_| ())
        }
        _ => stream.write_all(rest),
    }
}

/// An answer without content.
fn empty(mut stream: &TcpStream, status: &str, headers: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
}
