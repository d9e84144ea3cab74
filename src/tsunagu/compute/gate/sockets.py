"""Reaching the socket that a notebook made in its folder."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

_NAME = "s"
_LIMIT = 1 << 20
_CONNECT_S = 10.0


async def connect(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the notebook whose door this folder is.

    The folder is the notebook's to write: what it put there in place of its socket (a link to another one of this
    machine) is not followed. Paths of sockets are at most 107 bytes, hence the way by the descriptor of the folder.

    Raises:
        OSError: nobody listens there, or it is no socket.
    """
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # The socket itself is opened first, so that what is looked at is what is connected to.
        door = os.open(_NAME, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        try:
            if not stat.S_ISSOCK(os.fstat(door).st_mode):
                raise OSError(f"{_NAME} is no socket.")
            line = socket.socket(socket.AF_UNIX)
            line.setblocking(False)  # noqa: FBT003 - the standard library takes it by place
            try:
                await asyncio.wait_for(
                    asyncio.get_running_loop().sock_connect(line, f"/proc/self/fd/{door}"), _CONNECT_S
                )
            except BaseException:
                line.close()
                raise
        finally:
            os.close(door)
    finally:
        os.close(descriptor)
    return await asyncio.open_unix_connection(sock=line, limit=_LIMIT)
