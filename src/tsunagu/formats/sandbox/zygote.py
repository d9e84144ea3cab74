"""The process that keeps the parsing libraries loaded and forks a fresh child for every file.

Started by the pool as ``python -m tsunagu.formats.sandbox.zygote FD``. It answers one command at a time on
the control socket and parses nothing itself: bytes of files reach only the children.

    hello            -> readers, problems, which outer walls stand
    load READER      -> import that reader's libraries, or what gives its rows or arrays, answers SQL or reads pages
    fork LIMITS + fd -> a child that waits for one job on the passed socket; its pid and pidfd come back
    reap PID         -> how that child ended
"""

from __future__ import annotations

import codecs
import contextlib
import gc
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsunagu.formats.examine import ReaderNotLoadedError, examine, warm_versions
from tsunagu.formats.reader import ArrayReader, RowReader
from tsunagu.formats.registry import installed_readers
from tsunagu.formats.sandbox import landlock, paging, query, walls, wire
from tsunagu.formats.types import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.reader import OpenArrays, OpenRows, Read, Reader

_MESSAGE_BYTES = 65536
# Loaded here once; each child would import them again.
_CODECS = (
    "ascii",
    "latin-1",
    "cp1252",
    "cp437",
    "cp932",
    "euc_jp",
    "iso2022_jp",
    "utf-8-sig",
    "utf-16",
    "utf-32",
)


