//! Nobody can hold the server up, or fill it for long.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    Served, blank,
    client::{Answer, Connection, request},
    seven,
};
use crate::patience::wait_for;

/// Connections that are served at a time.
const CONNECTIONS: usize = 512;
/// That a client may take over a head, a body, or reading an answer.
const ALLOWED: Duration = Duration::from_secs(15);

/// As many connections as are served at a time. Tests take turns with them: they are half of all files that a
/// process may usually have open.
pub(super) struct Crowd<'a> {
    served: &'a Served,
    open: Vec<Connection>,
    _turn: MutexGuard<'static, ()>,
}

impl<'a> Crowd<'a> {
    pub(super) fn of(served: &'a Served) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { served, open: Vec::new(), _turn: turn }
    }

    /// What is found while all are connected. The server lets go of whoever is idle for long, so what took long
    /// is done again.
    pub(super) fn while_full<T>(&mut self, find: impl Fn(&mut Self) -> T) -> T {
        wait_for("all to be connected for long enough", || {
            let start = Instant::now();
            self.fill();
            let found = find(self);
            (start.elapsed() < ALLOWED).then_some(found)
        })
    }

    /// Who is connected asks for something, so that nobody is idle; others take the places of those who were let
    /// go.
    fn fill(&mut self) {
        let ask = request("GET", "/healthz", &[], b"");
        self.ask(&ask);
        // A connection that has just been closed may still count.
        while self.open.len() < CONNECTIONS {
            let mut connection = self.served.connect();
            connection.send(&ask).unwrap();
            if connection.answer().unwrap().status == 200 {
                self.open.push(connection);
            }
        }
    }

    /// What they get who all ask for the same at once.
    pub(super) fn ask(&mut self, request: &[u8]) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.open.retain_mut(|connection| connection.send(request).is_ok());
        self.open.retain_mut(|connection| connection.answer().map(|answer| answers.push(answer)).is_ok());
        answers
    }

    /// What one more gets.
    pub(super) fn one_more(&mut self, request: &[u8]) -> Answer {
        self.while_full(|crowd| crowd.served.send(request)).unwrap()
    }
}

/// Sends a byte at a time until the server has had enough of it.
fn trickle(connection: &mut Connection, byte: u8) {
    wait_for("the end of the connection", || {
        thread::sleep(ALLOWED / 30);
        connection.send(&[byte]).err()
    });
}

#[test]
fn whoever_is_slow_holds_nobody_up_and_is_let_go() {
    let served = Served::start(&[]);
    let slow_body = || {
        let mut connection = served.connect();
        let whole = request("POST", "/api/predict", &[("Content-Type", "image/png")], &seven());
        connection.send(&whole[..whole.len() - 200]).unwrap();
        for byte in &whole[whole.len() - 200..][..14] {
            thread::sleep(ALLOWED / 30);
            connection.send(&[*byte]).unwrap();
        }
        let why = connection.answer().unwrap().refusal(408);
        assert!(why.contains("within 15 seconds"), "{why}");
    };
    let slow_head = || {
        let mut connection = served.connect();
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").unwrap();
        trickle(&mut connection, b'x');
        assert!(connection.rest().is_ok_and(|answer| !answer.starts_with(b"HTTP/1.1 2")));
    };
    let idle = || {
        let mut connection = served.connect();
        connection.send(&request("GET", "/healthz", &[], b"")).unwrap();
        assert_eq!(connection.answer().unwrap().status, 200);
        assert_eq!(connection.rest().unwrap(), b"");
    };
    let silent = || assert_eq!(served.connect().rest().unwrap(), b"");
    let unread = || {
        // More answers than fit between the two. How long it takes to make these the machine decides.
        let is_let_go = |seconds| {
            let mut connection = served.connect();
            connection.send(&request("GET", "/api/map", &[], b"").repeat(300)).unwrap();
            thread::sleep(ALLOWED + Duration::from_secs(seconds));
            (0..300).any(|_| connection.answer().is_err())
        };
        assert!([5, 30, 180].into_iter().any(is_let_go), "all were kept for a client that did not read");
    };
    let endless = || {
        let mut connection = served.connect();
        let length = (9 << 20).to_string();
        let headers = [("Content-Type", "image/png"), ("Content-Length", length.as_str())];
        connection.send(&request("POST", "/api/predict", &headers, b"")).unwrap();
        connection.answer().unwrap().refusal(413);
        trickle(&mut connection, 0);
    };
    let not_at_once = |what: &str, client: &dyn Fn()| {
        let start = Instant::now();
        client();
        assert!(start.elapsed() > ALLOWED.mul_f64(0.9), "{what}: {:?}", start.elapsed());
    };
    thread::scope(|scope| {
        scope.spawn(|| not_at_once("slow body", &slow_body));
        scope.spawn(|| not_at_once("slow head", &slow_head));
        scope.spawn(|| not_at_once("idle", &idle));
        scope.spawn(|| not_at_once("silent", &silent));
        scope.spawn(unread);
        scope.spawn(endless);
        for _ in 0..100 {
            assert_eq!(served.post("image/png", &seven()).json()["label"], "7");
        }
    });
}

