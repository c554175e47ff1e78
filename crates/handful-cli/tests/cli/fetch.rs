//! `handful fetch`, from servers that are told how to behave.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use handful::dataset;

#[cfg(unix)]
use crate::patience::{ended, send_signal, wait_for};
use crate::{
    server::{Manner, Server, nobody, proxy},
    subset::{handful, json, mnist, stderr, stdout},
};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];
/// Where the first file is cut.
const CUT: usize = 1_000_000;

/// A folder to fetch into.
struct Target {
    folder: tempfile::TempDir,
    /// How long a mirror may send nothing.
    stall_seconds: &'static str,
}

impl Target {
    /// Waits for mirrors however slow the machine is.
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), stall_seconds: "600" }
    }

    /// For a mirror that stops sending on purpose.
    fn impatient() -> Self {
        Self { stall_seconds: "5", ..Self::new() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn part(&self) -> PathBuf {
        self.path().join(format!("{}.part", FILES[0]))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn command(&self, mirrors: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("handful"));
        for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
            command.env_remove(proxy).env_remove(proxy.to_lowercase());
        }
        command.args(["fetch", "mnist", "--stall-seconds", self.stall_seconds, "--to"]).arg(self.path());
        command.args(mirrors.iter().flat_map(|mirror| ["--mirror", mirror]));
        command
    }

    fn fetch(&self, mirrors: &[&str]) -> Output {
        self.command(mirrors).output().unwrap()
    }

    /// Fetches all that is missing.
    #[track_caller]
    fn succeeds(&self, mirrors: &[&str]) -> Output {
        let output = self.fetch(mirrors);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let mut expected = FILES;
        expected.sort_unstable();
        assert_eq!(self.names(), expected);
        for name in FILES {
            assert!(
                fs::read(self.path().join(name)).unwrap() == fs::read(mnist().join(name)).unwrap(),
                "{name}"
            );
        }
        output
    }

    /// Fails for a reason that is told in one line, and leaves nothing but what can be gone on with.
    #[track_caller]
    fn fails(&self, mirrors: &[&str], reason: &str) {
        let output = self.command(mirrors).arg("-q").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(told.starts_with(&format!("error: {} could not be fetched: ", FILES[0])), "{told}");
        assert!(told.contains(reason) && mirrors.iter().all(|mirror| told.contains(mirror)), "{told}");
        assert!(told.contains("--mirror URL") && told.contains(&self.path().display().to_string()), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert_eq!(stdout(&output), "");
        assert!(self.names().iter().all(|name| FILES.iter().all(|file| file != name)), "{:?}", self.names());
    }
}

#[test]
fn what_was_fetched_is_a_data_set_and_is_not_fetched_again() {
    let (server, target) = (Server::start(Manner::Whole), Target::new());
    let output = target.succeeds(&[&server.url]);
    let told = stdout(&output);
    assert!(told.starts_with("mnist: 4 files, 11,369,320 bytes, in "), "{told}");
    assert!(told.ends_with(&format!("--data {}\n", target.path().display())), "{told}");
    assert_eq!((told.lines().count(), stderr(&output)), (1, String::new()));
    assert_eq!(server.requests(), FILES.map(|name| (name.to_owned(), 0)));
    assert_eq!(dataset::load(target.path()).unwrap().test.n_samples(), 10_000);

    let again = target.command(&[&server.url]).args(["--json", "-v"]).output().unwrap();
    assert_eq!(server.requests().len(), 4);
    let summary = json(&again);
    assert_eq!(summary["name"], "mnist");
    assert_eq!(summary["to"], target.path().display().to_string());
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    for (file, name) in summary["files"].as_array().unwrap().iter().zip(FILES) {
        let bytes = fs::metadata(mnist().join(name)).unwrap().len();
        let expected = serde_json::json!({"file": name, "bytes": bytes, "status": "present", "mirror": null});
        assert_eq!(*file, expected);
        assert!(stderr(&again).contains(&format!("{name} already exists")), "{}", stderr(&again));
    }

    fs::write(target.path().join(FILES[1]), "damaged").unwrap();
    let summary = json(&target.command(&[&server.url]).arg("--json").output().unwrap());
    let files = summary["files"].as_array().unwrap();
    let statuses: Vec<_> = files.iter().map(|file| file["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["present", "fetched", "present", "present"]);
    assert_eq!(files[1]["mirror"], server.url);
    target.succeeds(&[&server.url]);
    assert_eq!(server.requests().len(), 5);
}

#[cfg(unix)]
#[test]
fn without_a_folder_it_goes_where_the_library_looks() {
    let (server, target) = (Server::start(Manner::Whole), Target::new());
    let mut command = handful();
    command.args(["fetch", "mnist", "--mirror", &server.url]).env("NO_PROXY", "*");
    let output = command.env("XDG_DATA_HOME", target.path()).env("HOME", target.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(dataset::load(&target.path().join("handful/mnist")).unwrap().train.n_samples(), 60_000);
}

#[test]
fn a_mirror_that_fails_gives_way_to_the_next() {
    let good = Server::start(Manner::Whole);
    for (manner, reason) in [
        (Manner::Fails("404 Not Found"), "404 Not Found"),
        (Manner::Fails("503 Service Unavailable"), "503 Service Unavailable"),
        (Manner::Fails("206 Partial Content"), "206 Partial Content"),
        (Manner::Corrupts, "expected f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        (Manner::Stalls(CUT), "it stopped sending"),
        (Manner::Cuts(CUT), "it ended the connection after"),
        (Manner::Claims(u64::MAX), "more than 1,073,741,824 bytes"),
    ] {
        let bad = Server::start(manner.clone());
        let target = if matches!(manner, Manner::Stalls(_)) { Target::impatient() } else { Target::new() };
        target.fails(&[&bad.url], reason);
        let output = target.succeeds(&[&bad.url, &good.url]);
        let note = format!("note: {}{}: ", bad.url, FILES[0]);
        assert!(stderr(&output).contains(&note) && stderr(&output).contains(reason), "{}", stderr(&output));
        // Two of the four files are whole before they are cut.
        let n_notes = if matches!(manner, Manner::Stalls(_) | Manner::Cuts(_)) { 2 } else { 4 };
        assert_eq!(stderr(&output).lines().count(), n_notes, "{manner:?}: one note a file");
    }
    let target = Target::new();
    target.fails(&[&nobody()], "it refused the connection");
    target.fails(&[&nobody(), &good.url.replace("http:", "https:")], "it refused the connection");
    assert!(target.names().is_empty());
    target.succeeds(&[&nobody(), &good.url]);
}

#[test]
fn what_was_cut_off_is_gone_on_with() {
    let (cutting, good, target) =
        (Server::start(Manner::Cuts(CUT)), Server::start(Manner::Whole), Target::new());
    target.fails(&[&cutting.url], "it ended the connection after 1,000,000 of 9,719,438 bytes");
    assert_eq!(fs::metadata(target.part()).unwrap().len(), CUT as u64);
    // The next run takes what comes next, and so does the mirror after that.
    target.succeeds(&[&cutting.url, &good.url]);
    assert_eq!(cutting.requests()[1], (FILES[0].to_owned(), CUT as u64));
    assert_eq!(good.requests()[0], (FILES[0].to_owned(), 2 * CUT as u64));
}

#[test]
fn what_cannot_be_gone_on_with_is_begun_again() {
    let image = fs::read(mnist().join(FILES[0])).unwrap();
    let damaged = vec![7; CUT];
    let cut = CUT as u64;
    for (manner, part, asked) in [
        // A server that knows no ranges sends all.
        (Manner::NoRanges, &image[..CUT], vec![cut]),
        (Manner::WrongRanges, &image[..CUT], vec![cut, 0]),
        // What is there is not this file's beginning; or is longer than the file.
        (Manner::Whole, &damaged[..], vec![cut, 0]),
        (Manner::Whole, &[&image[..], b"more"].concat(), vec![image.len() as u64 + 4, 0]),
        // Nothing but the name was missing.
        (Manner::Whole, &image[..], vec![]),
        (Manner::Endless, &image[..CUT], vec![cut]),
        (Manner::Endless, &[], vec![0]),
    ] {
        let (server, target) = (Server::start(manner.clone()), Target::new());
        fs::write(target.part(), part).unwrap();
        let output = target.succeeds(&[&server.url]);
        let requests = server.requests();
        let starts = requests.iter().filter(|(name, _)| name == FILES[0]).map(|(_, start)| *start);
        assert_eq!(starts.collect::<Vec<_>>(), asked, "{manner:?}");
        assert_eq!(stderr(&output), "", "{manner:?}");
    }
    // Wrong, once more from the start, wrong again: no third time.
    let (server, target) = (Server::start(Manner::Corrupts), Target::new());
    fs::write(target.part(), &image[..CUT]).unwrap();
    target.fails(&[&server.url], "its file has the MD5");
    assert_eq!(server.requests().len(), 2);
    assert!(target.names().is_empty());
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let (good, target) = (Server::start(Manner::Whole), Target::new());
    let moved = Server::start(Manner::Redirects(good.url.clone()));
    fs::write(target.part(), &fs::read(mnist().join(FILES[0])).unwrap()[..CUT]).unwrap();
    target.succeeds(&[&moved.url]);
    assert_eq!(good.requests()[0], (FILES[0].to_owned(), CUT as u64), "the range is asked for there, too");

    // A relative location leads a server to itself.
    let circle = Server::start(Manner::Redirects("/".to_owned()));
    Target::new().fails(&[&circle.url], "too many redirects");
    assert_eq!(circle.requests().len(), 6);
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (server, target) = (Server::start(Manner::Whole), Target::new());
    let (proxy, asked) = proxy(&server);
    let output = target.command(&["http://mirror.invalid/mnist"]).env("http_proxy", &proxy).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(target.names().len(), 4);
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty() && asked.iter().all(|target| target == "mirror.invalid:80"), "{asked:?}");
    let target = Target::new();
    let direct =
        target.command(&[&server.url]).env("http_proxy", nobody()).env("no_proxy", "127.0.0.1").output();
    assert_eq!(direct.unwrap().status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_what_the_next_run_goes_on_with() {
    let (stalling, good, target) =
        (Server::start(Manner::Stalls(CUT)), Server::start(Manner::Whole), Target::new());
    let mut child = target.command(&[&stalling.url]).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("what the mirror sends", || {
        fs::metadata(target.part()).is_ok_and(|part| part.len() == CUT as u64).then_some(())
    });
    send_signal("INT", &child);
    assert_eq!(ended(&mut child).code(), Some(130));
    assert_eq!(target.names(), [format!("{}.part", FILES[0])]);
    target.succeeds(&[&good.url]);
    assert_eq!(good.requests()[0], (FILES[0].to_owned(), CUT as u64));
}

#[test]
fn two_runs_do_not_write_one_file() {
    let target = Target::new();
    let part = fs::File::create(target.part()).unwrap();
    part.try_lock().unwrap();
    let output = target.fetch(&[&nobody()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another run is writing it"), "{}", stderr(&output));
}

#[test]
fn an_archive_is_checked_before_it_is_opened() {
    let (server, target) = (Server::start(Manner::Whole), Target::new());
    let args = ["fetch", "emnist", "--mirror", &server.url, "--to"];
    let output = handful().args(args).arg(target.path()).env("NO_PROXY", "*").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("gzip.zip could not be fetched"), "{}", stderr(&output));
    assert_eq!(server.requests(), [("gzip.zip".to_owned(), 0)]);
    assert!(target.names().is_empty());
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_expected() {
    for (args, expected) in [
        (&["fetch"][..], "<NAME>"),
        (&["fetch", "minst"], "mnist, fashion-mnist, kmnist, qmnist, usps, emnist"),
        (&["fetch", "mnist", "--mirror", "ftp://example.org/"], "expected the URL of a folder"),
        (&["fetch", "mnist", "--stall-seconds", "0"], "--stall-seconds"),
    ] {
        let output = handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    let (server, target) = (Server::start(Manner::Whole), Target::new());
    fs::write(target.path().join("file"), "").unwrap();
    fs::create_dir(target.path().join(FILES[0])).unwrap();
    for (to, reason) in [("file", "file cannot be created as a folder"), ("", "cannot be read")] {
        let to = target.path().join(to);
        let output =
            handful().args(["fetch", "mnist", "--mirror", &server.url, "--to"]).arg(to).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }
    assert!(server.requests().is_empty());
}
