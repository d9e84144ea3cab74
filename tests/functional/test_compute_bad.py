"""Jobs that misbehave: each ends in a clear state with a sentence, and the node goes on."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def small(node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "a.txt").write_text("a")
    node.run("push", str(folder), "lab/small")
    node.run("freeze", "lab/small")
    return "lab/small"


@pytest.fixture
def job(node, small):
    """Runs a script and gives what became of it, with its log."""

    def run(*command, **limits):
        options = [part for name, value in limits.items() for part in (f"--{name}", str(value))]
        done = node.run("run", small, "--out", "lab/bad", *options, "--json", "--", *command, check=False)
        found = json.loads(done.stdout)
        found["log"] = node.run("logs", found["run"]).stdout
        assert found["state"] in {"succeeded", "failed"}
        if found["state"] == "failed":
            assert found["sentence"]
            assert found["version"] is None
        return found

    return run


def test_forks_without_end(job):
    found = job("sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60", time="30s")
    assert found["code"] in {"too_many_processes", "out_of_memory"}
    assert found["result"]["duration_s"] < 10, "after that nothing else on the machine answers"


def test_fills_the_disk_with_one_file_and_with_many(job):
    found = job("sh", "-c", "cat /dev/zero > big", disk="50M", time="60s")
    assert found["code"] == "disk_full"
    found = job("sh", "-c", "i=0; while :; do head -c 1000000 /dev/zero > f$i; i=$((i+1)); done", disk="50M")
    assert found["code"] == "disk_full"
    found = job("python3", "-c", "import itertools\nfor i in itertools.count(): open(f'f{i}', 'w').close()")
    assert found["code"] == "too_many_files"


def test_fills_its_temporary_folder(job):
    found = job("sh", "-c", "cat /dev/zero > /tmp/big; cat /dev/zero > /dev/shm/big; echo survived")
    assert found["state"] == "succeeded"
    assert "No space left" in found["log"]
    assert "survived" in found["log"]


def test_eats_memory_slowly_at_once_and_in_many_processes(job):
    slowly = "x = []\nwhile True: x.append(b'1' * (1 << 20))"
    assert job("python3", "-c", slowly, memory="200M", time="60s")["code"] == "out_of_memory"
    found = job("python3", "-c", "bytearray(1 << 32)", memory="200M")
    assert found["code"] in {"exit", "out_of_memory"}
    assert "MemoryError" in found["log"]
    many = (
        "import os, time\nfor n in range(8):\n  if not os.fork():\n    x = bytearray(60 << 20)\n"
        "    x[::4096] = b'1' * len(x[::4096])\n    time.sleep(60)\ntime.sleep(60)"
    )
    assert job("python3", "-c", many, memory="200M", time="30s")["code"] == "out_of_memory"


def test_reaches_no_socket_of_the_host(job, node):
    """Neither a port on loopback, nor an address outside, nor an abstract Unix socket."""
    heard = []
    name = f"\0tsunagu-test-{node.port}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(name)
        local.listen()
        thread = threading.Thread(target=lambda: heard.append(_accept(server)), daemon=True)
        thread.start()
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it can be reached from here
        thread.join(5)
        assert heard == [True]
        script = f"""import socket
tries = [(socket.AF_INET, ('127.0.0.1', {port})), (socket.AF_INET, ('127.0.0.1', {node.port})),
  (socket.AF_INET, ('192.0.2.1', 80)), (socket.AF_UNIX, {name!r})]
for family, address in tries:
    try:
        s = socket.socket(family)
        s.settimeout(3)
        s.connect(address)
        print('REACHED', address)
    except OSError as error:
        print('no', error)
try:
    socket.socket(40)
    print('REACHED vsock')
except OSError as error:
    print('no', error)
"""
        found = job("python3", "-c", script)
    assert found["state"] == "succeeded"
    assert "REACHED" not in found["log"]
    assert [line[:3] for line in found["log"].splitlines()] == ["no "] * 5


def _accept(server):
    server.settimeout(5)
    connection, _address = server.accept()
    connection.close()
    return True


def test_writes_and_reads_nothing_outside(job, node):
    secret = node.home / "secrets" / "capability.key"
    assert secret.exists()
    script = f"""
for f in /in/x /inputs/x /x /usr/x /etc/x /proc/sys/kernel/hostname /dev/x {node.home}/x; do
  (echo 1 > $f) 2>/dev/null && echo WROTE $f
