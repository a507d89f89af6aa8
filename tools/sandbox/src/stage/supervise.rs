/*!
Starts the command in its sandbox and supervises it: answers its system calls, samples the resource usage of its
tree, follows the caller's requests, and ends everything when the command ends, a limit is exceeded, or the caller
is gone.
*/

use std::io::{IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SIGKILL, SIGXFSZ};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, socketpair,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::super::sandboxed::{ExitStatus, LimitHit, NetworkAccess};
use super::super::sys::{self, CallAnswer};
use super::super::wire::{self, StageEnding, StageSpec, WantedLevel};
use super::answer::CallJudge;
use super::disk::DiskWatch;
use super::group::JoinedControlGroups;
use super::inside::{StageMessage, be_command, be_init, exit_of, silence_output};
use super::namespaces::{self, OwnerTranslation};
use super::sockets::{SocketBuffers, SocketScope};
use super::tree::{self, FoldersInMemory, ProcessTree};
use super::view::{self, DetachedMounts, NotTranslatable};
use super::watch::StageWatch;
use super::{Failure, confine, refused};

/// How often the tree is sampled. A process can fill some tens of MB between two samples.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);
/// Sampling takes at most this share of the supervisor's time, regardless of the number of processes,
const SAMPLE_SHARE: u32 = 20;
/// but happens at least this often: otherwise a command could make one sample so expensive that the next one comes
/// too late.
const SAMPLE_AT_LEAST_EVERY: Duration = Duration::from_millis(200);
/// By how much the command's niceness exceeds the supervisor's.
const COMMAND_NICENESS: i32 = 5;

pub(super) fn supervise(spec: &StageSpec, caller: &UnixStream) -> Result<StageEnding, Failure> {
    let watch = spec.record_opened_under.as_deref().and_then(|folder| StageWatch::on(folder).ok());
    let in_memory = FoldersInMemory::among(spec.write.iter().chain([&spec.temp]));
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(refused("making a socket"))?;
    let groups = JoinedControlGroups::open(&spec.groups);
    let buffers = SocketBuffers::default_sizes();
    take_precedence();
    match spec.wanted {
        WantedLevel::Full => enter_sandbox(spec)?,
        WantedLevel::Reduced | WantedLevel::Unsandboxed => {
            nix::sys::prctl::set_child_subreaper(true).map_err(refused("adopting orphans"))?;
        }
    }
    // Counted before there is a child: outside of the full sandbox the child becomes the command without waiting.
    let machine_tasks = tree::machine_tasks();
    let (sockets, disk) = match spec.wanted {
        WantedLevel::Full => {
            let folders = spec.write.iter().map(|path| view::place_of(path)).chain([view::temp()]);
            let disk = DiskWatch::on(folders, spec.limits.disk_bytes);
            (buffers.counted_from_now(SocketScope::Run), disk)
        }
        WantedLevel::Reduced | WantedLevel::Unsandboxed => {
            let folders = spec.write.iter().chain([&spec.temp]).cloned();
            let disk = DiskWatch::on(folders, spec.limits.disk_bytes);
            (buffers.counted_from_now(SocketScope::Machine), disk)
        }
    };
    let Some(child) = sys::fork().map_err(refused("starting a process"))? else {
        drop((ours, disk));
        // An absolute value, because the command inherited the supervisor's. Where the kernel does not count
        // root's processes, a fork bomb would otherwise outrun the supervisor.
        let _ = rustix::process::setpriority_process(None, COMMAND_NICENESS);
        let code = if spec.wanted == WantedLevel::Full {
            be_init(spec, &theirs, &groups)
        } else {
            be_command(spec, &theirs, Some(&groups))
        };
        std::process::exit(code);
    };
    drop(theirs);
    if spec.wanted == WantedLevel::Reduced {
        // The supervisor performs some of the command's calls, so it must have no more privileges than the
        // command.
        confine::drop_capabilities().map_err(refused("dropping capabilities"))?;
    }
    // Our end of the output pipe must not outlive the command.
    silence_output();
    let ended = rustix::process::Pid::from_raw(child.as_raw())
        .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok());
    let Some(ended) = ended else {
        namespaces::kill(child);
        return Err(Failure::Refused("following a process by descriptor".into()));
    };
    Supervisor {
        spec,
        caller,
        messages: ours,
        child,
        ended,
        watch,
        tree: ProcessTree::Descendants,
        machine_tasks,
        groups: &groups,
        sockets,
        disk,
        in_memory,
        listener: None,
        judge: CallJudge::new(spec),
        started: Instant::now(),
        exit: None,
        failure: None,
        limit: None,
        cancelled: false,
    }
    .run()
}

