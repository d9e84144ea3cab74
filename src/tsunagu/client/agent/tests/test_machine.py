"""Any sequence of writing, moving, polling, sending, failing and killing equals a plain model.

The folder is real, the steady clock is turned by hand, and the node is a dictionary behind the agent's own calls; the
same against a real node, with real kills, stands in tests/functional/test_agent.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tsunagu.client.agent import sending
from tsunagu.client.agent.ledger import Ledger
from tsunagu.client.agent.line import Answer, OfflineError
from tsunagu.client.agent.node import DeniedError, Push
from tsunagu.client.agent.watching import FolderWatch

SETTLE_S, POLL_S = 10.0, 5.0
NAMES = st.sampled_from(["a.dat", "b.dat", "試料.dat", "sub/c.dat", "large.bin", "x.tmp", "lost.none"])


def sha(content):
    return hashlib.sha256(content).hexdigest()


class Killed(BaseException):
    pass


class DictNode:
    """Keeps what it is sent; breaks off before or after the n-th call, as the network does."""

    def __init__(self, world):
        self.world = world
        self.draft, self.uploads, self.receipts, self.open_runs = {}, {}, {}, set()
        self.commits, self.units = [], set()
        self.count = 0
        self.fault = None  # (calls from now, "before" | "after", exception)

    def _call(self, act):
        if self.fault is not None:
            calls, when, error = self.fault
            self.fault = (calls - 1, when, error) if calls else None
            if not calls:
                if when == "after":
                    act()
                raise error
        return act()

    def _closed(self, run):
        if run not in self.open_runs:
            raise DeniedError(Answer(409, {}, b'{"code":"capture.push_closed","title":"closed"}'))

    def open(self, project, dataset, note):
        def act():
            self.count += 1
            run = f"run{self.count}"
            self.open_runs.add(run)
            self.receipts[run] = {}
            return Push(run, {"byte_url": "http://x", "capability": "c"})

        return self._call(act)

    def renew(self, run):
        self._closed(run)
        return self._call(lambda: Push(run, {"byte_url": "http://x", "capability": "c"}))

    def plan(self, push, files):
        self._closed(push.run)
        files = list(files)
        return self._call(
            lambda: {
                n for n, (path, _, digest) in enumerate(files) if sha(self.draft.get(path, b"?")) != digest
            }
        )

    def _commit(self, run, path, content):
        self.world.arrived(path, content)
        self.commits.append((path, sha(content), self.draft.get(path) == content))
        self.draft[path] = content
        self.receipts[run][path] = sha(content)

    def send_bundle(self, push, pieces):
        pieces = list(pieces)
        self._closed(push.run)
        self._call(lambda: [self._commit(push.run, piece.path, piece.content) for piece in pieces])

    def create_upload(self, push, path, size, digest, mtime_ns):
        def act():
            url = f"u{len(self.uploads)}"
            self.uploads[url] = [path, size, digest, b""]
            return url

        return self._call(act)

    def upload_offset(self, push, url):
        return self._call(lambda: len(self.uploads[url][3]) if url in self.uploads else None)

    def send_piece(self, push, url, offset, content):
        def act():
            path, size, digest, held = self.uploads[url]
            assert len(held) == offset
            self.uploads[url][3] = held + content
            if len(held) + len(content) < size:
                return offset + len(content), ""
            if sha(self.uploads[url][3]) != digest:
                raise DeniedError(Answer(460, {}, b"{}"))
            if url not in self.units:  # the same unit again gives the same answer
                self._commit(push.run, path, self.uploads[url][3])
                self.units.add(url)
            return size, digest

        return self._call(act)

    def forget_upload(self, push, url):
        self._call(lambda: self.uploads.pop(url, None))

    def finish(self, run, *, outcome="ok", reason=""):
        def act():
            self.open_runs.discard(run)
            return dict(self.receipts[run])

        return self._call(act)


class Agent(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.base = Path(tempfile.mkdtemp(prefix="machine"))
        self.root = self.base / "source"
        self.root.mkdir()
        self.now, self.stamp = 1000.0, 1_700_000_000_000_000_000
        self.files, self.changed_at, self.ever = {}, {}, {}
        self.node = DictNode(self)
        self.is_away = False
        self.start()

    def start(self):
        self.ledger = Ledger(str(self.base / "ledger"))
        config = {
            "path": str(self.root), "settle_s": SETTLE_S,
            "rules": [{"pattern": "*.dat", "project": "p", "dataset": "d"}, {"pattern": "*.bin", "project": "p", "dataset": "d"}],
        }  # fmt: skip
        self.watch = FolderWatch(config, self.ledger, poll_s=POLL_S, tell=lambda *_, **__: None)
        self.sender = sending.Sender(
            self.node, self.ledger, tell=lambda *_, **__: None, clock=lambda: self.now
        )
        self.sender.folders = [str(self.root)]
        self.sender.piece_bytes = 500_000

    def arrived(self, path, content):
        """What the node was given is a content that stood still for long enough."""
        assert content in self.ever[path]
        if self.files.get(path) == content:
            assert self.now - self.changed_at[path] >= SETTLE_S

    @rule(name=NAMES, seed=st.integers(0, 3))
    @precondition(lambda self: not self.is_away)
    def write(self, name, seed):
        content = bytes([seed]) * (1_200_000 if name == "large.bin" else 8)
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.stamp += 1_000_000_000
        os.utime(path, ns=(self.stamp, self.stamp))
        self.files[name], self.changed_at[name] = content, self.now
        self.ever.setdefault(name, []).append(content)

    @rule(name=NAMES)
    @precondition(lambda self: not self.is_away)
    def remove(self, name):
        (self.root / name).unlink(missing_ok=True)
        self.files.pop(name, None)

    @rule(seconds=st.sampled_from([0.5, 5.0, 6.0, 11.0, 3600.0]))
    def poll(self, seconds):
        self.now += seconds
        self.watch.look(self.now)

    @rule(name=NAMES, seed=st.integers(0, 3))
    @precondition(lambda self: not self.is_away)
    def change_when_at_rest(self, name, seed):
        self.poll(11.0)
        self.poll(11.0)
        self.write(name, seed)
        self.send()

    @rule()
    def send(self):
        try:
            self.sender.step(lambda: True)
        except OfflineError:
            self.node.fault = None

    @rule(
        calls=st.integers(0, 4),
        when=st.sampled_from(["before", "after"]),
        kind=st.sampled_from([OfflineError("x"), Killed()]),
    )
    def break_midway(self, calls, when, kind):
        self.node.fault = (calls, when, kind)
        try:
            self.sender.step(lambda: False)
        except OfflineError:
            pass
        except Killed:
            self.kill()
        self.node.fault = None

    @rule()
    def kill(self):
        self.ledger.close()
        self.start()

    @rule()
    def refuse(self):
        self.node.fault = (
            0,
            "before",
            DeniedError(Answer(403, {}, b'{"code":"policy.denied","title":"no"}')),
        )
        with contextlib.suppress(DeniedError):  # ending a leftover run was refused: the engine comes again
            self.sender.step(lambda: True)
        self.node.fault = None

    @rule()
    @precondition(lambda self: not self.is_away)
    def share_goes_away(self):
        self.root.rename(self.base / "elsewhere")
        if len(self.files) % 2:
            self.root.mkdir()  # an empty mount point
        self.is_away = True

    @rule()
    @precondition(lambda self: self.is_away)
    def share_comes_back(self):
        if self.root.exists():
            self.root.rmdir()
        (self.base / "elsewhere").rename(self.root)
        self.is_away = False

    @invariant()
    def done_is_on_the_node(self):
        if not hasattr(self, "ledger"):
            return
        for row in self.ledger.rows(("done", "verified")):
            assert sha(self.node.draft[row.path]) == row.sha256

    @invariant()
    def a_share_that_is_away_is_no_loss(self):
        if hasattr(self, "ledger") and self.is_away:
            before = {row.path for row in self.ledger.rows(("vanished",))}
            self.watch.look(self.now)
            assert {row.path for row in self.ledger.rows(("vanished",))} == before
            # What vanished while the share was there gives no reason to doubt an empty mount point.
            assert self.watch.missing is not None or set(self.ledger.counts()) <= {"vanished"}

    def teardown(self):
        if not hasattr(self, "ledger"):
            return
        if self.is_away:
            self.share_comes_back()
        for _ in range(40):
            self.now += 4000.0
            self.watch.look(self.now)
            self.sender.step(lambda: False)
        wanted = {name: content for name, content in self.files.items() if name.endswith((".dat", ".bin"))}
        assert {name: self.node.draft.get(name) for name in wanted} == wanted
        assert set(self.node.draft) <= set(self.ever)
        assert all(name.endswith((".dat", ".bin")) for name in self.node.draft)
        assert not any(stood_there for _, _, stood_there in self.node.commits)
        assert {
            p.relative_to(self.root).as_posix(): p.read_bytes() for p in self.root.rglob("*") if p.is_file()
        } == self.files
        counts = self.ledger.counts()
        assert not {
            "seen",
            "settling",
            "at_rest",
            "hashed",
            "uploading",
            "verified",
            "error",
            "changed",
        } & set(counts) or (set(counts) & {"seen"} and "lost.none" in self.files)
        self.ledger.close()
        shutil.rmtree(self.base)


Agent.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAgent = Agent.TestCase


def test_a_push_whose_end_was_not_heard_is_not_used_again():
    """Found by the machine: the node had ended the run, the answer was lost, and the agent sent into it for ever."""
    agent = Agent()
    agent.begin()
    agent.change_when_at_rest(name="a.dat", seed=0)
    agent.poll(seconds=11.0)
    agent.poll(seconds=11.0)
    agent.break_midway(calls=1, when="before", kind=OfflineError("x"))
    agent.poll(seconds=0.5)
    agent.break_midway(calls=2, when="after", kind=OfflineError("x"))
    agent.teardown()
