//! What Linux knows of a process: CPU time, memory; and the signals that end it.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::ops::Sub;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Length of a clock tick in `/proc`, milliseconds: `USER_HZ` is 100 on every Linux.
const TICK: u64 = 10;

/// CPU time of a process.
#[derive(Clone, Copy)]
pub struct Usage {
    /// The thread that writes the database.
    pub writer_user: Duration,
    pub writer_kernel: Duration,
    /// All others.
    pub others_user: Duration,
    pub others_kernel: Duration,
}

impl Usage {
    pub fn total(self) -> Duration {
        self.writer_user + self.writer_kernel + self.others_user + self.others_kernel
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        // A sum that is put together of two readings may go back by a tick.
        Self {
            writer_user: self.writer_user.saturating_sub(before.writer_user),
            writer_kernel: self.writer_kernel.saturating_sub(before.writer_kernel),
            others_user: self.others_user.saturating_sub(before.others_user),
            others_kernel: self.others_kernel.saturating_sub(before.others_kernel),
        }
    }
}

/// A child process, ended when dropped.
pub struct Process {
    child: Child,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self { child: command.stdin(Stdio::null()).spawn().expect("the program can be started") }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipe that the command was given for its output.
    pub fn take_stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("a pipe")
    }

    pub fn usage(&self) -> Usage {
        let (user, kernel) = times(&format!("/proc/{}/stat", self.child.id()));
        let (mut writer, mut others_kernel) = ((Duration::ZERO, Duration::ZERO), Duration::ZERO);
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the server runs") {
            let task = task.expect("/proc can be read").path();
            let times = times(&task.join("stat").display().to_string());
            match fs::read_to_string(task.join("comm")) {
                Ok(name) if name.starts_with("kdp-writer") => writer = times,
                _ => others_kernel += times.1,
            }
        }
        let (writer_user, writer_kernel) = writer;
        // What Linux tells of the whole process it shares out between user and kernel less exactly.
        let others_user = (user + kernel).saturating_sub(writer_user + writer_kernel + others_kernel);
        Usage { writer_user, writer_kernel, others_user, others_kernel }
    }

    /// Resident memory now, bytes.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Resident memory at its highest, bytes.
    pub fn highest_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        status(self.child.id(), field).expect("the server runs")
    }

    /// Starts `perf record` on this process.
    pub fn record(&self, file: &Path) -> Process {
        let mut perf = Command::new("perf");
        perf.args(["record", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,16384", "-p"]);
        perf.arg(self.child.id().to_string()).arg("-o").arg(file);
        Self::spawn(perf.stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// Asks the process to end, and waits until it has.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process at its highest, bytes; `None`: it has ended.
pub fn peak_memory(id: u32) -> Option<u64> {
    status(id, "VmHWM:")
}

fn status(id: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// User and kernel time in a `stat` file of `/proc`.
pub fn times(path: &str) -> (Duration, Duration) {
    let stat = fs::read_to_string(path).unwrap_or_default();
    // The name in parentheses may hold blanks; what follows begins with the third field.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_ascii_whitespace().skip(11).map(|field| field.parse().unwrap_or(0));
    let mut next = || Duration::from_millis(fields.next().unwrap_or(0) * TICK);
    (next(), next())
}

/// A process and all that it started, which run.
pub fn tree(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let mut next = 0;
    while let Some(id) = all.get(next).copied() {
        next += 1;
        for task in fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    all
}

/// CPU time of these processes.
pub fn tree_time(processes: &[u32]) -> Duration {
    let stats = processes.iter().map(|id| times(&format!("/proc/{id}/stat")));
    stats.map(|(user, kernel)| user + kernel).sum()
}

/// CPU time that everything on this machine has used.
pub fn machine_busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").expect("/proc is mounted");
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_ascii_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    let [user, nice, system, _, _, interrupt, soft_interrupt, ..] = fields[..] else { panic!("{line}") };
    Duration::from_millis((user + nice + system + interrupt + soft_interrupt) * TICK)
}

/// CPU time of the calling thread.
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("CPU time is not negative")
}
