"""A published version, a repository, and a node that works when a test says so."""

from __future__ import annotations

import datetime as dt

from tests.rooms.publication_worlds import run_queued
from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing import api as depositing
from tsunagu.data.depositing import services
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication


class World:
    """All of it; ``weko`` is the server, ``id`` the publication."""

    def __init__(self, server, at, owner, configure):
        self.weko, self.at, self.owner, self.configure = server, at, owner, configure
        self.id = ""

    def deposit(self, **more):
        return depositing.deposit(self.owner, self.id, "ir", **more)

    def work(self, *, minutes=0, rounds=1):
        for _ in range(rounds):
            self.at(clock.now() + dt.timedelta(minutes=minutes))
            run_queued()
            depositing.deliver_due()

    @property
    def card(self):
        (found,) = depositing.deposits_of(self.owner, self.id)
        return found

    def steps(self):
        return [one.step for one in publication.entries_of(self.owner, self.id) if "deposit" in one.step]

    def follow(self):
        services.follow(self.id)

    def row(self, **more):
        account = {**settings.current().repositories[0], **more}
        self.configure(repositories=(account,))

    def correct(self, title):
        """Give the record another title."""
        card = datasets.get_dataset(self.owner, "lab", "data")
        description.set_value(self.owner, card.id, "title_en", title)
        publication.correct(self.owner, self.id, "A better title.")
        self.follow()
