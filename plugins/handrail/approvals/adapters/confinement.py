"""Takes from a process, before it looks at what others wrote, whatever it does not need to compute.

Linux only. What the machine does not permit is left out and reported as not given, never assumed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Sequence
from typing import Any

NOBODY = 65534
MEGABYTE = 1 << 20
OPEN_FILES = 64
_CLONE_NEWUSER, _NEW_NAMESPACES = 0x10000000, 0x40000000 | 0x08000000 | 0x04000000  # network, IPC, host name
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SIGKILL = 1, 22, 38, 9
_FILTER_MODE, _EPERM = 2, 1
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# linux/asm/unistd.h of each machine: whatever reaches files, the network, other processes or the kernel itself.
_DENIED: dict[str, Sequence[int]] = {
    "x86_64": (
        *(2, 85, 257, 304, 437, 428, 432),  # open, creat, openat, open_by_handle_at, openat2, open_tree, fspick
        *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),  # sockets
        *(56, 57, 58, 59, 322, 435),  # clone, fork, vfork, execve, execveat, clone3
        *(62, 101, 129, 200, 234, 297, 310, 311, 312, 424, 434, 438, 440),  # signals to, and memory of, others
        *(76, 77, 82, 83, 84, 86, 87, 88, 90, 91, 92, 93, 94, 133, 258, 259, 260, 263, 264, 265, 266, 268, 316),
        *(155, 161, 165, 166, 167, 168, 272, 308, 425, 426, 427, 429, 430, 431, 433, 442),  # mounts, io_uring
        *(169, 175, 176, 246, 248, 249, 250, 298, 313, 320, 321, 323),  # reboot, modules, keys, bpf, perf
    ),
    "aarch64": (
        *(56, 265, 437, 428, 432),
        *(198, 199, 200, 201, 202, 203, 206, 207, 211, 212, 242, 269),
        *(220, 221, 281, 435),
        *(117, 129, 130, 131, 138, 240, 270, 271, 272, 424, 434, 438, 440),
        *(33, 34, 35, 36, 37, 38, 45, 46, 51, 52, 53, 54, 55, 276),
        *(39, 40, 41, 97, 268, 425, 426, 427, 429, 430, 431, 433, 442),
        *(104, 105, 106, 142, 217, 218, 219, 241, 273, 280, 282, 294),
    ),
}


def leave_the_network() -> bool:
    """Move this process, while it has one thread, to namespaces without a network; say whether it was permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_NEW_NAMESPACES, _NEW_NAMESPACES | _CLONE_NEWUSER))


def die_with_the_parent() -> None:
    """Let the kernel end this process when its parent ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def confine(seconds: float, megabytes: int) -> dict[str, Any]:
    """Limit this process to computing, for good; return what was and what was not given.

    It has so many seconds of processor time and so many megabytes beyond what it holds now. Where it began as root
    it goes on as nobody. It can then open no file or socket, start no process, and signal none.

    Returns:
        `user` ("nobody", or "the server's": the machine did not permit another one), `system_calls` ("filtered", or
        "not filtered"), and the two limits.
    """
    with open("/proc/self/statm", encoding="utf-8") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    user = _become_nobody()
    _limit(seconds, held + megabytes * MEGABYTE)
    return {
        "user": "nobody" if user else "the server's",
        "system_calls": "filtered" if _filter_system_calls() else "not filtered",
        "seconds": seconds,
        "megabytes": megabytes,
    }


def _become_nobody() -> bool:
    if os.geteuid() != 0:
        return False
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:  # root of a namespace that has no other user
        return False
    return True


def _limit(seconds: float, address_space: int) -> None:
    limits = {
        resource.RLIMIT_CPU: max(1, round(seconds)),
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        highest = resource.getrlimit(kind)[1]
        least = most if highest == resource.RLIM_INFINITY else min(most, highest)
        resource.setrlimit(kind, (least, least))


def _filter_system_calls() -> bool:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    program = _program(_ARCHITECTURES[machine], _DENIED[machine])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    code = ctypes.create_string_buffer(program)
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.c_char_p(head), 0, 0) == 0)


def _program(architecture: int, denied: Sequence[int]) -> bytes:
    """Return a filter (seccomp(2), classic BPF): another architecture ends the process, what is denied gets EPERM."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, _KILL), (load, 0, 0, 0)]
    # x32 calls have their own numbers from this bit on.
    steps += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, _ERRNO | _EPERM)]
    for number in sorted(set(denied)):
        steps += [(equal, 0, 1, number), (answer, 0, 0, _ERRNO | _EPERM)]
    steps.append((answer, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)