/// Enters the namespaces and assembles the view, with translated owners if possible.
fn enter_sandbox(spec: &StageSpec) -> Result<(), Failure> {
    let mut parts = None;
    let mut translation = OwnerTranslation::available();
    if let Some(available) = translation.as_mut() {
        match DetachedMounts::detach(spec, Some(available))? {
            Ok(detached) => parts = Some(detached),
            Err(NotTranslatable) => translation = None,
        }
    }
    namespaces::enter(translation.as_ref())?;
    let parts = match parts {
        Some(parts) => parts,
        None => match DetachedMounts::detach(spec, None)? {
            Ok(parts) => parts,
            Err(NotTranslatable) => return Err(Failure::Refused("mounting folders".into())),
        },
    };
    if spec.network == NetworkAccess::Loopback {
        namespaces::raise_loopback().map_err(refused("raising the loopback interface"))?;
    }
    parts.assemble(spec)
}

/// Regardless of how many processes the command starts, the supervisor must get CPU time to count and kill them.
/// Only root may raise its priority, and only before it enters a user namespace or drops its capabilities.
fn take_precedence() {
    let _ = rustix::process::setpriority_process(None, -10);
}

struct Supervisor<'a> {
    spec: &'a StageSpec,
    caller: &'a UnixStream,
    messages: OwnedFd,
    /// The init in the full sandbox, otherwise the command.
    child: Pid,
    ended: OwnedFd,
    watch: Option<StageWatch>,
    tree: ProcessTree,
    /// Number of processes and threads on the machine at the start.
    machine_tasks: u16,
    groups: &'a JoinedControlGroups,
    sockets: SocketBuffers,
    disk: DiskWatch,
    in_memory: FoldersInMemory,
    listener: Option<OwnedFd>,
    judge: CallJudge<'a>,
    started: Instant,
    exit: Option<ExitStatus>,
    failure: Option<Failure>,
    limit: Option<LimitHit>,
    cancelled: bool,
}

