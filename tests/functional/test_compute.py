"""Code that runs beside the data, as people run it: through the command line of a real node, in the real sandbox."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time

import pytest

from tests.node import TSUNAGU

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


def shell(node, dataset, script, *options, check=True):
    return node.run("run", dataset, *options, "--", "sh", "-c", script, check=check)


def wait_for(node, run, states, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        _status, found = node.api("GET", f"/runs/{run}")
        if found["state"] in states:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{run} is still {found['state']}")


@pytest.fixture(scope="module")
def measured(node, tmp_path_factory):
    """A frozen dataset with personal information in it."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "a.csv").write_text("3\n1\n2\n")
    (folder / "code").mkdir()
    (folder / "code" / "add.py").write_text(
        "import json, os\n"
        "rows = [float(x) for x in open(os.environ['TSUNAGU_IN'] + '/a.csv')]\n"
        "more = json.loads(os.environ['TSUNAGU_PARAMETERS'])['more']\n"
        "assert os.environ['TSUNAGU_PARAM_MORE'] == str(more)\n"
        "print('adding', more)\n"
        "open(os.environ['TSUNAGU_OUT'] + '/sum.txt', 'w').write(str(sum(rows) + more))\n"
    )
    node.run("push", str(folder), "lab/measured")
    node.run("label", "lab/measured", "personal")
    node.run("freeze", "lab/measured")
    return "lab/measured"


def test_a_version_goes_in_and_a_version_with_its_labels_comes_out(node, measured, tmp_path):
    done = shell(
        node, measured, "echo sorting; sort $TSUNAGU_IN/a.csv > $TSUNAGU_OUT/b.csv", "--out", "lab/sorted"
    )
    assert done.stdout == "sorting\n"
    assert "Version 1 of lab/sorted" in done.stderr
    node.run("pull", "lab/sorted@1", str(tmp_path / "out"))
    assert (tmp_path / "out" / "b.csv").read_text() == "1\n2\n3\n"
    labels = {one["name"]: one for one in node.json("label", "lab/sorted")["labels"]}
    assert labels["personal"]["value"] == "yes"
    (run,) = [one for one in node.json("runs", "lab/sorted") if one["kind"] == "compute"]
    assert labels["personal"]["run"] == run["id"]
    assert run["outcome"] == "ok"
    assert run["parameters"]["in_force"]["network"] == "kernel"
    kinds = {(link["direction"], link["kind"]) for link in run["links"]}
    assert kinds == {("in", "dataset"), ("in", "version"), ("out", "dataset"), ("out", "version")}
    node.run("verify", "lab/sorted")


def test_code_and_parameters_are_part_of_the_run_and_again_is_the_same(node, measured, tmp_path):
    done = json.loads(
        node.run(
            "run", measured, "--code", f"{measured}/code", "--param", "more=0.5", "--out", "lab/sum", "--json",
            "--", "sh", "-c", "python3 $TSUNAGU_CODE/add.py",
        ).stdout
    )  # fmt: skip
    assert done["state"] == "succeeded", done
    assert [(one["place"], one["use"]) for one in done["inputs"]] == [(measured, "in"), (measured, "code")]
    status, again = node.api("POST", f"/runs/{done['run']}/again")
    assert status == 201
    again = wait_for(node, again["run"], {"succeeded", "failed"})
    assert again["result"]["outputs"] == done["result"]["outputs"]
    assert again["version"] == done["version"], "equal outputs are the same version"
    assert node.run("logs", again["run"]).stdout == "adding 0.5\n"
    node.run("pull", "lab/sum", str(tmp_path / "sum"))
    assert (tmp_path / "sum" / "sum.txt").read_text() == "6.5"


def test_a_later_run_replaces_what_an_earlier_one_made(node, measured):
    first = json.loads(shell(node, measured, "touch a b", "--out", "lab/later", "--json").stdout)
    second = json.loads(
        shell(node, measured, "echo 1 > b; echo 2 > c", "--out", "lab/later", "--json").stdout
    )
    assert (first["version"], second["version"]) == (1, 2)
    assert {file["path"] for file in node.json("files", "lab/later", "--version", "1")} == {"a", "b"}
    assert {file["path"] for file in node.json("files", "lab/later", "--version", "2")} == {"b", "c"}


