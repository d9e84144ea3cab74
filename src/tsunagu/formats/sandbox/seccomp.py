"""A seccomp filter without a library: classic BPF built here, installed by prctl.

The filter is a list of what is refused, not of what is allowed: parsing libraries differ in what they ask of
the kernel, but none needs a socket, another program, another process or a file to write. Refused calls fail
with EPERM, so that libraries go on or raise; a foreign system-call table ends the process.

Sources: linux/filter.h, linux/seccomp.h, linux/audit.h; call numbers from asm/unistd_64.h and
asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RET_KILL_PROCESS = 0x80000000
_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_NUMBER, _ARCHITECTURE, _ARGUMENT_0 = 0, 4, 16
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_NAMESPACES = 0x7E020000  # CLONE_NEWUSER, NEWNET, NEWNS, NEWPID, NEWIPC, NEWUTS, NEWCGROUP
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class _Machine:
    audit: int
    has_x32: bool
    calls: dict[str, int]


# Names that a machine lacks (open, fork ... on aarch64) are simply absent.
_X86_64 = _Machine(
    0xC000003E,
    has_x32=True,
    calls={
        "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53, "accept4": 288,
        "execve": 59, "execveat": 322, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "process_madvise": 440, "pidfd_getfd": 438, "kcmp": 312, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250,
        "add_key": 248, "request_key": 249, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "setns": 308, "unshare": 272, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
        "mount_setattr": 442, "open_by_handle_at": 304, "name_to_handle_at": 303, "init_module": 175,
        "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "reboot": 169,
        "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179, "settimeofday": 164, "clock_settime": 227,
        "adjtimex": 159, "clock_adjtime": 305, "iopl": 172, "ioperm": 173, "syslog": 103, "personality": 135,
        "sethostname": 170, "setdomainname": 171, "fanotify_init": 300,
        "fork": 57, "vfork": 58, "clone": 56, "clone3": 435, "kill": 62, "tkill": 200, "tgkill": 234,
        "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424, "pidfd_open": 434,
        "open": 2, "creat": 85, "openat": 257, "openat2": 437, "truncate": 76, "rename": 82, "renameat": 264,
        "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "link": 86, "linkat": 265, "unlink": 87,
        "unlinkat": 263, "symlink": 88, "symlinkat": 266, "mknod": 133, "mknodat": 259, "chmod": 90,
        "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "chown": 92, "fchown": 93, "lchown": 94,
        "fchownat": 260, "utime": 132, "utimes": 235, "utimensat": 280, "futimesat": 261, "setxattr": 188,
        "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
        "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "shmat": 30, "msgget": 68, "semget": 64,
        "mq_open": 240, "setuid": 105, "setgid": 106, "setreuid": 113, "setregid": 114, "setresuid": 117,
        "setresgid": 119, "setgroups": 116, "capset": 126, "prlimit64": 302, "setrlimit": 160,
        "sendmsg": 46, "sendmmsg": 307, "sched_setaffinity": 203,
    },
)  # fmt: skip
_AARCH64 = _Machine(
    0xC00000B7,
    has_x32=False,
    calls={
        "socket": 198, "connect": 203, "accept": 202, "bind": 200, "listen": 201, "socketpair": 199,
        "accept4": 242, "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270,
        "process_vm_writev": 271, "process_madvise": 440, "pidfd_getfd": 438, "kcmp": 272,
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "setns": 268, "unshare": 97,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
        "open_by_handle_at": 265, "name_to_handle_at": 264, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "reboot": 142, "swapon": 224,
        "swapoff": 225, "acct": 89, "quotactl": 60, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171,
        "clock_adjtime": 266, "syslog": 116, "personality": 92, "sethostname": 161, "setdomainname": 162,
        "fanotify_init": 262,
        "clone": 220, "clone3": 435, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424, "pidfd_open": 434,
        "openat": 56, "openat2": 437, "truncate": 45, "renameat": 38, "renameat2": 276, "mkdirat": 34,
        "linkat": 37, "unlinkat": 35, "symlinkat": 36, "mknodat": 33, "fchmod": 52, "fchmodat": 53,
        "fchmodat2": 452, "fchown": 55, "fchownat": 54, "utimensat": 88, "setxattr": 5, "lsetxattr": 6,
        "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "memfd_create": 279,
        "memfd_secret": 447, "shmget": 194, "shmat": 196, "msgget": 186, "semget": 190, "mq_open": 180,
        "setuid": 146, "setgid": 144, "setreuid": 145, "setregid": 143, "setresuid": 147, "setresgid": 149,
        "setgroups": 159, "capset": 91, "prlimit64": 261, "setrlimit": 164, "sendmsg": 211, "sendmmsg": 269,
        "sched_setaffinity": 122,
    },
)  # fmt: skip
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}

# What no process of the sandbox needs, the one that forks included.
OUTER = (
    "socket", "connect", "accept", "accept4", "bind", "listen", "socketpair", "execve", "execveat", "ptrace",
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key",
    "request_key", "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "open_tree", "move_mount",
    "fsopen", "fsmount", "mount_setattr", "open_by_handle_at", "name_to_handle_at", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct",
    "quotactl", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "iopl", "ioperm", "syslog",
    "personality", "sethostname", "setdomainname", "fanotify_init",
)  # fmt: skip
# What a process that reads one file does not need on top: processes, signals, writing.
INNER = (
    "fork", "vfork", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal",
    "pidfd_open", "creat", "truncate", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link",
    "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat",
    "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "memfd_create",
    "memfd_secret", "shmget", "shmat", "msgget", "semget", "mq_open", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setgroups", "capset", "setrlimit", "sendmsg", "sendmmsg",
)  # fmt: skip
# What a job does not need, which may start programs and processes and speak to itself: the rest of the kernel, and
# the change of the cores that it was given.
JOB = (
    *(name for name in OUTER if name not in {
        "socket", "connect", "accept", "accept4", "bind", "listen", "socketpair", "execve", "execveat",
    }),
    "sched_setaffinity",
)  # fmt: skip
# Calls whose flags lie in memory where a filter cannot look: "not there" makes libc use the older call.
_ABSENT = ("clone3", "openat2")


def job_program(*, machine: str) -> bytes:
    """The filter of a job: no reaching into other processes, no namespaces, no sockets but local and Internet ones.

    Other families (vsock, say) do not belong to the network namespace that keeps a job from the host.
    """
    table = _MACHINES[machine]
    refuse = _instruction(_RETURN, 0, 0, _RET_ERRNO | errno.EPERM)
    absent = _instruction(_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS)
    allow = _instruction(_RETURN, 0, 0, _RET_ALLOW)
    code = [_instruction(_JUMP_EQUAL, 0, 1, table.calls["clone3"]), absent]
    code += _with_argument(table, "clone", 0, _JUMP_ANY_BIT, _NAMESPACES, refuse_when=True, refuse=refuse)
    code += [
        _instruction(_JUMP_EQUAL, 0, 2 + 2 * len(_FAMILIES), table.calls["socket"]),
        _instruction(_LOAD_WORD, 0, 0, _ARGUMENT_0),
    ]
    for family in _FAMILIES:
        code += [_instruction(_JUMP_EQUAL, 0, 1, family), allow]
    code += [refuse, allow]
    start = program(JOB, machine=machine, is_inner=False)
    return start[:-8] + b"".join(code)


class _SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_supported() -> bool:
    """Whether this machine's call numbers are known."""
    return os.uname().machine in _MACHINES


