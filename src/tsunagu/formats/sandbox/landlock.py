"""Landlock without a library: after this a process reads the interpreter's files, one input, and nothing else.

Source: linux/landlock.h and the kernel's userspace-api/landlock page (ABI 1 to 7).
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ALL_OF_ABI_1 = (1 << 13) - 1  # execute, write, read, and all ways to make or remove
_REFER, _TRUNCATE, _DEVICE = 1 << 13, 1 << 14, 1 << 15  # ABI 2, 3, 5
_TCP = 0b11  # ABI 4: bind and connect
_SCOPES = 0b11  # ABI 6: abstract sockets and signals


def abi() -> int:
    """The kernel's Landlock version; 0 when it has none or it is switched off."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)))


def _handled(version: int) -> tuple[bytes, int]:
    files = _ALL_OF_ABI_1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _DEVICE)):
        if version >= since:
            files |= right
    if version >= 6:  # noqa: PLR2004 - the ABI that added scopes
        return struct.pack("=QQQ", files, _TCP, _SCOPES), files
    if version >= 4:  # noqa: PLR2004 - the ABI that added ports
        return struct.pack("=QQ", files, _TCP), files
    return struct.pack("=Q", files), files


def restrict(readable: Iterable[int], *, version: int) -> None:
    """Allow reading beneath the open descriptors and refuse every other file for this process, for ever.

    Args:
        readable: Descriptors of folders (all beneath) or single files.
        version: What :func:`abi` said; asked once, since each process of a file comes here.

    Raises:
        OSError: the kernel refuses; nothing is in force then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    attributes, _ = _handled(version)
    ruleset = libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        for descriptor in readable:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            rights = _READ_FILE | _READ_DIR if is_folder else _READ_FILE
            rule = struct.pack("=Qi", rights, descriptor)
            if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) != 0:
                # Descriptors without a path of their own (memory files) need no rule.
                continue
        if libc.syscall(_RESTRICT, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)
