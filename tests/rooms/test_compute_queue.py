"""The queue of jobs: fair between projects, bounded by slots, and what becomes of jobs without an environment."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections

from tests.rooms.test_compute import ask, frozen, member, walls
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import folders
from tsunagu.compute.jobs.errors import ExecutorAwayError
from tsunagu.compute.jobs.executors import Executor
from tsunagu.compute.jobs.hearing import secret_of
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.runner.api import sign
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db
__all__ = ["frozen", "walls"]


class Place(Executor):
    """An executor that only remembers what it got."""

    def __init__(self, slots=1):
        self.slots, self.got = slots, []

    def problem(self):
        return ""

    def prepare(self):
        pass

    def submit(self, submission):
        assert submission.job_file.stat().st_mode & 0o777 == 0o600
        self.got.append(submission.run)
        return submission.run

    def cancel(self, handle, folder):
        pass

    def look(self, handle, folder):
        return "alive"


def test_nobodys_hundred_jobs_keep_another_ones_away(frozen, person):
    owner, _card = frozen
    many = [ask(owner, output=f"lab/o{n}").run for n in range(5)]
    actor = member(owner, person, "helper", policy.Role.READER)
    datasets.create_project(actor, "own")
    late = ask(actor, output="own/out").run
    place = Place()
    supervisor = jobs.Supervisor({"sandbox": place})
    for _turn in range(6):
        supervisor.claim()
        Job.objects.filter(pk=place.got[-1]).update(state="succeeded")
    assert place.got == [many[0], late, *many[1:]]


def test_no_more_than_its_slots(frozen):
    owner, _card = frozen
    for n in range(3):
        ask(owner, output=f"lab/o{n}")
    place = Place(slots=2)
    supervisor = jobs.Supervisor({"sandbox": place})
    assert supervisor.claim() == 2
    assert supervisor.claim() == 0


def test_a_job_of_an_environment_that_cannot_be_built_fails_with_the_reason(frozen, monkeypatch):
    from tsunagu.compute.environments.models import Environment

    owner, _card = frozen
    job = ask(owner, lock=f"numpy==1.0 --hash=sha256:{'ab' * 32}")
    place = Place()
    supervisor = jobs.Supervisor({"sandbox": place})
    assert supervisor.claim() == 0, "it waits for its environment"
    Environment.objects.update(state="failed", reason="no such wheel")
    supervisor.claim()
    found = jobs.get_job(owner, job.run)
    assert (found.state, found.code) == ("failed", "no_environment")
    assert "no such wheel" in found.sentence


def test_a_folder_in_memory_that_somebody_else_made_is_not_used(tmp_path, monkeypatch):
    """Everybody may make folders in /dev/shm: one that is open, or a link to somewhere, gets nothing."""
    monkeypatch.setattr(folders, "_MEMORY", tmp_path)
    assert folders.made_in_memory().stat().st_mode & 0o777 == 0o700
    folders.in_memory().chmod(0o755)
    with pytest.raises(folders.NotOursError):
        folders.made_in_memory()
    folders.in_memory().rmdir()
    folders.in_memory().symlink_to(tmp_path)
    with pytest.raises((folders.NotOursError, FileExistsError)):
        folders.made_in_memory()
    assert "no file system in memory" in folders.memory_problem(1)


def test_a_job_that_a_place_cannot_take_just_now_waits(frozen):
    class Away(Place):
        def submit(self, submission):
            raise ExecutorAwayError

    owner, _card = frozen
    job = ask(owner)
    supervisor = jobs.Supervisor({"sandbox": Away()})
    assert supervisor.claim() == 0
    assert jobs.get_job(owner, job.run).state == "queued"


def test_a_job_counts_as_running_when_its_wrapper_speaks(frozen):
    owner, _card = frozen
    job = ask(owner)
    place = Place()
    supervisor = jobs.Supervisor({"sandbox": place})
    supervisor.claim()
    found = jobs.get_job(owner, job.run)
    assert (found.state, found.started_at) == ("submitted", None)
    body = json.dumps({"run": job.run, "number": 1, "do": "order"}).encode()
    jobs.hear(job.run, body, sign(secret_of(job.run), body))
    found = jobs.get_job(owner, job.run)
    assert found.state == "running"
    assert found.started_at


def test_many_are_asked_for_together_all_or_none(frozen, officer):
    owner, _card = frozen
    wanted = jobs.Wanted(inputs=("lab/data",), command=("true",), parameters={"a": 1})
    made = jobs.submit_each(owner, wanted, "n", [3, "x"])
    assert [dict(one.parameters) for one in made] == [
        {"a": 1, "n": 3, "array_index": 0},
        {"a": 1, "n": "x", "array_index": 1},
    ]
    assert {one.array_id for one in made} == {made[0].run}
    for name, values in (
        ("a", [1]),
        ("array_index", [1]),
        ("n", []),
        ("n", [1] * 1001),
        ("n", [float("nan")]),
    ):
        with pytest.raises(jobs.BadJobError):
            jobs.submit_each(owner, wanted, name, values)
    limits = jobs.Limits(duration_s=10)
    jobs.allocate(officer, "lab", cpu_s=1230.0, memory_gb_h=100, output_bytes=10**12)
    count = Job.objects.count()
    with pytest.raises(jobs.BudgetExceededError):
        jobs.submit_each(owner, replace(wanted, limits=limits), "n", [1, 2, 3, 4])
    assert Job.objects.count() == count
    assert [one.state for one in jobs.cancel_array(owner, made[0].run)] == ["cancelled", "cancelled"]


def test_a_job_whose_place_stands_in_the_settings_no_more_is_settled(frozen):
    owner, _card = frozen
    job = ask(owner)
    jobs.Supervisor({"sandbox": Place()}).claim()
    supervisor = jobs.Supervisor({"elsewhere": Place()})
    supervisor.watch()
    assert jobs.get_job(owner, job.run).state == "submitted", "it may speak yet"
    Job.objects.filter(pk=job.run).update(heard_at=clock.now() - timedelta(days=1))
    supervisor.watch()
    assert jobs.get_job(owner, job.run).code == "lost"


@pytest.mark.django_db(transaction=True)
def test_a_place_that_does_not_answer_keeps_no_other_ones_jobs_waiting(frozen):
    answers = threading.Event()

    class Slow(Place):
        def problem(self):
            answers.wait(60)
            return ""

    class Quick(Place):
        answers_at_once = True

    owner, _card = frozen
    job = ask(owner)
    slow, quick = Slow(), Quick()
    supervisor = jobs.Supervisor({"slow": slow, "sandbox": quick})

    def run():
        try:
            supervisor.run()
        finally:
            connections.close_all()

    loop = threading.Thread(target=run)
    loop.start()
    try:
        deadline = time.monotonic() + 50
        while not quick.got:
            assert loop.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert quick.got == [job.run]
        assert not answers.is_set()
    finally:
        answers.set()
        supervisor.stop()
        loop.join()


@pytest.mark.django_db(transaction=True)
def test_a_mistake_at_a_slow_place_is_not_passed_over(frozen):
    class Broken(Place):
        def problem(self):
            raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        jobs.Supervisor({"slow": Broken()}).run()
