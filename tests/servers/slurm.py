"""A real Slurm of one node on loopback for the tests: munge, controller and node daemon as children, in a folder of its own.

Needs Debian's slurmctld, slurmd, slurm-client and munge. There are no cgroups here, so Slurm books memory and does not
hold it; what jobs may use is held by the wrapper's walls.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.node import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_PATH = f"{os.defpath}:/usr/sbin:/sbin:/usr/local/sbin"
_PATIENCE_S = 30.0
_CONF = """\
ClusterName=tsunagu
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,default_queue_depth=1000
ReturnToService=2
KillWait=5
SlurmdTimeout=10
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """What is not installed; empty when a Slurm can be started."""
    return [name for name in PROGRAMS if not shutil.which(name, path=_PATH)]


class Slurm:
    """A cluster of this machine alone.

    Args:
        home: An empty folder for its configuration, state and logs.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.conf = home / "slurm.conf"
        self.shared = home / "shared"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("state", "spool", "shared"):
            (home / name).mkdir(parents=True)
        controller_port = free_port()
        self.conf.write_text(
            _CONF.format(
                home=home,
                host=socket.gethostname().partition(".")[0],
                user=_user(),
                controller_port=controller_port,
                node_port=controller_port + 1,
                cpus=os.cpu_count(),
                memory_mb=8000,
            )
        )
        key = home / "munge.key"
        key.touch(mode=0o400)
        key.chmod(0o600)
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a node that hands jobs to it."""
        return {
            "TSUNAGU_SLURM_FOLDER": str(self.shared),
            "TSUNAGU_SLURM_CONF": str(self.conf),
            "TSUNAGU_SLURM_PARTITION": "debug",
            "TSUNAGU_SLURM_POLL_S": "1",
        }

    def start(self) -> None:
        """Start all three and wait until the node takes jobs."""
        munge = [f"--{name}={self.home}/munge.{end}" for name, end in
                 (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"),
                  ("seed-file", "seed"))]  # fmt: skip
        self._start("munged", "-F", *munge)
        _wait((self.home / "munge.socket").exists, "munge")
        self.start_controller()
        self.start_node()

    def start_controller(self) -> None:
        """Start slurmctld on the state that it left, and wait until it answers."""
        self._start("slurmctld", "-D", "-f", str(self.conf))
        _wait(lambda: self.run("scontrol", "ping", check=False).returncode == 0, "slurmctld")

    def stop_controller(self) -> None:
        """End slurmctld; jobs go on."""
        self._end("slurmctld", signal.SIGTERM)

    def start_node(self) -> None:
        """Start slurmd, and wait until jobs can be handed to it."""
        self._start("slurmd", "-D", "-f", str(self.conf))
        _wait(
            lambda: (
                self.run("sinfo", "-h", "-p", "debug", "-o", "%t").stdout.strip() in {"idle", "mix", "alloc"}
            ),
            "slurmd",
        )

    def kill_node(self) -> None:
        """SIGKILL to slurmd, and to the wrappers that it started: the machine fails."""
        found = [
            entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_step(entry)
        ]
        self._end("slurmd", signal.SIGKILL)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def _is_step(self, entry: Path) -> bool:
        """slurmstepd's processes, and what they started in the shared folder."""
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            return str(self.shared).encode() in command and b"tsunagu.compute.runner" in command
        return False

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of Slurm against this cluster."""
        return subprocess.run(
            command, env={"PATH": _PATH, "SLURM_CONF": str(self.conf)},
            capture_output=True, text=True, check=check, timeout=60,
        )  # fmt: skip

    def stop(self) -> None:
        """End everything that was started here."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self.run("scancel", "--me", "--full", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name, signal.SIGTERM)

    def _start(self, program: str, *arguments: str) -> None:
        with (self.home / f"{program}.out").open("ab") as out:
            self._children[program] = subprocess.Popen(
                [shutil.which(program, path=_PATH) or program, *arguments],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                env={"PATH": _PATH, "SLURM_CONF": str(self.conf)},
            )  # fmt: skip

    def _end(self, program: str, how: signal.Signals) -> None:
        child = self._children.pop(program, None)
        if child is None:
            return
        child.send_signal(how)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(20)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start")
        time.sleep(0.1)


@contextlib.contextmanager
def running() -> Iterator[Slurm]:
    """A cluster for the length of the block. Its folder is not pytest's: munge wants one that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        Path(folder).chmod(0o755)
        cluster = Slurm(Path(folder) / "cluster")
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
