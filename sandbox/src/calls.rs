//! seccomp: the system calls that the worker may make.
//!
//! Three filters, of which the kernel obeys the strictest answer:
//!
//! 1. what only an attacker calls ends the process (SIGSYS names the reason);
//! 2. `clone3` answers ENOSYS, because its flags lie in memory where no filter sees them; libc then
//!    falls back to `clone`, whose flags are an argument;
//! 3. the allow-list: everything that it does not name answers EPERM, as an old kernel would, so that a new
//!    libc that probes for a call is not killed for that.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::error::SandboxError;

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// Needed as they are; Landlock judges the paths, and descriptors are judged when they are opened.
const ALLOWED: &[c_long] = &[
    // Files by descriptor.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_copy_file_range,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getdents64,
    libc::SYS_close,
    // Files by name.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_getcwd,
    // Memory; mmap and mprotect have conditions.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Threads; clone and prctl have conditions. clone3 passes here to be answered by the second filter.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals to oneself; tgkill has a condition.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and randomness.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
];

/// The older forms that libc still uses on this architecture.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_link,
];
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[c_long] = &[];

/// Our code calls none of these, however it goes wrong.
const HOSTILE: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// Filters this process, all of its threads.
pub(crate) fn restrict() -> Result<(), SandboxError> {
    let programs = programs(std::process::id()).map_err(|error| SandboxError::Calls(error.into()))?;
    for program in &programs {
        seccompiler::apply_filter_all_threads(program).map_err(SandboxError::Calls)?;
    }
    Ok(())
}

/// The filters in the order in which they are installed: the last one forbids to install another.
pub(crate) fn programs(pid: u32) -> Result<[BpfProgram; 3], BackendError> {
    let always = |calls: &[c_long]| calls.iter().map(|call| (*call, Vec::new())).collect::<BTreeMap<_, _>>();
    let mut allowed = always(ALLOWED);
    allowed.extend(always(ALLOWED_HERE));
    allowed.extend(conditional(pid)?);
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    Ok([
        compile(always(HOSTILE), SeccompAction::Allow, SeccompAction::KillProcess)?,
        compile(always(&[libc::SYS_clone3]), SeccompAction::Allow, errno(libc::ENOSYS))?,
        compile(allowed, errno(libc::EPERM), SeccompAction::Allow)?,
    ])
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn compile(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, matched, ARCH)?.try_into()
}

/// The calls that depend on an argument.
fn conditional(pid: u32) -> Result<Rules, BackendError> {
    let bits = |value: i32| u64::from(value.unsigned_abs());
    let executable = bits(libc::PROT_EXEC);
    let namespaces = bits(
        libc::CLONE_NEWNS
            | libc::CLONE_NEWCGROUP
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUSER
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNET,
    );
    let thread = bits(libc::CLONE_THREAD);
    let descriptors = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
    // redb locks ranges of its file.
    let locks = [libc::F_OFD_GETLK, libc::F_OFD_SETLK, libc::F_OFD_SETLKW];
    Ok(BTreeMap::from([
        // Private memory only, which RLIMIT_DATA counts, and never executable: all code is loaded by now.
        (
            libc::SYS_mmap,
            vec![SeccompRule::new(vec![
                masked(2, executable, 0)?,
                masked(3, bits(libc::MAP_TYPE), bits(libc::MAP_PRIVATE))?,
            ])?],
        ),
        (libc::SYS_mprotect, vec![SeccompRule::new(vec![masked(2, executable, 0)?])?]),
        // A thread, no process.
        (libc::SYS_clone, vec![SeccompRule::new(vec![masked(0, thread | namespaces, thread)?])?]),
        // abort() signals its own process.
        (libc::SYS_tgkill, vec![SeccompRule::new(vec![equal(0, u64::from(pid))?])?]),
        // A name for a thread.
        (libc::SYS_prctl, vec![SeccompRule::new(vec![equal(0, bits(libc::PR_SET_NAME))?])?]),
        // No F_SETOWN, which sends signals, and no leases.
        (
            libc::SYS_fcntl,
            descriptors
                .into_iter()
                .chain(locks)
                .map(|command| SeccompRule::new(vec![equal(1, bits(command))?]))
                .collect::<Result<_, _>>()?,
        ),
    ]))
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
}

/// The kernel looks at 32 bits of these arguments, and so does the filter.
fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}