def test_many_files_travel(node, measured):
    script = "for i in $(seq 3000); do echo $i > $i.txt; done"
    done = json.loads(shell(node, measured, script, "--out", "lab/many", "--json").stdout)
    assert (done["result"]["output_count"], len(done["result"]["outputs"])) == (3000, 1000)
    count = "ls $TSUNAGU_IN | wc -l; sha256sum $TSUNAGU_IN/* | wc -l"
    assert shell(node, "lab/many", count, "--out", "lab/counted").stdout.split() == ["3000", "3000"]


def test_several_inputs_and_files_larger_than_a_bundle(node, measured):
    script = "head -c 5000000 /dev/urandom > big.bin; sha256sum big.bin"
    made = shell(node, measured, script, "--out", "lab/large")
    script = "sha256sum $TSUNAGU_INPUTS/lab/large/big.bin; ls $TSUNAGU_INPUTS/lab"
    done = shell(node, measured, script, "--input", "lab/large@1", "--out", "lab/from-two")
    assert done.stdout.split()[0] == made.stdout.split()[0]
    assert set(done.stdout.split()[2:]) == {"large", "measured"}


def test_the_log_comes_while_it_runs_and_cancel_ends_it(node, measured):
    run = shell(node, measured, "echo started; sleep 600", "--out", "lab/slow", "--detach").stdout.strip()
    deadline = time.monotonic() + 30
    while "started" not in node.run("logs", run).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with subprocess.Popen(
        [TSUNAGU, "logs", run, "-f"],
        env={**node.environment, "TSUNAGU_URL": node.url, "TSUNAGU_TOKEN": node.token, "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout.readline() == "started\n"
        node.run("cancel", run)
        found = wait_for(node, run, {"cancelled"}, timeout_s=20)
        assert follower.wait(20) == 0
    assert found["version"] is None
    assert found["cpu_s"] < 5, "the rest of what was reserved is given back"
    assert node.run("cancel", run, check=False).returncode == 5


def test_ctrl_c_cancels_the_run_that_one_waits_for(node, measured):
    waiting = subprocess.Popen(
        # What a shell starts in the background ignores Ctrl-C, and hands that on.
        [
            "env",
            "--default-signal=INT",
            TSUNAGU,
            "run",
            measured,
            "--out",
            "lab/interrupted",
            "--",
            "sh",
            "-c",
            "echo up; sleep 600",
        ],
        env={**node.environment, "TSUNAGU_URL": node.url, "TSUNAGU_TOKEN": node.token, "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with waiting:
        assert waiting.stdout.readline() == "up\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == 130
        assert "It was cancelled." in waiting.stderr.read()


def test_the_exit_code_of_the_command_is_the_exit_code(node, measured):
    assert shell(node, measured, "exit 7", "--out", "lab/exits", check=False).returncode == 7
    assert shell(node, measured, "kill -9 $$", "--out", "lab/exits", check=False).returncode == 137


def test_no_outputs_is_a_success_without_a_version(node, measured):
    done = json.loads(shell(node, measured, "true", "--out", "lab/nothing", "--json").stdout)
    assert (done["state"], done["version"]) == ("succeeded", None)


def test_what_cannot_be_asked_for(node, measured, tmp_path):
    def refused(*arguments):
        done = node.run("run", *arguments, "--", "true", check=False)
        return done.returncode, done.stderr.strip().splitlines()[-1]

    folder = tmp_path / "draft"
    folder.mkdir()
    (folder / "x").write_text("1")
    node.run("push", str(folder), "lab/unfrozen")
    assert "compute.not_frozen" in refused("lab/unfrozen")[1]
    assert "compute.output_taken" in refused(measured, "--out", "lab/unfrozen")[1]
    assert "compute.output_taken" in refused(measured, "--out", measured)[1]
    assert "compute.bad_job" in refused(measured, "--memory", "900G")[1]
    assert "compute.bad_job" in refused(measured, "--param", "Bad-Name=1")[1]
    assert "compute.bad_job" in refused(measured, "--on", "mainframe")[1]
    assert refused("lab/nowhere")[0] == 4
    assert node.run("run", measured, check=False).returncode == 2


def test_a_stranger_sees_nothing_and_a_token_that_reads_starts_nothing(node, measured):
    done = json.loads(shell(node, measured, "echo secret", "--out", "lab/private", "--json").stdout)
    stranger = node.make_token("stranger@example.org")
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/again")):
        status, _said = node.api(method, f"/runs/{done['run']}{path}", token=stranger)
        assert status == 404, path
    assert node.api("GET", "/runs", token=stranger)[1]["runs"] == []
    made = node.json("token", "create", "reads", "--verb", "read")
    body = {"inputs": [measured], "command": ["true"]}
    status, said = node.api("POST", "/runs", body, token=made["secret"])
    assert (status, said["code"]) == (403, "policy.denied")


def test_who_loses_the_right_to_an_input_gets_no_outputs(node, measured, tmp_path):
    guest = node.make_token("computing-guest@example.org")
    node.run("project", "create", "guests", "--token", guest)
    node.run("share", measured, "computing-guest@example.org", "reader")
    script = ["--", "sh", "-c", "cat $TSUNAGU_IN/a.csv > $TSUNAGU_OUT/copy; echo copied; sleep 12"]
    run = node.run(
        "run", measured, "--out", "guests/copy", "--detach", "--token", guest, *script
    ).stdout.strip()
    deadline = time.monotonic() + 30
    while "copied" not in node.run("logs", run, "--token", guest, check=False).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    node.run("share", measured, "computing-guest@example.org", "none")
    deadline = time.monotonic() + 30
    while (ended := [one for one in node.json("runs", "guests/copy", "--token", guest) if one["id"] == run])[
        0
    ]["outcome"] in {"", None}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert ended[0]["outcome"] == "failed"
    status, card = node.api("GET", "/datasets/guests/copy", token=guest)
    assert (status, card["versions"], card["draft"]["count"]) == (200, [], 0), (
        "what was read with a right that is gone is not handed out"
    )


def test_a_token_that_is_withdrawn_midway_ends_the_run_with_a_word(node, measured):
    made = node.json("token", "create", "midway", "--verb", "read", "--verb", "write")
    run = node.run(
        "run", measured, "--out", "lab/midway", "--detach", "--token", made["secret"],
        "--", "sh", "-c", "echo up; sleep 12; echo 1 > x",
    ).stdout.strip()  # fmt: skip
    deadline = time.monotonic() + 30
    while "up" not in node.run("logs", run).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (token,) = [one["id"] for one in node.json("token")["tokens"] if one["label"] == "midway"]
    node.run("token", "revoke", token)
    found = wait_for(node, run, {"failed"})
    assert (found["code"], found["version"]) == ("refused", None)
    assert "token" in found["sentence"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_code_from_a_git_bundle(node, measured, tmp_path):
    repository = tmp_path / "repository"
    (repository / "sub").mkdir(parents=True)
    (repository / "sub" / "say.sh").write_text("echo said by git\n")
    me = ["-c", "user.name=Hanako", "-c", "user.email=h@example.org"]
    for command in (
        ["init", "-q"],
        ["add", "."],
        [*me, "commit", "-qm", "x"],
        ["bundle", "create", "-q", "b.bundle", "HEAD"],
    ):
        subprocess.run(["git", *command], cwd=repository, check=True)
    bundle = str(repository / "b.bundle")
    for _twice in range(2):  # the second time it is there already
        done = shell(node, measured, "sh $TSUNAGU_CODE/sub/say.sh", "--code", bundle, "--out", "lab/by-git")
        assert done.stdout == "said by git\n"
    done = shell(
        node, measured, "true", "--code", "lab/by-git-code@1/b.bundle", "--out", "lab/by-git2", "--json"
    )
    assert json.loads(done.stdout)["state"] == "succeeded"
    (repository / "b.bundle").write_bytes(b"no bundle")
    done = shell(node, measured, "true", "--code", bundle, "--out", "lab/by-git", "--json", check=False)
    assert json.loads(done.stdout)["code"] == "input_unusable"


def test_what_a_run_used_is_measured_however_short_it_was(node, measured):
    script = "import os; pid = os.fork()\nx = b'1' * (150 << 20)\nsum(range(3_000_000))\nif pid: os.wait()"
    done = node.run("run", measured, "--out", "lab/used", "--json", "--", "python3", "-c", script)
    used = json.loads(done.stdout)["result"]
    assert used["peak_memory_bytes"] > 150 << 20
    assert 0.05 < used["cpu_s"] < 10 * used["duration_s"] + 1
    assert json.loads(done.stdout)["cpu_s"] == used["cpu_s"]
