"""Environments of jobs that nobody uses any more."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from tsunagu.compute.environments import api as environments
from tsunagu.compute.environments.models import Environment
from tsunagu.core import clock

pytestmark = pytest.mark.django_db
_DAY_S = 86_400


@pytest.fixture
def installed():
    """Two that are ready: one was used yesterday, one half a year ago."""
    made = []
    for name, days in (("a", 1), ("b", 180)):
        row = Environment.objects.create(
            lock_hash=name * 64, lock="numpy==1", state="ready", asked_at=clock.now()
        )
        folder = environments.folder_of(row.lock_hash)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        os.utime(folder, (time.time() - days * _DAY_S,) * 2)
        made.append(row.lock_hash)
    yield made
    for one in made:
        shutil.rmtree(environments.folder_of(one), ignore_errors=True)


def test_what_no_run_used_for_long_goes_and_comes_back_when_it_is_asked_for(installed):
    fresh, old = installed
    assert environments.remove_unused() == 1
    assert environments.state_of(fresh) == ("ready", "")
    assert not environments.folder_of(old).exists()
    assert environments.next_waiting() == "", "nobody asked"
    assert environments.state_of(old) == ("waiting", ""), "a job asks"
    assert environments.next_waiting() == old


def test_what_a_job_gets_stays(installed):
    for one in installed:
        environments.used(one)
    environments.used("c" * 64)  # never installed
    assert environments.remove_unused() == 0


def test_nothing_goes_where_nothing_shall(installed, configure):
    configure(environments_unused_days=0)
    assert environments.remove_unused() == 0
