//! A request for the bytes of a file from a given position.

use std::{
    io::Read,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
};

use super::reason::Reason;

const CONNECT: Duration = Duration::from_secs(10);
const REDIRECTS: u32 = 5;
const CHUNK: usize = 1 << 16;
/// Maximum number of chunks that wait to be written.
const WAITING: usize = 16;

/// Messages from the network thread, in order.
pub(super) enum Message {
    /// The answer begins. It contains the bytes of the file from `start`. `total` is the file's size, if known.
    Start {
        start: u64,
        total: Option<u64>,
    },
    Bytes(Vec<u8>),
}

/// The settings of all requests: proxies from the environment, and no compression.
pub(super) fn agent(stall: Duration) -> Agent {
    Agent::config_builder()
        .user_agent(concat!("handful/", env!("CARGO_PKG_VERSION")))
        // Files that are compressed on the fly have no known checksum, and no ranges.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(REDIRECTS)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(stall))
        .build()
        .into()
}

/// Asks for a file from byte `start` on. A thread waits for the network, so that the receiver need not; it ends when the
/// answer does, or soon after the receiver is dropped.
pub(super) fn request(agent: &Agent, url: &str, start: u64) -> Receiver<Result<Message, Reason>> {
    let (sender, receiver) = sync_channel(WAITING);
    let (agent, url) = (agent.clone(), url.to_owned());
    thread::spawn(move || {
        if let Err(reason) = answer(&agent, &url, start, &sender) {
            let _ = sender.send(Err(reason));
        }
    });
    receiver
}

fn answer(
    agent: &Agent,
    url: &str,
    start: u64,
    sender: &SyncSender<Result<Message, Reason>>,
) -> Result<(), Reason> {
    let (start, total, response) = call(agent, url, start)?;
    let mut body = response.into_body().into_reader();
    let mut message = Message::Start { start, total };
    // Without a receiver, the rest is not needed.
    while sender.send(Ok(message)).is_ok() {
        let mut bytes = vec![0; CHUNK];
        let n = body.read(&mut bytes).map_err(ureq::Error::from)?;
        if n == 0 {
            break;
        }
        bytes.truncate(n);
        message = Message::Bytes(bytes);
    }
    Ok(())
}

/// An answer with where it starts and how long the file is; from the file's start, if the server gives no other range.
fn call(agent: &Agent, url: &str, start: u64) -> Result<(u64, Option<u64>, Response<Body>), Reason> {
    let mut request = agent.get(url);
    if start > 0 {
        request = request.header(header::RANGE, format!("bytes={start}-"));
    }
    let response = request.call()?;
    match response.status() {
        StatusCode::OK => Ok((0, response.body().content_length(), response)),
        StatusCode::PARTIAL_CONTENT if start > 0 => match content_range(&response) {
            Some((first, total)) if first == start => Ok((start, total, response)),
            _ => call(agent, url, 0),
        },
        // There is nothing from that position, so what we have is not the beginning of this file.
        StatusCode::RANGE_NOT_SATISFIABLE if start > 0 => call(agent, url, 0),
        status => Err(Reason::Status(status)),
    }
}

/// First byte and length of the file in `Content-Range: bytes 5-9/10`.
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (bytes, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = bytes.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}
