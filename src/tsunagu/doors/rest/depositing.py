"""Deposits of published versions in repositories."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from tsunagu.data.depositing import api as depositing
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["publication"])


class DepositWish(Input):
    """Into which repository; of a deposit whose answer was lost, what somebody found there."""

    to: str = Field(description="Name of the repository")
    found_at: str = Field(
        "", description="It is there: its address, as https://repository.example.ac.jp/sword/deposit/123"
    )
    is_absent: bool = Field(default=False, description="It is not there: send it again")


class Deposit(Schema):
    """What became of a publication in a repository."""

    id: str
    publication: str
    place: str
    version: int
    repository: str
    title: str
    state: str = Field(
        description="waiting, sending, unknown, held (at the repository), done, refused or withdrawn"
    )
    is_removal: bool = Field(description="It is to be taken out of the repository")
    needs_person: bool = Field(description="Nobody knows whether it arrived; found_at or is_absent says so")
    held_since: str
    item_url: str
    activity_url: str
    deposit_url: str
    attempts: int
    next_try_at: str
    last_status: int
    last_error: str
    has_files: bool = Field(description="Otherwise the description with a link")
    done_at: str


class DepositList(Schema):
    """Deposits of a publication, and the repositories into which it can go."""

    deposits: list[Deposit]
    repositories: list[str]


@router.get("/deposits/{publication}", response=DepositList)
def list_deposits(request: HttpRequest, publication: str) -> Any:
    """What became of a publication in repositories."""
    actor = actor_of(request)
    return {
        "deposits": [asdict(one) for one in depositing.deposits_of(actor, publication)],
        "repositories": [one.name for one in depositing.repositories_for(actor, publication)],
    }


@router.post("/deposits/{publication}", response={202: Deposit})
def deposit(request: HttpRequest, publication: str, body: DepositWish) -> Any:
    """Have a published version deposited, or brought up to date; it is sent afterwards, as often as it takes."""
    made = depositing.deposit(
        require_actor(request), publication, body.to, found_at=body.found_at, is_absent=body.is_absent
    )
    return Status(202, asdict(made))