impl Supervisor<'_> {
    fn run(mut self) -> Result<StageEnding, Failure> {
        let mut sample_at = Instant::now() + SAMPLE_EVERY;
        loop {
            let wait = sample_at.saturating_duration_since(Instant::now());
            if self.attend(wait) {
                break;
            }
            self.reap_orphans();
            if self.groups.were_full() || self.tree.is_crowded(self.spec.limits.processes, self.machine_tasks)
            {
                self.stop(LimitHit::Processes);
            }
            if self.groups.were_out_of_memory() {
                self.stop(LimitHit::Memory);
            }
            if self.disk.is_passed() {
                self.stop(LimitHit::Disk);
            }
            if Instant::now() >= sample_at {
                let before = sys::processor_time();
                self.check_limits();
                let took = sys::processor_time().saturating_sub(before);
                sample_at = Instant::now() + (took * SAMPLE_SHARE).clamp(SAMPLE_EVERY, SAMPLE_AT_LEAST_EVERY);
            }
        }
        let duration = self.started.elapsed();
        self.end_everything();
        self.take_messages();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let exit = self.exit.unwrap_or(ExitStatus::Signal(SIGKILL as i32));
        let limit = self.limit.or_else(|| limit_of(exit));
        // The kernel may have ended the command for this before the next sample.
        let limit = limit.or_else(|| self.groups.were_out_of_memory().then_some(LimitHit::Memory));
        let limit = limit.or_else(|| self.groups.were_full().then_some(LimitHit::Processes));
        Ok(StageEnding {
            exit,
            limit,
            cancelled: self.cancelled,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            denied: self.judge.into_notes(),
            opened: self.watch.map(StageWatch::into_opened).unwrap_or_default(),
        })
    }

    /// Handles all events within `wait`. Returns true when the child has ended.
    fn attend(&mut self, wait: Duration) -> bool {
        let milliseconds = u16::try_from(wait.as_millis()).unwrap_or(10).min(10) + 1;
        let mut fds = vec![
            PollFd::new(self.ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.caller.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.messages.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.listener.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.watch.iter().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
        let _ = poll(&mut fds, PollTimeout::from(milliseconds));
        let happened = |at: usize| fds.get(at).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let (ended, caller, messages, called) = (happened(0), happened(1), happened(2), happened(3));
        drop(fds);
        if messages.contains(PollFlags::POLLIN) {
            self.take_messages();
        }
        if self.listener.is_some() {
            if called.contains(PollFlags::POLLIN) {
                self.answer_call();
            } else if called.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
                self.listener = None; // no process is left that could make a call
            }
        }
        if let Some(watch) = &mut self.watch {
            watch.collect();
        }
        if !caller.is_empty() {
            self.obey();
        }
        !ended.is_empty()
    }

    fn take_messages(&mut self) {
        loop {
            let mut body = vec![0; 4096];
            let mut space = nix::cmsg_space!(i32);
            let mut parts = [IoSliceMut::new(&mut body)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let received = recvmsg::<()>(self.messages.as_raw_fd(), &mut parts, Some(&mut space), flags);
            let (length, descriptor) = match received {
                Ok(message) if message.bytes > 0 => {
                    let descriptors =
                        message.cmsgs().into_iter().flatten().filter_map(|control| match control {
                            ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
                            _ => None,
                        });
                    (message.bytes, descriptors.last().map(sys::adopt))
                }
                _ => return,
            };
            match serde_json::from_slice(body.get(..length).unwrap_or_default()) {
                Ok(StageMessage::Proc) => {
                    if let Some(proc) = descriptor {
                        self.tree = ProcessTree::Namespace(proc);
                    }
                    let _ = nix::sys::socket::send(self.messages.as_raw_fd(), b"g", MsgFlags::MSG_NOSIGNAL);
                }
                Ok(StageMessage::Listener) => self.listener = descriptor,
                Ok(StageMessage::Starting) => self.started = Instant::now(),
                Ok(StageMessage::Refused(why)) => self.failure = Some(Failure::Refused(why)),
                Ok(StageMessage::Invalid(why)) => self.failure = Some(Failure::Invalid(why)),
                Ok(StageMessage::Ended(exit)) => self.exit = Some(exit),
                Err(_) => {}
            }
        }
    }

    fn answer_call(&mut self) {
        let Some(listener) = &self.listener else { return };
        let Ok(call) = sys::receive_notification(listener.as_fd()) else { return };
        let answer = self.judge.decide(&call, &self.tree);
        // The process id was valid during the lookup only if the call is still waiting.
        let answer = if sys::notification_is_live(listener.as_fd(), call.id) {
            answer
        } else {
            CallAnswer::Fail(libc::EINTR)
        };
        sys::answer_notification(listener.as_fd(), call.id, answer);
    }

    /// The caller asks to stop, by a byte or by closing the socket.
    fn obey(&mut self) {
        let mut reason = [0];
        match (&mut self.caller).read(&mut reason) {
            Ok(1) if reason == [wire::STOP_OUTPUT] => self.stop(LimitHit::Output),
            _ => {
                self.cancelled = true;
                self.kill();
            }
        }
    }

    fn check_limits(&mut self) {
        let limits = &self.spec.limits;
        let sample = self.tree.sample();
        // Memory that the kernel holds for the run is not part of any process's resident memory.
        let held = |sockets: u64| sample.kernel_bytes.saturating_add(sockets);
        let passed = if self.started.elapsed() > limits.wall {
            Some(LimitHit::Wall)
        } else if sample.tasks > u64::from(limits.processes) {
            Some(LimitHit::Processes)
        } else if sample.cpu > limits.cpu {
            Some(LimitHit::Cpu)
        } else if sample.resident_bytes.saturating_add(held(self.sockets.bytes_at_most()))
            > limits.memory_bytes
            && (self.tree.has_one_beyond(&sample, limits.memory_bytes)
                || self.tree.proportional_bytes(&sample).saturating_add(held(self.sockets.bytes()))
                    > limits.memory_bytes)
        {
            Some(LimitHit::Memory)
        } else if sample.written_bytes.max(self.in_memory.grown_bytes()) > limits.disk_bytes {
            Some(LimitHit::Disk)
        } else {
            None
        };
        if let Some(limit) = passed {
            self.stop(limit);
        }
    }

    fn stop(&mut self, limit: LimitHit) {
        self.limit.get_or_insert(limit);
        self.kill();
    }

    /// Kills the child. In the full sandbox everything dies with it.
    fn kill(&mut self) {
        namespaces::kill(self.child);
        if self.spec.wanted != WantedLevel::Full {
            // The command began its own group, and a fork bomb stays in it. Once the command is reaped, its number
            // may be reused.
            if self.exit.is_none() {
                namespaces::kill_group(self.child);
            }
            self.kill_descendants();
        }
    }

    fn kill_descendants(&self) {
        let pids = ProcessTree::Descendants.pids();
        for group in tree::groups_of(&pids) {
            namespaces::kill_group(Pid::from_raw(group));
        }
        for pid in pids {
            namespaces::kill(Pid::from_raw(pid));
        }
    }

    /// Reaps orphans that have ended, which would otherwise count as processes. Leaves the child for the end.
    fn reap_orphans(&self) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, flags) {
            let Some(orphan) = status.pid().filter(|pid| *pid != self.child) else { return };
            let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
        }
    }

    /// Kills and reaps until this process has no descendants left.
    fn end_everything(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => {
                    match self.spec.wanted {
                        WantedLevel::Full => namespaces::kill(self.child),
                        WantedLevel::Reduced | WantedLevel::Unsandboxed => self.kill_descendants(),
                    }
                    self.attend(Duration::from_millis(1));
                }
                Ok(status) if status.pid() == Some(self.child) && self.spec.wanted != WantedLevel::Full => {
                    self.exit = self.exit.or(exit_of(status));
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return, // ECHILD: no child is left
            }
        }
    }
}

/// The limit behind a signal that the kernel sent to enforce it; a shell reports such a signal as its own exit
/// status.
fn limit_of(exit: ExitStatus) -> Option<LimitHit> {
    let signal = match exit {
        ExitStatus::Signal(signal) => signal,
        ExitStatus::Code(code) => code - 128,
    };
    match signal {
        signal if signal == SIGXFSZ as i32 => Some(LimitHit::FileSize),
        signal if signal == nix::sys::signal::SIGXCPU as i32 => Some(LimitHit::Cpu),
        _ => None,
    }
}
