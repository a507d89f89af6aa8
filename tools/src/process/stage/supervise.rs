/*!
Starts the command in its sandbox and stays with it: answers its system calls, samples what its tree uses,
obeys the caller, and ends everything when the command ends, a limit is passed, or the caller is gone.
*/

use std::io::{IoSlice, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SIGKILL, SIGXFSZ};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    socketpair,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::super::sandboxed::{Exit, LimitHit, Network};
use super::super::sys::{self, Answer};
use super::super::wire::{self, Ended, Spec, Wanted};
use super::answer::Judge;
use super::group::ProcessGroup;
use super::namespaces::{self, Translation};
use super::tree::{self, FoldersInMemory, Tree};
use super::view::{self, NotTranslatable, Parts};
use super::watch::Watch;
use super::{Failure, confine, refused};

/// How often the tree is sampled. A process can fill a few ten MB meanwhile.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);
/// Sampling takes at most this share of the supervisor's time, however many processes there are.
const SAMPLE_SHARE: u32 = 20;

/// What the init and the command tell the supervisor, one message each, some with a descriptor.
#[derive(Debug, Serialize, Deserialize)]
enum News {
    /// From the init: its `/proc`. It waits for a byte before it goes on.
    Proc,
    /// From the command: where its system calls arrive.
    Listener,
    /// From the command: the shell comes next.
    Starting,
    Refused(String),
    Invalid(String),
    /// From the init: the command has ended.
    Ended(Exit),
}

pub(super) fn supervise(spec: &Spec, caller: &UnixStream) -> Result<Ended, Failure> {
    let watch = spec.record_opened_under.as_deref().and_then(|folder| Watch::on(folder).ok());
    let in_memory = FoldersInMemory::among(spec.write.iter().chain([&spec.temp]));
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(refused("making a socket"))?;
    match spec.wanted {
        Wanted::Full => enter_sandbox(spec)?,
        Wanted::Reduced | Wanted::Unsandboxed => {
            nix::sys::prctl::set_child_subreaper(true).map_err(refused("adopting orphans"))?;
        }
    }
    let group = needs_group(spec).then(|| ProcessGroup::with_room_for(confine::room_for_tasks(spec)));
    let group = group.flatten();
    let Some(child) = sys::fork().map_err(refused("starting a process"))? else {
        drop(ours);
        let code = if spec.wanted == Wanted::Full {
            be_init(spec, &theirs)
        } else {
            be_command(spec, &theirs, group.as_ref())
        };
        std::process::exit(code);
    };
    drop(theirs);
    if spec.wanted == Wanted::Reduced {
        // No more power than the command has, since some of its calls are performed here.
        confine::drop_capabilities().map_err(refused("dropping capabilities"))?;
    }
    take_precedence();
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
        news: ours,
        child,
        ended,
        watch,
        tree: Tree::Descendants,
        machine_tasks: tree::machine_tasks(),
        group: group.as_ref(),
        in_memory,
        listener: None,
        judge: Judge::new(spec),
        started: Instant::now(),
        exit: None,
        failure: None,
        limit: None,
        cancelled: false,
    }
    .run()
}

/// Whether the kernel bounds the number of the command's processes by nothing else.
fn needs_group(spec: &Spec) -> bool {
    spec.wanted != Wanted::Full && nix::unistd::geteuid().is_root()
}

/// Enters the namespaces and puts the view together, with owners translated where that is possible.
fn enter_sandbox(spec: &Spec) -> Result<(), Failure> {
    let mut parts = None;
    let mut translation = Translation::available();
    if let Some(available) = translation.as_mut() {
        match Parts::detach(spec, Some(available))? {
            Ok(detached) => parts = Some(detached),
            Err(NotTranslatable) => translation = None,
        }
    }
    namespaces::enter(translation.as_ref())?;
    let parts = match parts {
        Some(parts) => parts,
        None => match Parts::detach(spec, None)? {
            Ok(parts) => parts,
            Err(NotTranslatable) => return Err(Failure::Refused("mounting folders".into())),
        },
    };
    if spec.network == Network::Loopback {
        namespaces::raise_loopback().map_err(refused("raising the loopback interface"))?;
    }
    parts.assemble(spec)
}

