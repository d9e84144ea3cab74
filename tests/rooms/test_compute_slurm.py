"""What is made of Slurm's words, with programs in its place that print them: why a run waits, and what was begun twice."""

from __future__ import annotations

import datetime as dt
import os
from datetime import timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.clients import client_of
from tests.rooms.test_compute import ask, frozen, message, result, walls
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import slurm_waits
from tsunagu.compute.jobs.desk import Desk
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.reasons import WAITS
from tsunagu.compute.jobs.slurm import Slurm
from tsunagu.core import clock
from tsunagu.core.settings import read

__all__ = ["frozen", "walls"]
SOON = (dt.datetime.now(dt.UTC) + timedelta(days=2)).replace(microsecond=0)
SOON_TEXT = SOON.strftime("%Y-%m-%dT%H:%M:%S")


class Cluster:
    """Slurm's programs as scripts that print a file each and note how they were called."""

    def __init__(self, home):
        self.home = home
        for name in ("sbatch", "squeue", "scancel", "scontrol", "sacct"):
            program = home / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(
                f'#!/bin/sh\necho "$TZ {name} $*" >> {home}/calls\ncat {home}/{name}.txt 2>/dev/null\nexit 0\n'
            )
            program.chmod(0o755)
        (home / "slurm.conf").touch()
        self.says("sbatch", "4711\n")

    def says(self, name, text):
        (self.home / f"{name}.txt").write_text(text)

    def calls(self, name):
        return [line for line in (self.home / "calls").read_text().splitlines() if f" {name} " in line]


@pytest.fixture(autouse=True)
def in_english():
    """Whatever language the page before was in."""
    with translation.override("en"):
        yield


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    made = Cluster(tmp_path)
    monkeypatch.setattr(os, "defpath", f"{tmp_path / 'bin'}:{os.defpath}")
    return made


@pytest.fixture
def desk(cluster, tmp_path):
    """The desk of a Slurm that is asked anew at each look."""
    node = read(
        tmp_path,
        {
            "TSUNAGU_SLURM_FOLDER": str(tmp_path / "shared"),
            "TSUNAGU_SLURM_CONF": str(tmp_path / "slurm.conf"),
            "TSUNAGU_SLURM_POLL_S": "0",
        },
    )
    return Desk("sandbox", Slurm(node))


@pytest.fixture
def handed(frozen, desk):
    """An owner and a run that Slurm has as its job 4711."""
    owner, _card = frozen
    run = ask(owner).run
    assert desk.claim() == 1
    return owner, run


def begun(run):
    return jobs.hear(run, *message(run, "beat"))


@pytest.mark.django_db
def test_why_a_run_waits_stands_on_its_page_in_rest_and_goes_when_it_begins(handed, desk, cluster):
    owner, run = handed
    assert jobs.get_job(owner, run).waiting is None
    cluster.says("squeue", f"4711|PENDING|{SOON_TEXT}|QOSMaxCpuPerUserLimit\n")
    desk.watch()
    waiting = jobs.get_job(owner, run).waiting
    assert (waiting.code, waiting.said) == ("limit", "QOSMaxCpuPerUserLimit")
    assert dt.datetime.fromisoformat(waiting.begins_at) == SOON
    assert cluster.calls("squeue")[-1].startswith("UTC0 "), "Slurm prints times without their zone"
    page = client_of(owner).get(f"/runs/{run}").content.decode()
    assert "A limit of the account or the queue is reached." in page
    assert "QOSMaxCpuPerUserLimit" in page
    assert f'<time datetime="{waiting.begins_at}"' in page
    page = client_of(owner, "ja").get(f"/runs/{run}").content.decode()
    assert "アカウントまたはキューの利用上限に達しています。" in page
    assert "開始予定:" in page
    told = client_of(owner).get(f"/api/v1/runs/{run}").json()
    assert told["waiting"] == {
        "code": "limit",
        "sentence": "A limit of the account or the queue is reached.",
        "said": "QOSMaxCpuPerUserLimit",
        "begins_at": waiting.begins_at,
    }
    begun(run)
    assert Job.objects.get(pk=run).waiting == {}
    assert jobs.get_job(owner, run).waiting is None


