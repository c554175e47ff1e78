//! Paths that are not regular files: pipes, as a shell makes them for `<(command)`, and devices such as `/dev/stdin`.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How long to wait for a writer to open a named pipe. A writer that has opened it may take any time to write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the data at this path can be read only once.
pub(super) fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Opens a file, a pipe or a device for reading. For a named pipe it waits ten seconds for a program that writes to it.
///
/// # Errors
/// If it cannot be opened, or no program writes to the pipe.
pub fn open(path: &Path) -> io::Result<File> {
    if is_stream(path) { open_within(PATIENCE, path) } else { File::open(path) }
}

/// Opening a named pipe blocks until a writer opens it, which may never happen.
fn open_within(patience: Duration, path: &Path) -> io::Result<File> {
    let (sender, receiver) = channel();
    let there = path.to_owned();
    thread::spawn(move || sender.send(File::open(there)));
    match receiver.recv_timeout(patience) {
        Ok(opened) => opened,
        Err(RecvTimeoutError::Timeout) => {
            // A writer that closes at once ends the thread.
            drop(File::options().read(true).write(true).open(path));
            let seconds = patience.as_secs();
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("expected a program that writes to this pipe, found none within {seconds} seconds"),
            ))
        }
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the thread that opened it panicked")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Read, io::Write, process::Command};

    use super::*;

    fn pipe() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
        assert!(made.success());
        (folder, path)
    }

    #[test]
    fn a_pipe_without_a_writer_is_given_up() {
        let (_folder, path) = pipe();
        let error = open_within(Duration::from_millis(20), &path).unwrap_err();
        assert!(error.to_string().contains("expected a program that writes to this pipe"), "{error}");
    }

    #[test]
    fn a_writer_may_come_later_and_be_slow() {
        let (_folder, path) = pipe();
        let there = path.clone();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            let mut pipe = File::options().write(true).open(there).unwrap();
            for part in ["one ", "two"] {
                thread::sleep(Duration::from_millis(30));
                pipe.write_all(part.as_bytes()).unwrap();
            }
        });
        let mut found = String::new();
        open_within(PATIENCE, &path).unwrap().read_to_string(&mut found).unwrap();
        writer.join().unwrap();
        assert_eq!(found, "one two");
    }
}