#[test]
fn a_full_server_says_when_to_come_back() {
    let served = Served::start(&[]);
    let predict = request("POST", "/api/predict", &[("Content-Type", "image/png")], &seven());
    let mut crowd = Crowd::of(&served);
    for _ in 0..20 {
        let answer = crowd.one_more(&predict);
        answer.refusal(503);
        assert_eq!(answer.headers["retry-after"], "1");
    }
    let inside = |crowd: &mut Crowd| {
        let connection = &mut crowd.open[CONNECTIONS / 2];
        connection.send(&predict).and_then(|()| connection.answer())
    };
    assert_eq!(crowd.while_full(inside).unwrap().json()["label"], "7", "who is in is served");
    drop(crowd);
    // The server may learn of that a moment later.
    wait_for("those who come back to be served", || {
        served.send(&predict).ok().filter(|answer| answer.status == 200)
    });
}

#[test]
fn large_pictures_hold_no_small_one_up_not_even_those_of_clients_that_are_gone() {
    let served = Served::start(&[]);
    let large = request("POST", "/api/predict", &[("Content-Type", "image/png")], &blank(4900));
    let overtakes = || {
        let mut waiting: Vec<Connection> = (0..12).map(|_| served.connect()).collect();
        for connection in &mut waiting {
            connection.send(&large).unwrap();
        }
        drop(waiting.split_off(6));
        assert_eq!(served.post("image/png", &seven()).json()["label"], "7");
        let n_answered = waiting.iter().filter(|large| large.has_answer()).count();
        for connection in &mut waiting {
            let answer = connection.answer().unwrap();
            assert!(answer.status == 200 || answer.refusal(503) == BUSY);
        }
        n_answered < waiting.len()
    };
    // One that is held up never comes before the large ones; one that is not may be late for once.
    assert!((0..20).any(|_| overtakes()));
    // Two of them take some 150 MB each.
    #[cfg(target_os = "linux")]
    assert_takes_less(&served, 450);
}

/// In megabytes, at any time until now.
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_takes_less(served: &Served, most: u64) {
    let found = super::hostile::status(served, "VmHWM") >> 10;
    assert!(found < most, "{found} MB");
}

#[cfg(target_os = "linux")]
#[test]
fn what_comes_with_a_small_picture_takes_little_memory() {
    let served = Served::start(&["--model", "tiny"]);
    let mut info = png::Info::with_size(28, 28);
    info.icc_profile = Some(vec![0; 256 << 20].into());
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
    writer.write_image_data(&[0; 28 * 28]).unwrap();
    drop(writer);
    assert!(bytes.len() < 2 << 20, "{}", bytes.len());
    assert_eq!(served.post("image/png", &bytes).status, 200);
    assert_takes_less(&served, 100);
}

#[test]
fn many_predictions_at_once_are_all_answered_or_told_to_wait() {
    let served = Served::start(&[]);
    // So many pixels that a slow server has to tell some to wait; a fast one may answer all.
    let predict = request("POST", "/api/predict", &[("Content-Type", "image/png")], &blank(1000));
    let answers = Crowd::of(&served).while_full(|crowd| crowd.ask(&predict));
    assert_eq!(answers.len(), CONNECTIONS);
    let (answered, told): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!answered.is_empty());
    for answer in told {
        assert_eq!((answer.refusal(503).as_str(), &*answer.headers["retry-after"]), (BUSY, "1"));
    }
}

pub(super) const BUSY: &str = "The server is busy; try again in a second.";
