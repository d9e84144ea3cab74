"""Jobs on a real Slurm of one node: the same wrapper, the same signed result; what Slurm says is never taken for success."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.node import running_node
from tests.servers import slurm
from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Submission
from tsunagu.compute.jobs.slurm import Slurm
from tsunagu.compute.runner.api import Limits
from tsunagu.core.settings import BadSettingError, read

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(bool(slurm.missing_programs()), reason="Slurm is not installed"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
LOST_S = 4
# Goes on until ``tell``, however slow the machine is.
UNTIL_TOLD = "echo up; while [ ! -e $TSUNAGU_OUT/go ]; do sleep 0.1; done"


@pytest.fixture(scope="module")
def cluster():
    with slurm.running() as started:
        yield started


@pytest.fixture(scope="module")
def node(cluster, tmp_path_factory):
    extra = {
        **cluster.settings,
        "TSUNAGU_COMPUTE_LOST_S": str(LOST_S),
        "SECRET_OF_THE_NODE": "must-not-travel",
    }
    with running_node(tmp_path_factory.mktemp("node") / "home", extra) as running:
        running.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("data")
        (folder / "a.txt").write_text("3\n1\n2\n")
        running.run("push", str(folder), "lab/data")
        running.run("freeze", "lab/data")
        yield running


def run(node, *arguments, check=True):
    return node.run("run", "lab/data", "--on", "slurm", *arguments, check=check)


def detached(node, out, script, *options):
    done = run(node, "--out", out, "--detach", *options, "--", "sh", "-c", script)
    return done.stdout.split()[-1]


def tell(cluster, run_id):
    """Let a job end that goes on ``UNTIL_TOLD``."""
    (cluster.shared / "jobs" / run_id / "out" / "go").touch()


@contextlib.contextmanager
def away(cluster):
    """Without the controller; it comes back whatever happens, for the tests that follow."""
    cluster.stop_controller()
    try:
        yield
    finally:
        cluster.start_controller()


def wait(condition, what, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def get(node, run):
    status, found = node.api("GET", f"/runs/{run}")
    assert status == 200
    return found


def wait_for(node, run, state, *, timeout_s=60):
    wait(
        lambda: get(node, run)["state"] == state,
        f"{run} to be {state}: {get(node, run)}",
        timeout_s=timeout_s,
    )
    return get(node, run)


def test_a_job_from_the_command_line_to_its_version(node, cluster):
    done = run(
        node, "--out", "lab/sorted", "--json", "--", "sh", "-c", "sort $TSUNAGU_IN/a.txt > $TSUNAGU_OUT/s.txt"
    )
    found = json.loads(done.stdout)
    assert (found["state"], found["code"], found["version"], found["executor"]) == (
        "succeeded",
        "ok",
        1,
        "slurm",
    )
    booked = found["result"]["host"]["booked"]
    assert booked["scheduler"] == "Slurm"
    assert booked["memory_bytes"] > found["limits"]["memory_bytes"]
    assert booked["duration_s"] > found["limits"]["duration_s"]
    told = cluster.run("scontrol", "-o", "show", "job", booked["job"]).stdout
    assert f"JobName=tsunagu-{found['run']}" in told
    assert "NumCPUs=1" in told
    assert f"MinMemoryNode={booked['memory_bytes'] >> 20}M" in told
    assert found["result"]["in_force"]["memory_bytes"] == "watched"
    assert [path for path, _size, _sha256 in found["result"]["outputs"]] == ["s.txt"]


def test_nothing_of_the_nodes_environment_and_secrets_goes_along(node, cluster):
    """Neither into the job, nor into the wrapper, nor into the batch script that Slurm keeps."""
    run_id = detached(node, "lab/plain", "env > $TSUNAGU_OUT/e; sleep 10")
    wait_for(node, run_id, "running")
    folder = cluster.shared / "jobs" / run_id
    assert (folder / "job.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    secret = json.loads((folder / "job.json").read_text())["secret"]
    number = (folder / "claimed" / "handle").read_text().strip()
    wrapper = int((folder / "wrapper.pid").read_text().split()[0])
    environment = Path(f"/proc/{wrapper}/environ").read_bytes()
    names = {row.partition(b"=")[0].decode() for row in environment.split(b"\0") if row}
    assert names <= {"PATH", "LANG", "HOME", "PYTHONPATH", "SLURM_JOB_ID", "PWD", "TSUNAGU_CACHE"}
    script = cluster.run("scontrol", "write", "batch_script", number, "-").stdout
    told = cluster.run("scontrol", "show", "job", number).stdout
    for text in (script, told, environment.decode()):
        assert "must-not-travel" not in text
        assert secret not in text
        assert node.token not in text
    wait_for(node, run_id, "succeeded")
    wait(lambda: not folder.exists(), "the folder to go")
    assert "get env for user" not in (cluster.home / "slurmd.log").read_text(), "a login shell was waited for"


def test_a_run_waits_in_slurms_queue_and_is_cancelled_there(node, cluster):
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        run_id = detached(node, "lab/waits", "true")
        found = wait_for(node, run_id, "submitted")
        assert found["started_at"] is None
        time.sleep(LOST_S + 2)  # longer than a wrapper may be silent: a queue is no silence
        assert get(node, run_id)["state"] == "submitted"
        assert node.run("cancel", run_id).returncode == 0
        found = wait_for(node, run_id, "cancelled")
        assert (found["code"], found["cpu_s"]) == ("cancelled", 0)
        assert run_id not in cluster.run("squeue", "-h", "-o", "%j").stdout
    finally:
        cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")


def number_of(cluster, run_id):
    wait(lambda: run_id in cluster.run("squeue", "-h", "-o", "%j").stdout, "sbatch")
    return cluster.run("squeue", "-h", "-o", "%i", f"--name=tsunagu-{run_id}").stdout.strip()


def waits(node, run_id, code):
    wait(
        lambda: (get(node, run_id)["waiting"] or {}).get("code") == code,
        f"{run_id} to wait for {code}: {get(node, run_id)['waiting']}",
    )
    return get(node, run_id)["waiting"]


def test_why_a_run_waits_in_slurms_queue(node, cluster):
    """Partition down, held by its own account and by an administrator, a set time; until it begins."""
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        run_id = detached(node, "lab/why", "true")
        assert waits(node, run_id, "down")["said"] == "PartitionDown"
        number = number_of(cluster, run_id)
        shown = [line for line in node.run("runs").stdout.splitlines() if run_id in line]
        assert "(Slurm: PartitionDown)" in shown[0]
        assert "(Slurm: PartitionDown)" in node.run("logs", run_id).stderr
        cluster.run("scontrol", "hold", number)
        assert waits(node, run_id, "held_admin")["said"] == "JobHeldAdmin", "the tests are its administrator"
        cluster.run("scontrol", "release", number)
        cluster.run("scontrol", "uhold", number)
        assert waits(node, run_id, "held_user")["said"] == "JobHeldUser"
        cluster.run("scontrol", "release", number)
    finally:
        cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")
    assert wait_for(node, run_id, "succeeded")["waiting"] is None


def test_when_a_run_is_expected_to_begin(node, cluster):
    """In UTC, wherever the controller and the node lie."""
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        run_id = detached(node, "lab/when", "true")
        number = number_of(cluster, run_id)
        earliest = datetime.now(UTC) + timedelta(hours=5)
        cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now+5hours")
    finally:
        cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")
    found = waits(node, run_id, "begin")
    begins_at = datetime.fromisoformat(found["begins_at"])
    assert timedelta(seconds=-2) < begins_at - earliest < timedelta(minutes=1)
    node.run("cancel", run_id)
    wait_for(node, run_id, "cancelled")


def urgent(cluster):
    """Other work that takes the whole machine, and its number."""
    return cluster.run(
        "sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null", "--chdir=/", "--wrap=sleep 30"
    ).stdout.strip()  # fmt: skip


def test_a_preempted_run_says_so(node, cluster):
    """Although the cluster requeues what it preempts: the run is not to begin a second time."""
    run_id = detached(node, "lab/preempted", "echo up; sleep 4815")
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    other = urgent(cluster)
    try:
        wait(lambda: get(node, run_id)["code"] == "scheduler_preempted", "the reason")
        found = wait_for(node, run_id, "failed")
        assert "PREEMPTED" in found["sentence"]
        assert run_id not in cluster.run("squeue", "-h", "-o", "%j").stdout
    finally:
        cluster.run("scancel", other)


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_run_that_an_administrator_requeues_does_not_begin_again(node, cluster, is_killed):
    """It may hear of it and say so, or be killed at once; in both cases one start is all there is."""
    out = f"lab/requeued-{is_killed}".lower()
    run_id = detached(node, out, "echo up; sleep 4816")
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    number = number_of(cluster, run_id)
    assert cluster.run("scontrol", "requeue", number, check=False).returncode, (
        "it was handed over as --no-requeue"
    )
    cluster.run("scontrol", "update", f"JobId={number}", "Requeue=1")
    if is_killed:
        pid = int((cluster.shared / "jobs" / run_id / "wrapper.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)  # it hears nothing any more
    cluster.run("scontrol", "requeue", number)
    wait(lambda: get(node, run_id)["code"] == "scheduler_requeued", "the reason")
    found = wait_for(node, run_id, "failed")
    assert (found["code"], found["version"]) == ("scheduler_requeued", None)
    assert node.run("logs", run_id).stdout.count("up") == 1
    wait(lambda: not cluster.run("squeue", "-h").stdout.strip(), "Slurm to be idle")


def test_a_running_job_is_cancelled_by_a_word_and_frees_its_machine(node, cluster):
    run_id = detached(node, "lab/running", "echo up; sleep 4811")
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    began = time.monotonic()
    node.run("cancel", run_id)
    found = wait_for(node, run_id, "cancelled")
    assert time.monotonic() - began < 10
    assert found["result"]["host"]["booked"]["job"]
    wait(lambda: not cluster.run("squeue", "-h").stdout.strip(), "Slurm to be idle")


def test_a_limit_holds_although_this_slurm_holds_none(node):
    done = run(node, "--out", "lab/greedy", "--memory", "100M", "--json", "--", "python3", "-c",
               "x = []\nwhile True: x.append(b'1' * (1 << 20))", check=False)  # fmt: skip
    assert json.loads(done.stdout)["code"] == "out_of_memory"


def test_what_slurm_refuses_is_told_in_its_words(cluster, tmp_path):
    settings = {**cluster.settings, "TSUNAGU_SLURM_PARTITION": "no-such-partition"}
    place = Slurm(read(tmp_path, settings))
    assert place.problem() == ""
    job = Submission("01J", tmp_path / "job.json", tmp_path, Limits())
    with pytest.raises(NoExecutorError, match="invalid partition"):
        place.submit(job)
    with away(cluster):
        assert place.problem()
        with pytest.raises(ExecutorAwayError):
            place.submit(job)
        assert place.look("4711", tmp_path) == "alive", "while Slurm is away nobody is gone"
    place = Slurm(read(tmp_path, settings))
    assert place.look("4711", tmp_path) == "gone"
    assert place.explain("4711", tmp_path)[0] == "lost"


def test_nothing_is_imported_from_the_folder_of_a_job(cluster, tmp_path):
    # A folder of its own: the node cleans the one of the cluster.
    place = Slurm(read(tmp_path, {**cluster.settings, "TSUNAGU_SLURM_FOLDER": str(tmp_path)}))
    folder = place.root(is_sealed=False) / "01JIMPORTS"
    folder.mkdir(parents=True)
    (folder / "tsunagu.py").write_text("print('from the folder')")
    (folder / "job.json").write_text("no job")
    place.submit(Submission("01JIMPORTS", folder / "job.json", folder, Limits()))
    log = folder / "wrapper.log"
    wait(lambda: log.exists() and "cannot be read" in log.read_text(), "the wrapper")
    assert "from the folder" not in log.read_text()


@pytest.mark.parametrize(
    "options", ["--qos=a;b", "-p x", "--wrap=`id`", "--comment=$HOME", '--qos="x"', "--mail-user=a\nb"]
)
def test_options_that_could_carry_commands_are_refused(options, tmp_path):
    with pytest.raises(BadSettingError):
        read(tmp_path, {"TSUNAGU_SLURM_OPTIONS": options})


def test_options_of_the_site_add_and_do_not_undo(cluster, tmp_path):
    settings = {
        **cluster.settings,
        "TSUNAGU_SLURM_OPTIONS": "--hold --export=ALL --comment=lab",
        "TSUNAGU_SLURM_FOLDER": str(tmp_path),
    }
    place = Slurm(read(tmp_path, settings))
    handle = place.submit(Submission("01J", tmp_path / "job.json", tmp_path, Limits(cores=2, duration_s=60)))
    told = cluster.run("scontrol", "-o", "show", "job", handle).stdout
    assert "Reason=JobHeldUser" in told
    assert "Comment=lab" in told
    assert "TimeLimit=00:31:00" in told
    place.cancel(handle, tmp_path)
    assert place.look(handle, tmp_path) == "gone"
    assert place.explain(handle, tmp_path)[0] == "scheduler_cancelled"


def test_an_administrator_of_the_cluster_kills_a_job_that_never_spoke(node, cluster):
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        run_id = detached(node, "lab/admin", "true")
        wait_for(node, run_id, "submitted")
        wait(lambda: run_id in cluster.run("squeue", "-h", "-o", "%j").stdout, "sbatch")
        cluster.run("scancel", f"--name=tsunagu-{run_id}")
        found = wait_for(node, run_id, "uncertain")
        assert found["code"] == "scheduler_cancelled"
        found = wait_for(node, run_id, "failed")
        assert found["code"] == "scheduler_cancelled"
        assert "CANCELLED" in found["sentence"]
    finally:
        cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")


def test_a_shared_folder_that_the_cluster_cannot_use(node, cluster):
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    run_id = detached(node, "lab/unshared", "true")
    wait_for(node, run_id, "submitted")
    folder = cluster.shared / "jobs" / run_id
    wait(folder.exists, "the job's folder")
    folder.rename(cluster.shared / "elsewhere")
    cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")
    found = wait_for(node, run_id, "failed")
    assert found["code"] == "scheduler_folder"
    assert found["sentence"]


def test_a_wrapper_that_is_killed_never_counts_as_success(node, cluster):
    run_id = detached(node, "lab/killed", "echo up; sleep 4812")
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    os.kill(int((cluster.shared / "jobs" / run_id / "wrapper.pid").read_text().split()[0]), signal.SIGKILL)
    wait_for(node, run_id, "uncertain")
    found = wait_for(node, run_id, "failed")
    assert (found["code"], found["version"]) == ("scheduler_failed", None)
    assert "up" in node.run("logs", run_id).stdout


def test_a_job_whose_script_ends_well_without_a_result_is_lost(node, cluster):
    """Exit code 0 is Slurm's word and not the wrapper's."""
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    run_id = detached(node, "lab/silent", "true")
    wait_for(node, run_id, "submitted")
    (cluster.shared / "jobs" / run_id / "claimed").mkdir()
    cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")
    found = wait_for(node, run_id, "failed")
    assert (found["code"], found["version"]) == ("lost", None)


def test_the_controller_is_restarted_midway(node, cluster):
    """What runs goes on and what waits is kept, as long as Slurm keeps its own state."""
    running = detached(node, "lab/midway", UNTIL_TOLD)
    wait(lambda: "up" in node.run("logs", running).stdout, "the job to begin")
    with away(cluster):
        waiting = detached(node, "lab/meanwhile", "echo later")
        time.sleep(3)
        wait_for(node, waiting, "queued")  # while sbatch is waited for it counts as submitted
        assert get(node, running)["state"] == "running"
    tell(cluster, running)
    assert wait_for(node, running, "succeeded")["version"] == 1
    wait_for(node, waiting, "succeeded", timeout_s=120)


def test_a_job_ends_while_the_controller_is_away(node, cluster):
    run_id = detached(node, "lab/alone", UNTIL_TOLD)
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    with away(cluster):
        tell(cluster, run_id)
        assert wait_for(node, run_id, "succeeded")["version"] == 1


def test_the_node_is_stopped_and_its_jobs_on_the_cluster_go_on(node, cluster):
    run_id = detached(node, "lab/patient", UNTIL_TOLD)
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    node.stop()
    tell(cluster, run_id)
    time.sleep(1)
    node.start()
    assert wait_for(node, run_id, "succeeded", timeout_s=120)["version"] == 1


def test_an_array_is_one_batch_job_with_a_run_for_each_value(node, cluster):
    done = run(node, "--out", "lab/each", "--each", "threshold=0.5,2,high", "--", "sh", "-c",
               "echo $TSUNAGU_PARAM_ARRAY_INDEX $TSUNAGU_PARAM_THRESHOLD | tee $TSUNAGU_OUT/t.txt")  # fmt: skip
    assert done.stdout.splitlines() == ["0 0.5", "1 2", "2 high"]
    runs = [one for one in node.json("runs") if one["output"] == "lab/each"]
    assert {one["state"] for one in runs} == {"succeeded"}
    assert sorted(one["version"] for one in runs) == [1, 2, 3]
    (array,) = {one["array_id"] for one in runs}
    assert array == min(one["run"] for one in runs)
    numbers = {one["result"]["host"]["booked"]["job"] for one in runs}
    told = [cluster.run("scontrol", "-o", "show", "job", number).stdout for number in numbers]
    assert len({text.split("ArrayJobId=")[1].split()[0] for text in told}) == 1


def test_an_array_is_cancelled_singly_and_together(node, cluster):
    runs = run(
        node, "--out", "lab/many", "--each", "n=0..4", "--detach", "--", "sh", "-c", "sleep 4813"
    ).stdout.split()
    assert len(runs) == 5
    node.run("cancel", runs[4])
    wait_for(node, runs[4], "cancelled")
    wait(lambda: any(get(node, one)["state"] == "running" for one in runs), "one of them to run")
    assert get(node, runs[3])["state"] in {"submitted", "running"}
    node.run("cancel", runs[1], "--all")
    for one in runs:
        wait_for(node, one, "cancelled")
    wait(lambda: not cluster.run("squeue", "-h").stdout.strip(), "Slurm to be idle")


def test_sealed_inputs_do_not_go_to_a_shared_disk(node):
    node.run("seal", "lab/secret", "--create")
    node.run("seal", "lab/secret-out", "--create")
    status, found = node.api(
        "POST", "/runs",
        {"inputs": ["lab/data"], "command": ["true"], "output": "lab/secret-out", "executor": "slurm"},
    )  # fmt: skip
    assert (status, found["code"]) == (422, "compute.bad_job"), found
    assert "sealed" in found["title"]


def test_a_failed_machine(node, cluster):
    """Last: slurmd and all that it started are killed, as when the power goes."""
    run_id = detached(node, "lab/power", "echo up; sleep 4814")
    wait(lambda: "up" in node.run("logs", run_id).stdout, "the job to begin")
    cluster.kill_node()
    cluster.start_node()
    wait_for(node, run_id, "uncertain")
    found = wait_for(node, run_id, "failed")
    assert found["version"] is None
    assert found["code"] in {"scheduler_node", "scheduler_failed", "lost"}
    assert json.loads(run(node, "--out", "lab/after", "--json", "--", "true").stdout)["state"] == "succeeded"
