//! Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP: the work ends by itself if it can, and soon in any case.

use std::{
    future, io, process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use handful::draft;
use tokio::{runtime, sync::Notify, time::sleep};

/// Maximum time for the work to notice a signal. While it waits for a disk or a pipe, it may never notice.
const GRACE: Duration = Duration::from_millis(300);

/// A shell adds this to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;
const HANGUP: u8 = 1;
const INTERRUPT: u8 = 2;
const TERMINATE: u8 = 15;

/// Whether a signal has asked the program to end.
#[derive(Clone, Default)]
pub(crate) struct Interruption(Arc<State>);

#[derive(Default)]
struct State {
    /// The signal that came first; 0 before.
    signal: AtomicU8,
    /// Whether the work ends itself, and may take as long as it needs.
    is_awaited: AtomicBool,
    came: Notify,
}

impl Interruption {
    /// From now on, a signal ends the work at its next report of progress. If the work does not report, the program ends
    /// soon after. A second signal ends the program at once. No half-written file is left behind.
    pub(crate) fn watch(&self) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let mut signals = Signals::new()?;
        drop(entered);
        let interruption = self.clone();
        thread::spawn(move || {
            let code = runtime.block_on(async {
                let code = SIGNALLED + interruption.come(signals.next().await);
                tokio::select! {
                    _ = signals.next() => code,
                    () = interruption.grace() => code,
                }
            });
            draft::abandon_all();
            process::exit(code.into());
        });
        Ok(())
    }

    fn come(&self, signal: u8) -> u8 {
        self.0.signal.store(signal, Ordering::Relaxed);
        self.0.came.notify_one();
        signal
    }

    async fn grace(&self) {
        sleep(GRACE).await;
        if self.0.is_awaited.load(Ordering::Relaxed) {
            future::pending::<()>().await;
        }
    }

    /// Waits for a signal. The caller must then end the work, and may take as long as it needs.
    pub(crate) async fn wait(&self) {
        self.0.is_awaited.store(true, Ordering::Relaxed);
        self.0.came.notified().await;
    }

    pub(crate) fn has_come(&self) -> bool {
        self.0.signal.load(Ordering::Relaxed) != 0
    }

    /// The exit code, if a signal has come.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let signal = self.0.signal.load(Ordering::Relaxed);
        (signal != 0).then_some(SIGNALLED + signal)
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // Under `nohup`, the program must go on when its terminal is gone.
        let hangup = (!is_hangup_ignored()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hangup.transpose()?,
        })
    }

    async fn next(&mut self) -> u8 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
            _ = hangup => HANGUP,
        }
    }
}

/// Linux reports the ignored signals as a hexadecimal mask, with the first signal in the lowest bit.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (HANGUP - 1)) != 0)
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    terminate: tokio::signal::windows::CtrlBreak,
    hangup: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        Ok(Self { interrupt: ctrl_c()?, terminate: ctrl_break()?, hangup: ctrl_close()? })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
            _ = self.hangup.recv() => HANGUP,
        }
    }
}