/// Process 1 of the namespace: starts the command, reaps whoever is orphaned, and takes all with it at its end.
fn be_init(spec: &Spec, supervisor: &OwnedFd) -> i32 {
    let prepared = || {
        nix::sys::prctl::set_pdeathsig(SIGKILL).map_err(refused("tying the sandbox to its supervisor"))?;
        confine::volunteer_for_the_oom_killer().map_err(refused("setting the order of memory"))?;
        view::move_into()?;
        nix::unistd::sethostname("millwright").map_err(refused("naming the sandbox"))?;
        std::fs::File::open("/proc").map_err(refused("opening /proc"))
    };
    let proc = match prepared() {
        Ok(proc) => proc,
        Err(failure) => return tell_failure(supervisor, failure),
    };
    tell(supervisor, &News::Proc, Some(proc.as_fd().as_raw_fd()));
    // A supervisor that died before it was tied to us answers nothing.
    let mut go = [0];
    if nix::sys::socket::recv(supervisor.as_raw_fd(), &mut go, MsgFlags::empty()) != Ok(1) {
        return 1;
    }
    drop(proc);
    let command = match sys::fork() {
        Ok(Some(command)) => command,
        Ok(None) => return be_command(spec, supervisor, None),
        Err(error) => return tell_failure(supervisor, refused("starting a process")(error)),
    };
    silence_output();
    loop {
        match waitpid(None, None) {
            Ok(status) if status.pid() == Some(command) => {
                if let Some(exit) = exit_of(status) {
                    tell(supervisor, &News::Ended(exit), None);
                    return 0;
                }
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return 1,
        }
    }
}

/// The process that becomes the shell. Returns only when it cannot.
fn be_command(spec: &Spec, supervisor: &OwnedFd, group: Option<&ProcessGroup>) -> i32 {
    let confined = || {
        let _ = nix::unistd::setsid();
        if spec.wanted != Wanted::Full {
            nix::sys::prctl::set_pdeathsig(SIGKILL)
                .map_err(refused("tying the command to its supervisor"))?;
            confine::volunteer_for_the_oom_killer().map_err(refused("setting the order of memory"))?;
            // Without it a fork bomb of root's outruns the supervisor: the kernel does not count root's processes.
            let _ = rustix::process::nice(5);
        }
        if let Some(group) = group {
            let _ = group.join(); // without it, the supervisor's sampling is left
        }
        take_standard_streams().map_err(refused("taking the output"))?;
        confine::confine(spec)
    };
    match confined() {
        Ok(listener) => {
            if let Some(listener) = listener {
                tell(supervisor, &News::Listener, Some(listener.as_raw_fd()));
            }
            tell(supervisor, &News::Starting, None);
            tell_failure(supervisor, confine::become_shell(spec))
        }
        Err(failure) => tell_failure(supervisor, failure),
    }
}

/// Input from nowhere, output and errors to the caller's pipe.
fn take_standard_streams() -> std::io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stderr(std::io::stdout())?;
    Ok(())
}

/// However many processes the command starts, the supervisor must get to count and kill them. Only root may raise
/// itself, and needs to, since the kernel does not limit the number of root's processes.
fn take_precedence() {
    let _ = rustix::process::setpriority_process(None, -10);
}

fn silence_output() {
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&null);
    }
}

fn tell(supervisor: &OwnedFd, news: &News, descriptor: Option<i32>) {
    let body = serde_json::to_vec(news).unwrap_or_default();
    let descriptors: Vec<i32> = descriptor.into_iter().collect();
    let with = if descriptors.is_empty() { vec![] } else { vec![ControlMessage::ScmRights(&descriptors)] };
    // A supervisor that is gone needs no news; the kernel ends this process with it.
    let _ =
        sendmsg::<()>(supervisor.as_raw_fd(), &[IoSlice::new(&body)], &with, MsgFlags::MSG_NOSIGNAL, None);
}

fn tell_failure(supervisor: &OwnedFd, failure: Failure) -> i32 {
    let news = match failure {
        Failure::Refused(why) => News::Refused(why),
        Failure::Invalid(why) => News::Invalid(why),
    };
    tell(supervisor, &news, None);
    127
}

fn exit_of(status: WaitStatus) -> Option<Exit> {
    match status {
        WaitStatus::Exited(_, code) => Some(Exit::Code(code)),
        WaitStatus::Signaled(_, signal, _) => Some(Exit::Signal(signal as i32)),
        _ => None,
    }
}

struct Supervisor<'a> {
    spec: &'a Spec,
    caller: &'a UnixStream,
    news: OwnedFd,
    /// The init in the full sandbox, else the command.
    child: Pid,
    ended: OwnedFd,
    watch: Option<Watch>,
    tree: Tree,
    /// How many there were at the start.
    machine_tasks: u16,
    group: Option<&'a ProcessGroup>,
    in_memory: FoldersInMemory,
    listener: Option<OwnedFd>,
    judge: Judge<'a>,
    started: Instant,
    exit: Option<Exit>,
    failure: Option<Failure>,
    limit: Option<LimitHit>,
    cancelled: bool,
}