def _instruction(code: int, jump_true: int, jump_false: int, operand: int) -> bytes:
    return struct.pack("=HBBI", code, jump_true, jump_false, operand)


def program(denied: tuple[str, ...], *, machine: str, is_inner: bool) -> bytes:
    """The filter as bytes: the architecture is checked first, then each refused call.

    ``is_inner`` also refuses new processes (threads stay possible), opening files for writing, and setting
    the limits of any process.
    """
    table = _MACHINES[machine]
    refuse = _instruction(_RETURN, 0, 0, _RET_ERRNO | errno.EPERM)
    code = [
        _instruction(_LOAD_WORD, 0, 0, _ARCHITECTURE),
        _instruction(_JUMP_EQUAL, 1, 0, table.audit),
        _instruction(_RETURN, 0, 0, _RET_KILL_PROCESS),
        _instruction(_LOAD_WORD, 0, 0, _NUMBER),
    ]
    if table.has_x32:
        code += [_instruction(_JUMP_AT_LEAST, 0, 1, _X32_BIT), _instruction(_RETURN, 0, 0, _RET_KILL_PROCESS)]
    for name in denied:
        if name in table.calls:
            code += [_instruction(_JUMP_EQUAL, 0, 1, table.calls[name]), refuse]
    if is_inner:
        code += _inner_rules(table, refuse)
    code.append(_instruction(_RETURN, 0, 0, _RET_ALLOW))
    return b"".join(code)


