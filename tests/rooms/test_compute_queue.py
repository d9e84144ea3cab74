"""The queue of jobs: fair between projects, bounded by slots, and what becomes of jobs without an environment."""

from __future__ import annotations

import pytest

from tests.rooms.test_compute import ask, frozen, member, walls
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs.executors import Executor
from tsunagu.compute.jobs.models import Job
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
