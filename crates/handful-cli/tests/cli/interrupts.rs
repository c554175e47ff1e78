//! Ctrl-C, and requests to terminate or to hang up: whatever goes on, the program ends soon and leaves nothing half-written.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use handful::classifier::Preset;

use crate::{
    patience::{ended, send_signal, wait_for},
    predict::{endless, fixture},
    subset::Subset,
};

/// Each signal, and what the program ends with.
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// The program in a folder, with pipes. It hears all signals, even if the tests run under `nohup`.
fn start(folder: &Path, args: &[&str]) -> Child {
    Command::new("env")
        .arg("--default-signal=HUP")
        .arg(assert_cmd::cargo::cargo_bin!("handful"))
        .args(args)
        .current_dir(folder)
        .env("HANDFUL_DATA", "mnist")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_job_ends_at_its_next_report_of_progress() {
    let subset = Subset::whole();
    let before = subset.files();
    for (signal, code) in SIGNALS {
        let mut child = start(&subset.path(""), &["compare", "--n-init", "100000", "-v"]);
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(told.next().unwrap().unwrap(), "read mnist", "it has begun");
        send_signal(signal, &child);
        assert_eq!(ended(&mut child).code(), Some(code), "{signal}");
        assert_eq!(told.count(), 0, "nothing more is told");
        assert_eq!(subset.files(), before);
    }
}

#[test]
fn predict_ends_though_input_keeps_coming() {
    for (signal, code) in SIGNALS {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(folder.path(), &["predict", "--model", "best", "--format", "csv", "-"]);
        let stdin = child.stdin.take().unwrap();
        let writer = thread::spawn(move || endless(stdin));
        let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
        rows.next().unwrap().unwrap();
        send_signal(signal, &child);
        // What fits into the pipe, and the batch that is being printed.
        let n = rows.count();
        assert!(n < 8000, "{n} rows after the signal");
        assert_eq!(ended(&mut child).code(), Some(code), "{signal}");
        writer.join().unwrap();
    }
}

/// Sends a signal as soon as a file is in the making, and expects that nothing is left of it.
#[track_caller]
fn ends(subset: &Subset, args: &[&str], (signal, code): (&str, i32)) {
    let before = subset.files();
    let mut child = start(&subset.path(""), args);
    wait_for("a file in the making", || {
        let has_failed = child.try_wait().unwrap().is_some();
        (has_failed || subset.files() != before).then_some(())
    });
    send_signal(signal, &child);
    assert_eq!(ended(&mut child).code(), Some(code), "{args:?}");
    assert_eq!(subset.files(), before, "{args:?}");
}

/// Nothing comes, so nothing can look whether it should end.
#[test]
fn every_command_ends_while_it_waits_for_input() {
    let subset = Subset::new(20, 10);
    for signal in SIGNALS {
        ends(&subset, &["compare", "--data", "/dev/stdin"], signal);
        ends(&subset, &["train", "--preset", "tiny", "-o", "a", "--data", "/dev/stdin"], signal);
        ends(&subset, &["cluster", "--clusters", "2", "-o", "a", "--data", "/dev/stdin"], signal);
        ends(&subset, &["neighbors", "--queries", "mnist", "-o", "a", "--data", "/dev/stdin"], signal);
        ends(&subset, &["neighbors", "--queries", "/dev/stdin", "-o", "a"], signal);
        ends(&subset, &["evaluate", "--report", "a", "--data", "/dev/stdin"], signal);
        ends(&subset, &["augment", "-n", "99", "-o", "folder", "--data", "/dev/stdin"], signal);
        ends(&subset, &["augment", "-n", "99", "-o", "a.parquet", "--data", "/dev/stdin"], signal);
        ends(&subset, &["predict", "-o", "a", "-"], signal);
        ends(&subset, &["predict", "-o", "a", "--report", "b", "--model", "/dev/stdin", "mnist"], signal);
    }
}

#[test]
fn large_files_are_not_read_to_their_end() {
    let subset = Subset::new(20, 10);
    // Fifteen gigabytes that take no room on disk.
    let n = 20_000_000_u32;
    for (name, header, row_len) in [
        ("images-idx3", [0x0803, n, 28, 28].map(u32::to_be_bytes).concat(), 784),
        ("labels-idx1", [0x0801, n].map(u32::to_be_bytes).concat(), 1),
    ] {
        let mut file = File::create(subset.path(&format!("mnist/train-{name}-ubyte"))).unwrap();
        file.write_all(&header).unwrap();
        file.set_len(header.len() as u64 + u64::from(n) * row_len).unwrap();
    }
    let images = "mnist/train-images-idx3-ubyte";
    for (limit, signal) in ["900M", "1G", "2G"].into_iter().zip(SIGNALS) {
        let limit = ["--memory-limit", limit, "-o", "a"];
        ends(&subset, &[&["train", "--preset", "tiny"][..], &limit].concat(), signal);
        ends(&subset, &[&["cluster", "--clusters", "2"][..], &limit].concat(), signal);
        ends(&subset, &[&["neighbors", "--queries", "mnist"][..], &limit].concat(), signal);
        ends(&subset, &["evaluate", "--report", "a", "--data", images], signal);
        ends(&subset, &["predict", "--model", "tiny", "-o", "a", images], signal);
    }
}

/// A pipe that nobody reads, full to the brim: whoever writes to it waits.
fn full_pipe(path: &Path) -> (File, File) {
    const O_NONBLOCK: i32 = 0o4000;
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let reader = File::options().read(true).write(true).open(path).unwrap();
    let mut filler = File::options().write(true).custom_flags(O_NONBLOCK).open(path).unwrap();
    while filler.write(&[0; 512]).is_ok() {}
    (File::options().write(true).open(path).unwrap(), reader)
}

#[test]
fn predict_ends_while_nobody_reads_what_it_prints() {
    let subset = Subset::new(20, 10);
    let (full, _reader) = full_pipe(&subset.path("pipe"));
    let before = subset.files();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("handful"))
        .args(["predict", "--report", "a", "mnist"])
        .current_dir(subset.path(""))
        .stdout(full)
        .spawn()
        .unwrap();
    wait_for("a file in the making", || (subset.files() != before).then_some(()));
    send_signal("TERM", &child);
    assert_eq!(ended(&mut child).code(), Some(143));
    assert_eq!(subset.files(), before);
}

#[test]
fn who_is_told_not_to_hang_up_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin!("handful");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" predict --format csv -o out.csv -"])
        .arg(program)
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a file in the making", || fs::read_dir(&folder).unwrap().next().map(drop));
    send_signal("HUP", &child);
    child.stdin.take().unwrap().write_all(&fs::read(fixture("kaggle/test.csv")).unwrap()).unwrap();
    assert_eq!(ended(&mut child).code(), Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("out.csv")).unwrap().lines().count(), 3);
}

/// A pipe with the start of a model in it.
#[test]
fn a_model_that_stops_coming_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &["serve", "--addr", "127.0.0.1:0", "--model", "/dev/stdin"]);
    let mut stdin = child.stdin.take().unwrap();
    // More than fits into the pipe: all of it is written once some of it is read.
    let model = Preset::Fast.trained_bytes();
    stdin.write_all(&model[..200_000]).unwrap();
    send_signal("INT", &child);
    assert_eq!(ended(&mut child).code(), Some(130));
}