impl Supervisor<'_> {
    fn run(mut self) -> Result<Ended, Failure> {
        let mut sample_at = Instant::now() + SAMPLE_EVERY;
        loop {
            let wait = sample_at.saturating_duration_since(Instant::now());
            if self.attend(wait) {
                break;
            }
            self.reap_orphans();
            let is_full = self.group.is_some_and(ProcessGroup::was_full);
            if is_full || self.tree.is_crowded(self.spec.limits.processes, self.machine_tasks) {
                self.stop(LimitHit::Processes);
            }
            if Instant::now() >= sample_at {
                let began = Instant::now();
                self.check_limits();
                sample_at = Instant::now() + SAMPLE_EVERY.max(began.elapsed() * SAMPLE_SHARE);
            }
        }
        let duration = self.started.elapsed();
        self.end_everything();
        self.take_news();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let exit = self.exit.unwrap_or(Exit::Signal(SIGKILL as i32));
        let limit = self.limit.or_else(|| limit_of(exit));
        Ok(Ended {
            exit,
            limit,
            cancelled: self.cancelled,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            denied: self.judge.into_notes(),
            opened: self.watch.map(Watch::into_opened).unwrap_or_default(),
        })
    }

    /// Handles whatever happens within `wait`. True when the child has ended.
    fn attend(&mut self, wait: Duration) -> bool {
        let milliseconds = u16::try_from(wait.as_millis()).unwrap_or(10).min(10) + 1;
        let mut fds = vec![
            PollFd::new(self.ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.caller.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.news.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.listener.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.watch.iter().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
        let _ = poll(&mut fds, PollTimeout::from(milliseconds));
        let happened = |at: usize| fds.get(at).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let (ended, caller, news, called) = (happened(0), happened(1), happened(2), happened(3));
        drop(fds);
        if news.contains(PollFlags::POLLIN) {
            self.take_news();
        }
        if self.listener.is_some() {
            if called.contains(PollFlags::POLLIN) {
                self.answer_call();
            } else if called.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
                self.listener = None; // nobody is left who could call
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

    fn take_news(&mut self) {
        loop {
            let mut body = vec![0; 4096];
            let mut space = nix::cmsg_space!(i32);
            let mut parts = [IoSliceMut::new(&mut body)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let received = recvmsg::<()>(self.news.as_raw_fd(), &mut parts, Some(&mut space), flags);
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
                Ok(News::Proc) => {
                    if let Some(proc) = descriptor {
                        self.tree = Tree::Namespace(proc);
                    }
                    let _ = nix::sys::socket::send(self.news.as_raw_fd(), b"g", MsgFlags::MSG_NOSIGNAL);
                }
                Ok(News::Listener) => self.listener = descriptor,
                Ok(News::Starting) => self.started = Instant::now(),
                Ok(News::Refused(why)) => self.failure = Some(Failure::Refused(why)),
                Ok(News::Invalid(why)) => self.failure = Some(Failure::Invalid(why)),
                Ok(News::Ended(exit)) => self.exit = Some(exit),
                Err(_) => {}
            }
        }
    }

    fn answer_call(&mut self) {
        let Some(listener) = &self.listener else { return };
        let Ok(call) = sys::receive_notification(listener.as_fd()) else { return };
        let answer = self.judge.decide(&call, &self.tree);
        // What was looked up by its number was this process only if it still waits.
        let answer = if sys::notification_is_live(listener.as_fd(), call.id) {
            answer
        } else {
            Answer::Fail(libc::EINTR)
        };
        sys::answer_notification(listener.as_fd(), call.id, answer);
    }

    /// The caller asks to stop, by a byte or by dying.
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
        let passed = if self.started.elapsed() > limits.wall {
            Some(LimitHit::Wall)
        } else if sample.tasks > u64::from(limits.processes) {
            Some(LimitHit::Processes)
        } else if sample.cpu > limits.cpu {
            Some(LimitHit::Cpu)
        } else if sample.resident_bytes > limits.memory_bytes
            && self.tree.proportional_bytes(&sample) > limits.memory_bytes
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
        if self.spec.wanted != Wanted::Full {
            // The command began a group of its own, and a fork bomb stays in it. Once it is reaped, its number may
            // be another's.
            if self.exit.is_none() {
                namespaces::kill_group(self.child);
            }
            self.kill_descendants();
        }
    }

    fn kill_descendants(&self) {
        let pids = Tree::Descendants.pids();
        for group in tree::groups_of(&pids) {
            namespaces::kill_group(Pid::from_raw(group));
        }
        for pid in pids {
            namespaces::kill(Pid::from_raw(pid));
        }
    }

    /// Reaps orphans that have ended, which would count as processes otherwise. The child is left for the end.
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
                        Wanted::Full => namespaces::kill(self.child),
                        Wanted::Reduced | Wanted::Unsandboxed => self.kill_descendants(),
                    }
                    self.attend(Duration::from_millis(1));
                }
                Ok(status) if status.pid() == Some(self.child) && self.spec.wanted != Wanted::Full => {
                    self.exit = self.exit.or(exit_of(status));
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return, // ECHILD: nothing is left
            }
        }
    }
}

/// A limit that the kernel enforces by a signal, which a shell reports as its own status.
fn limit_of(exit: Exit) -> Option<LimitHit> {
    let signal = match exit {
        Exit::Signal(signal) => signal,
        Exit::Code(code) => code - 128,
    };
    match signal {
        signal if signal == SIGXFSZ as i32 => Some(LimitHit::FileSize),
        signal if signal == nix::sys::signal::SIGXCPU as i32 => Some(LimitHit::Cpu),
        _ => None,
    }
}