@pytest.mark.django_db
def test_a_reason_is_written_when_it_changes_and_cleared_when_the_run_ends(
    handed, desk, cluster, django_assert_num_queries
):
    owner, run = handed
    cluster.says("squeue", "4711|PENDING|N/A|Priority\n")
    desk.watch()
    with django_assert_num_queries(1):  # which jobs were handed over
        desk.watch()
    assert jobs.get_job(owner, run).waiting.code == "turn"
    cluster.says("squeue", "4711|PENDING|N/A|Resources\n")
    desk.watch()
    assert jobs.get_job(owner, run).waiting.code == "machines"
    jobs.cancel(owner, run)
    cluster.says("squeue", "4711|CANCELLED|N/A|None\n")
    desk.watch()
    assert jobs.get_job(owner, run).state == "cancelled"
    assert Job.objects.get(pk=run).waiting == {}


@pytest.mark.django_db
def test_what_slurm_has_begun_waits_no_more_although_it_has_not_spoken(handed, desk, cluster):
    owner, run = handed
    cluster.says("squeue", "4711|PENDING|N/A|Resources\n")
    desk.watch()
    cluster.says("squeue", "4711|RUNNING|2026-04-01T08:00:00|None\n")
    desk.watch()
    assert jobs.get_job(owner, run).waiting is None


@pytest.mark.django_db
def test_a_run_that_slurm_took_back_into_its_queue_is_not_begun_again(handed, desk, cluster):
    owner, run = handed
    cluster.says("squeue", "4711|RUNNING|2026-04-01T08:00:00|None\n")
    desk.watch()
    begun(run)
    cluster.says("squeue", "4711|PENDING|N/A|BeginTime\n")
    cluster.says("scontrol", "JobId=4711 JobState=PENDING Requeue=1 Restarts=1 BatchFlag=1 ExitCode=0:0\n")
    desk.watch()
    found = jobs.get_job(owner, run)
    assert (found.state, found.code, found.waiting) == ("uncertain", "scheduler_requeued", None)
    assert "preempted" in found.sentence
    assert cluster.calls("scancel")[-1].endswith("scancel 4711")
    Job.objects.filter(pk=run).update(heard_at=clock.now() - timedelta(days=1))
    desk.watch()
    found = jobs.get_job(owner, run)
    assert (found.state, found.code) == ("failed", "scheduler_requeued")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("JobState=PREEMPTED Reason=None Restarts=0 ExitCode=0:0", "scheduler_preempted"),
        ("JobState=PENDING Reason=BeginTime Restarts=1 ExitCode=0:0", "scheduler_requeued"),
        ("JobState=CANCELLED Reason=None Restarts=0 ExitCode=0:15", "scheduler_cancelled"),
        ("JobState=COMPLETED Reason=None Restarts=0 ExitCode=0:0", "stopped"),
        ("JobState=FAILED Reason=None Restarts=0 ExitCode=1:0", "stopped"),
    ],
)
def test_who_stopped_a_run_is_asked_of_slurm(handed, desk, cluster, monkeypatch, told, code):
    """The wrapper heard SIGTERM and says so; only Slurm knows that other work came first."""
    monkeypatch.setattr("tsunagu.compute.jobs.desk._EXPLAIN_EVERY_S", 0)
    owner, run = handed
    cluster.says("squeue", "4711|RUNNING|2026-04-01T08:00:00|None\n")
    desk.watch()
    begun(run)
    jobs.answer(jobs.hear(run, *message(run, "result", result=result(code="stopped", exit_code=None))))
    assert jobs.get_job(owner, run).code == "stopped"
    cluster.says("scontrol", "JobId=4711 JobState=COMPLETING Restarts=0 ExitCode=0:0\n")
    desk.watch()
    assert jobs.get_job(owner, run).code == "stopped", "Slurm cleans up and does not say yet"
    cluster.says("scontrol", f"JobId=4711 {told}\n")
    desk.watch()
    found = jobs.get_job(owner, run)
    assert (found.state, found.code) == ("failed", code)
    assert ("preempted" in found.sentence) == (code in {"scheduler_preempted", "scheduler_requeued"})
    assert bool(cluster.calls("scancel")) == (code == "scheduler_requeued")
    asked = len(cluster.calls("scontrol"))
    desk.watch()
    assert (len(cluster.calls("scontrol")) > asked) == (code == "stopped"), "what is known is not asked again"