def _inner_rules(table: _Machine, refuse: bytes) -> list[bytes]:
    absent = _instruction(_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS)
    code = []
    for name in _ABSENT:
        code += [_instruction(_JUMP_EQUAL, 0, 1, table.calls[name]), absent]
    # A new thread is fine, a new process is not: CLONE_THREAD decides.
    code += _with_argument(table, "clone", 0, _JUMP_ANY_BIT, _CLONE_THREAD, refuse_when=False, refuse=refuse)
    for name, position in (("open", 1), ("openat", 2)):
        if name in table.calls:
            code += _with_argument(
                table, name, position, _JUMP_ANY_BIT, _WRITE_FLAGS, refuse_when=True, refuse=refuse
            )
    # prlimit with a first argument (another process) or any new limit: glibc's getrlimit passes pid 0, no
    # new limit, so only the pointer of the new limit has to be null; both halves of it.
    code += [
        _instruction(_JUMP_EQUAL, 0, 6, table.calls["prlimit64"]),
        _instruction(_LOAD_WORD, 0, 0, _ARGUMENT_0 + 16),
        _instruction(_JUMP_EQUAL, 0, 2, 0),
        _instruction(_LOAD_WORD, 0, 0, _ARGUMENT_0 + 20),
        _instruction(_JUMP_EQUAL, 1, 0, 0),
        refuse,
        _instruction(_RETURN, 0, 0, _RET_ALLOW),
    ]
    # The accumulator may hold an argument only on a path that has returned; reload for whatever follows.
    code.append(_instruction(_LOAD_WORD, 0, 0, _NUMBER))
    return code


def _with_argument(
    table: _Machine, name: str, position: int, test: int, operand: int, *, refuse_when: bool, refuse: bytes
) -> list[bytes]:
    """Refuse the call when the low half of an argument does (or does not) pass the test; else allow it."""
    allow = _instruction(_RETURN, 0, 0, _RET_ALLOW)
    return [
        _instruction(_JUMP_EQUAL, 0, 4, table.calls[name]),
        _instruction(_LOAD_WORD, 0, 0, _ARGUMENT_0 + 8 * position),
        _instruction(test, 0, 1, operand),
        refuse if refuse_when else allow,
        allow if refuse_when else refuse,
    ]


def install(*, is_inner: bool) -> None:
    """Put the filter on this process and all it makes; there is no way back.

    Raises:
        OSError: the kernel refuses; nothing is in force then.
    """
    raw = program(INNER if is_inner else OUTER, machine=os.uname().machine, is_inner=is_inner)
    buffer = ctypes.create_string_buffer(raw, len(raw))
    fprog = _SockFprog(len(raw) // 8, ctypes.cast(buffer, ctypes.c_void_p).value)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(fprog), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
