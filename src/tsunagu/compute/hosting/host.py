"""Starts, watches and ends runs of partner nodes; the supervisor of jobs calls it twice a second."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from tsunagu.compute.environments import api as environments
from tsunagu.compute.hosting.models import Guest
from tsunagu.compute.hosting.selectors import OPEN
from tsunagu.compute.hosting.settling import close, settle
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs.api import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner import api as runner
from tsunagu.core import clock, egress, settings
from tsunagu.core.errors import TsunaguError

logger = logging.getLogger(__name__)

_KILL_AFTER_S = 15.0
_BEYOND_S = 3600.0  # for fetching and delivering, beside the time of the command


@dataclass(slots=True)
class Host:
    """What it knows is in the database and in the runs' folders, so it may be killed at any moment.

    Attributes:
        executors: Place -> what runs there; not those of the node's own jobs, whose slots are their own.
    """

    executors: Mapping[str, jobs.Executor] = field(default_factory=lambda: {"sandbox": jobs.Sandbox(0)})
    _cancelled_at: dict[str, float] = field(default_factory=dict)

    def attend(self) -> None:
        """Look at every open run once."""
        offers: dict[str, partners.OfferCard] = {}
        for guest in Guest.objects.filter(state__in=OPEN).order_by("asked_at", "pk"):
            offer = offers.setdefault(guest.offer_id, partners.get_offer(guest.offer_id))
            if guest.state == State.QUEUED:
                self._start(guest, offer)
            else:
                self._watch(guest, offer)
        self._clean()

    def stop(self) -> None:
        """End the wrappers that run here; they tell their partners."""
        for guest in Guest.objects.filter(state=State.RUNNING).exclude(handle=""):
            self.executors[guest.executor].cancel(guest.handle, folder_of(guest.run_id))

    def _start(self, guest: Guest, offer: partners.OfferCard) -> None:
        if not offer.is_open:
            self._close(guest, State.CANCELLED, "withdrawn")
            return
        running = Guest.objects.filter(offer_id=offer.id, state__in=(State.RUNNING, State.UNCERTAIN)).count()
        executor = self.executors[guest.executor]
        if running >= offer.slots or executor.problem():
            return
        if guest.environment_hash:
            state, why = environments.state_of(guest.environment_hash)
            if state == "failed":
                self._close(guest, State.FAILED, "no_environment", why=why)
            if state != "ready":
                return
        try:
            # The administrator named them, but what their names lead to may have changed.
            egress.check(offer.address)
            egress.check(offer.bytes_address)
        except TsunaguError as error:
            self._close(guest, State.FAILED, "machine_failed", why=error.message)
            return
        claimed = Guest.objects.filter(pk=guest.pk, state=State.QUEUED)
        if not claimed.update(state=State.RUNNING, started_at=clock.now()):
            return
        self._submit(executor, guest, offer)

    def _submit(self, executor: jobs.Executor, guest: Guest, offer: partners.OfferCard) -> None:
        folder, limits = folder_of(guest.run_id), jobs.Limits(**guest.limits)
        runner.remove(folder)
        bounds = runner.Bounds(limits, offer.input_bytes, (offer.address, offer.bytes_address), guest.run_id)
        built = str(environments.folder_of(guest.environment_hash)) if guest.environment_hash else ""
        job_file = runner.JobFile(
            offer.address, guest.partner_run, guest.secret, str(folder), environment=built, bounds=bounds
        ).write()
        try:
            handle = executor.submit(jobs.Submission(guest.run_id, job_file, folder, limits, guest.asker))
        except (jobs.NoExecutorError, OSError) as error:
            logger.exception("guest_not_started", extra={"run": guest.run_id})
            self._close(guest, State.FAILED, "machine_failed", why=str(error))
            return
        Guest.objects.filter(pk=guest.pk).update(handle=handle)

    def _watch(self, guest: Guest, offer: partners.OfferCard) -> None:
        executor, folder = self.executors[guest.executor], folder_of(guest.run_id)
        if guest.handle and executor.look(guest.handle, folder) == "alive":
            if guest.state == State.UNCERTAIN:
                Guest.objects.filter(pk=guest.pk, state=State.UNCERTAIN).update(state=State.RUNNING)
            over_s = (clock.now() - (guest.started_at or clock.now())).total_seconds()
            is_late = over_s > guest.limits["duration_s"] + _BEYOND_S
            if guest.is_withdrawn or not offer.is_open or is_late:
                (folder / runner.WITHDRAWN_FILE).touch()
                executor.cancel(guest.handle, folder)
            elif guest.is_cancelled:
                # The wrapper hears of it from its own control; one that hears nothing any more is ended here.
                since = self._cancelled_at.setdefault(guest.run_id, time.monotonic())
                if time.monotonic() - since > _KILL_AFTER_S:
                    executor.cancel(guest.handle, folder)
        elif not self._settle_left(guest, folder):
            self._doubt(guest)

    def _settle_left(self, guest: Guest, folder: Path) -> bool:
        try:
            left = json.loads((folder / runner.RESULT_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        with transaction.atomic():
            held = Guest.objects.select_for_update().get(pk=guest.pk)
            return State(held.state).is_over or settle(held, left)

    def _doubt(self, guest: Guest) -> None:
        if guest.state == State.RUNNING:
            changed = Guest.objects.filter(pk=guest.pk, state=State.RUNNING)
            changed.update(state=State.UNCERTAIN, vanished_at=clock.now())
            logger.warning("guest_vanished", extra={"run": guest.run_id})
        elif (
            clock.now() - (guest.vanished_at or clock.now())
        ).total_seconds() > settings.current().compute_lost_s:
            self._close(guest, State.CANCELLED if guest.is_cancelled else State.FAILED, "lost")

    def _close(self, guest: Guest, state: State, code: str, *, why: str = "") -> None:
        with transaction.atomic():
            held = Guest.objects.select_for_update().get(pk=guest.pk)
            if not State(held.state).is_over:
                close(held, state, code, why=why)

    def _clean(self) -> None:
        """Remove the folders of runs that are over, and results that their partners had time enough to ask for."""
        root = settings.current().spool / "guests"
        if not root.is_dir():
            return
        names = [place.name for place in root.iterdir()]
        open_ones = set(Guest.objects.filter(pk__in=names, ended_at=None).values_list("pk", flat=True))
        for name in names:
            if name not in open_ones and not runner.is_alive(root / name):
                runner.remove(root / name)
                self._cancelled_at.pop(name, None)
        long_ago = clock.now() - dt.timedelta(seconds=settings.current().compute_site_lost_s)
        Guest.objects.filter(ended_at__lt=long_ago).exclude(left={}).update(left={})


def folder_of(run_id: str) -> Path:
    """Where the files of a partner's run lie while it goes on."""
    return settings.current().spool / "guests" / run_id