@pytest.mark.django_db
def test_a_listing_from_before_its_first_word_does_not_make_a_run_vanish(handed, desk, cluster):
    owner, run = handed
    cluster.says("squeue", "4711|PENDING|N/A|Resources\n")
    desk.watch()
    begun(run)
    desk.executor._node = read(cluster.home, {"TSUNAGU_SLURM_POLL_S": "3600"})
    desk.watch()
    assert jobs.get_job(owner, run).state == "running"


STRANGE = """\
4711|PENDING|N/A|(null)
4712|PENDING|N/A|ReqNodeNotAvail, UnavailableNodes:c[01-04]
4713|PENDING|N/A|Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions
4714|PENDING|Unknown|ask bob | room 4|or me
4715|PENDING|2026-04-01T08:00:00|Priority
4716_0|PENDING|N/A|JobArrayTaskLimit
4716_12|CONFIGURING|2026-04-01T08:00:00|None
4717|PENDING|N/A|launch failed requeued held
4718|PENDING
4719|RUNNING|2026-04-01T08:00:00|a reason with
a line break|N/A|4720
slurm_load_jobs error: Unable to contact
squeue: warning|x|y|z

"""


def test_strange_lines():
    rows = slurm_waits.rows_of(STRANGE)
    now = clock.now()
    waits = {number: row.wait(now) for number, row in rows.items()}
    assert {number: wait.code if wait else "" for number, wait in waits.items()} == {
        "4711": "unseen",
        "4712": "down",
        "4713": "down",
        "4714": "other",
        "4715": "turn",
        "4716_0": "limit",
        "4716_12": "readying",
        "4717": "held_admin",
        "4718": "unseen",
        "4719": "",
    }
    assert waits["4711"].facts["said"] == ""
    assert waits["4714"].facts["said"] == "ask bob | room 4|or me"
    assert {wait.begins_at for wait in waits.values() if wait} == {None}, (
        "a plan that has passed says nothing"
    )


@pytest.mark.parametrize(
    ("reason", "group"),
    [
        ("Resources", "machines"),
        ("Priority", "turn"),
        ("QOSMaxJobsPerUserLimit", "limit"),
        ("QOSGrpCpuLimit", "limit"),
        ("AssocGrpCPUMinutesLimit", "limit"),
        ("AssocMaxJobsLimit", "limit"),
        ("MaxCpuPerAccount", "limit"),
        ("QOSMaxCpuPerJobLimit", "refused"),
        ("QOSMaxWallDurationPerJobLimit", "refused"),
        ("AssocMaxWallDurationPerJobLimit", "refused"),
        ("AssocMaxCpuPerNode", "refused"),
        ("QOSMinMemory", "refused"),
        ("PartitionTimeLimit", "refused"),
        ("PartitionDown", "down"),
        ("PartitionInactive", "down"),
        ("NodeDown", "down"),
        ("Dependency", "dependency"),
        ("DependencyNeverSatisfied", "dependency_never"),
        ("BeginTime", "begin"),
        ("JobHeldUser", "held_user"),
        ("JobHeldAdmin", "held_admin"),
        ("job_requeued_in_held_state", "held_admin"),
        ("Licenses", "licenses"),
        ("Reservation", "reservation"),
        ("Cleaning", "readying"),
        ("None", "unseen"),
        ("SomethingNew", "other"),
    ],
)
def test_the_groups_of_reasons(reason, group):
    assert slurm_waits.group_of(reason) == group
    assert group in WAITS


@given(st.text(), st.sampled_from(["PENDING", "REQUEUE_HOLD", "RUNNING"]))
def test_whatever_a_reason_says_its_job_is_known_and_its_word_can_be_kept(reason, state):
    """A job that is missing from the listing would count as gone; the database takes no null signs."""
    rows = slurm_waits.rows_of(f"1|RUNNING|N/A|None\n4711_3|{state}|N/A|{reason}\n2|PENDING|N/A|Priority")
    assert {"1", "2", "4711_3"} <= rows.keys()
    wait = rows["4711_3"].wait(clock.now())
    assert (wait is None) == (state == "RUNNING")
    if wait is not None:
        assert wait.code in WAITS
        assert wait.facts["said"].isprintable()
        assert len(wait.facts["said"]) <= 200