done
cat {secret} 2>/dev/null && echo READ
ls /root /home {node.home} 2>/dev/null
env | grep -i -e secret -e token -e key
echo end
"""
    found = job("sh", "-c", script)
    assert "WROTE" not in found["log"]
    assert "READ" not in found["log"]
    assert str(node.home) not in job("sh", "-c", "cat /proc/*/cmdline /proc/self/mounts")["log"]
    assert found["log"].endswith("end\n")
    # Nothing but what the walls set and the run's own facts.
    names = {line.partition("=")[0] for line in job("env")["log"].splitlines()}
    assert names <= {
        "PATH", "HOME", "TMPDIR", "LANG", "USER", "PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TSUNAGU_RUN",
        "TSUNAGU_IN", "TSUNAGU_INPUTS", "TSUNAGU_OUT", "TSUNAGU_PARAMETERS", "OMP_NUM_THREADS", "OLDPWD",
    }  # fmt: skip


def test_changes_no_setting_of_the_kernel(job):
    """For the kernel a job is the user that runs the node, and that may be root."""
    script = r"""
import os
for folder, folders, files in os.walk('/proc'):
    if folder == '/proc':
        folders[:] = [name for name in folders if not name.isdigit()]
    for name in files:
        try:
            os.close(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_NONBLOCK))
            print('WRITABLE', os.path.join(folder, name))
        except OSError:
            pass
print('looked at', os.path.exists('/proc/sys/kernel/core_pattern'))
"""
    assert job("python3", "-c", script)["log"] == "looked at True\n"


def test_makes_no_walls_of_its_own(job):
    found = job("sh", "-c", "unshare -Ur true || echo refused; unshare -n true || echo refused")
    assert found["log"].count("refused\n") == 2


def test_never_ends(job):
    found = job("sleep", "600", time="2s")
    assert found["code"] == "out_of_time"
    assert 2 <= found["result"]["duration_s"] < 10
    assert job("sh", "-c", "while :; do :; done", time="2s")["code"] == "out_of_time"


def test_leaves_processes_behind(job, node):
    found = job("sh", "-c", "setsid sleep 4711 & echo left")
    assert found["state"] == "succeeded"
    assert not [pid for pid in node.children() if _is(pid, "sleep\x004711")]


def _is(pid, command):
    try:
        return command in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def test_prints_without_end(job):
    line = "x" * 99
    found = job("sh", "-c", f"echo first; yes {line} | head -c 200000000; echo last", time="120s")
    assert found["state"] == "succeeded"
    assert found["log"].startswith("first\n")
    assert found["log"].endswith("last\n")
    assert "bytes of the log were left out here" in found["log"]
    assert len(found["log"]) < 2_200_000


def test_prints_what_is_no_text(job):
    found = job("sh", "-c", "head -c 300000 /dev/urandom; printf '\\033[31m\\377end'")
    assert found["log"].endswith("end")


def test_needs_a_program_that_is_not_there(job):
    found = job("no-such-program", "--help")
    assert found["code"] == "missing_program"
    assert "no-such-program" in found["sentence"]


def test_output_names_that_cannot_stand(job):
    found = job("python3", "-c", r"open(b'bad\xff', 'w').write('1')")
    assert found["code"] == "bad_output"
    assert "bad" in found["sentence"]
    found = job("sh", "-c", "echo 1 > \"$(printf 'two\\nlines')\"")
    assert found["code"] == "bad_output"
    assert "\n" not in found["sentence"]


def test_output_names_that_can(job, node):
    names = ["測定 1.csv", "a'b\"c", "-rf", "$(reboot)", "ｶﾞ.txt", "x" * 200]
    found = job("python3", "-c", f"for n in {names!r}: open(n, 'w').write(n)")
    assert found["state"] == "succeeded"
    assert {path for path, _size, _sha256 in found["result"]["outputs"]} == set(names)


def test_links_and_devices_among_the_outputs_are_not_followed(job, node):
    script = (
        "ln -s /etc/passwd passwd; ln -s / root; mkfifo pipe; mkdir -p d; echo 1 > d/real; chmod 000 d/real"
    )
    found = job("sh", "-c", script)
    assert found["state"] == "succeeded"
    assert [path for path, _size, _sha256 in found["result"]["outputs"]] == ["d/real"]
    assert set(found["result"]["left_out"]) == {"passwd", "root", "pipe"}


def test_takes_away_its_own_rights(job):
    found = job("sh", "-c", "mkdir d; echo 1 > d/x; chmod 000 d; echo 2 > y; chmod 000 .")
    assert found["state"] in {"succeeded", "failed"}
    assert found["code"] in {"ok", "bad_output", "machine_failed"}


def test_the_node_is_well_after_all_that(job, node):
    assert job("echo", "well")["log"] == "well\n"
    assert not list((node.home / "spool" / "jobs").iterdir()) or _gone_soon(node)


def _gone_soon(node):
    deadline = time.monotonic() + 15
    while list((node.home / "spool" / "jobs").iterdir()):
        assert time.monotonic() < deadline, "folders of jobs that are over stay"
        time.sleep(0.2)
    return True