class Zygote:
    """The state of the process: readers known, readers loaded, children not yet reaped."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.readers: Sequence[Reader]
        self.readers, self.problems = installed_readers()
        warm_versions(self.readers)
        self.loaded: dict[str, Read] = {}
        self.rows: dict[str, OpenRows] = {}
        self.arrays: dict[str, OpenArrays] = {}
        self.ended: dict[int, int] = {}
        self.landlock_version = landlock.abi()
        for codec in _CODECS:
            codecs.lookup(codec)
        self.places = walls.Places()

    def serve(self) -> None:
        """Answer until the other side closes."""
        outer = walls.raise_outer()
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.control, _MESSAGE_BYTES, 1)
            if not data:
                return
            message = json.loads(data)
            answer: dict[str, Any] = {}
            passed: list[int] = []
            match message["do"]:
                case "hello":
                    answer = {
                        "readers": [reader.info.name for reader in self.readers],
                        "problems": list(self.problems),
                        "outer": outer,
                    }
                case "load":
                    answer = self._load(message)
                case "fork":
                    answer, passed = self._fork(message, descriptors[0])
                case "reap":
                    answer = {"status": self._reap(message["pid"])}
            socket.send_fds(self.control, [json.dumps(answer).encode()], passed)
            for descriptor in (*passed, *descriptors):
                os.close(descriptor)

    def _load(self, wish: dict[str, Any]) -> dict[str, Any]:
        name = wish["reader"]
        reader = next((reader for reader in self.readers if reader.info.name == name), None)
        known = set(sys.modules)
        try:
            if wish.get("query"):
                query.warm()
            elif wish.get("pages"):
                for folder in paging.warm():
                    self.places.add(folder)
            elif reader is None:
                return {"error": "no such reader"}
            elif wish.get("rows"):
                self._load_rows(reader)
            elif wish.get("arrays"):
                self._load_arrays(reader)
            else:
                self.loaded[name] = reader.load()
        except Exception as error:  # noqa: BLE001 - a plugin's import may fail in any way
            return {"error": f"{type(error).__name__}: {error}"}
        _let_arrow_look_around()
        for folder in _folders(set(sys.modules) - known):
            self.places.add(folder)
        # What is there now is shared with all children; the collector must not touch (and copy) it.
        gc.collect()
        gc.freeze()
        return {}

    def _load_rows(self, reader: Reader) -> None:
        from tsunagu.formats.sandbox import conversion

        found = reader.load_rows() if isinstance(reader, RowReader) else None
        if found is None:
            raise TypeError("this format has no rows")
        conversion.warm()
        self.rows[reader.info.name] = found

    def _load_arrays(self, reader: Reader) -> None:
        from tsunagu.formats.sandbox import conversion

        found = reader.load_arrays() if isinstance(reader, ArrayReader) else None
        if found is None:
            raise TypeError("this format has no arrays")
        conversion.warm(arrays=True)
        self.arrays[reader.info.name] = found

    def _fork(self, message: dict[str, Any], channel: int) -> tuple[dict[str, Any], list[int]]:
        self._collect()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self.control.close()
                Child(self, channel, Limits(**message["limits"])).work(is_probe=message.get("probe", False))
                code = 0
            finally:
                # No clean-up of inherited state: libraries' exit handlers belong to the zygote.
                os._exit(code)
        return {"pid": pid}, [os.pidfd_open(pid)]

    def _collect(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self.ended[pid] = status

    def _reap(self, pid: int) -> int:
        if pid not in self.ended:
            with contextlib.suppress(ChildProcessError):
                self.ended[pid] = os.waitpid(pid, 0)[1]
        status = self.ended.pop(pid, 0)
        # Children that ended well are never asked for.
        self.ended.clear()
        return status


class Child:
    """One process, one file."""

    def __init__(self, zygote: Zygote, channel: int, limits: Limits) -> None:
        self.zygote = zygote
        self.channel = socket.socket(fileno=channel)
        self.limits = limits
        # Made now: once the inner walls stand, no memory file can be made.
        self.scratch = os.memfd_create("unpacked", os.MFD_CLOEXEC)

    def work(self, *, is_probe: bool) -> None:
        """Raise the walls, take one job (or those of a group, one by one), answer, end."""
        walls.raise_inner(self.limits)
        job, source = self._receive()
        if job is None:
            return
        # A group's files come as memory, which needs no rule, and a conversion's are open already; any other file is
        # the one that may be opened.
        inputs = (
            []
            if {"group", "convert", "store", "query", "pages"}
            & {name for name, is_so in job.items() if is_so}
            else [source]
        )
        database = query.prepare(self.limits) if job.get("query") else None
        walls.enclose([*self.zygote.places.descriptors, *inputs], version=self.zygote.landlock_version)
        if is_probe:
            self.channel.sendall(wire.pack({"walls": walls.attempt()}))
            return
        if self._did_task(job, source, database):
            return
        while job is not None:
            self.channel.sendall(self._read(job["name"], source))
            os.close(source)
            if not job.get("group"):
                return
            job, source = self._receive()

    def _did_task(self, job: dict[str, Any], source: int, database: Any) -> bool:
        """Do what is no reading of whole files, if that is what is asked."""
        if job.get("query"):
            query.serve(self.channel, source, database)
        elif job.get("pages"):
            paging.serve(self.channel, source)
        elif job.get("convert"):
            from tsunagu.formats.sandbox import conversion

            conversion.serve(self.channel, source, self.zygote.rows, self.limits, self.scratch)
        elif job.get("store"):
            from tsunagu.formats.sandbox import conversion

            conversion.serve_store(self.channel, source, self.zygote.arrays, self.limits, self.scratch)
        else:
            return False
        return True

    def _receive(self) -> tuple[dict[str, Any] | None, int]:
        data, descriptors, _, _ = socket.recv_fds(self.channel, _MESSAGE_BYTES, 1)
        if not data or not descriptors:
            return None, -1
        return json.loads(data), descriptors[0]

    def _read(self, name: str, source: int) -> bytes:
        os.ftruncate(self.scratch, 0)
        os.lseek(self.scratch, 0, os.SEEK_SET)
        try:
            outcome = examine(
                Path(f"/proc/self/fd/{source}"),
                name=name,
                readers=self.zygote.readers,
                loaded=self.zygote.loaded,
                limits=self.limits,
                scratch=os.fdopen(os.dup(self.scratch), "w+b"),
            )
        except ReaderNotLoadedError as need:
            return wire.pack({"need": need.reader})
        return wire.pack_outcome(outcome)


def _let_arrow_look_around() -> None:
    """Arrow imports pandas, where it is there, with the first array that it makes: once here, not in every child."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.array([0])


def _folders(modules: set[str]) -> set[Path]:
    """The package folders of newly imported modules: a plugin may live outside of site-packages."""
    files = (getattr(sys.modules.get(module.partition(".")[0]), "__file__", None) for module in modules)
    return {Path(file).parent for file in files if file and Path(file).name.startswith("__init__.")}


def _silence() -> None:
    """Libraries print; nobody must take that for an answer, and a log must not fill with file contents."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def main() -> None:
    """Serve on the control socket whose descriptor number is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    _silence()
    Zygote(control).serve()


if __name__ == "__main__":
    main()
