"""``tsunagu compute``: computers that nodes lend each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.compute_commands import BYTES, amount, limits
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.progress import size
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output
    from tsunagu.client.workspace import Client

_NAMED = {"offer", "withdraw", "site", "close", "end", "places"}


def run_compute(options: argparse.Namespace, output: Output) -> None:
    """Do one of the actions and show what came of it."""
    if options.action in _NAMED and not options.name:
        raise UsageError(
            text("compute_name_missing", action=options.action), remedy=text("help_compute_name")
        )
    with connect(options.url, options.token) as client:
        found = _ACTIONS[options.action](client, options)
    if output.as_json:
        output.json(found)
        return
    if options.action == "own":
        output.table((text(f"compute_{name}"), found[name]) for name in found)
    elif "places" in found:
        output.table(
            (
                one["name"],
                one["title"],
                text("answer_allow" if one["may"] else "answer_deny"),
                " ".join(one["reasons"]),
            )
            for one in found["places"]
        )
    elif "guests" in found:
        output.table(
            (one["run"], text(f"state_{one['state']}"), one["partner"], one["asker"], f"{one['cpu_s']:,.1f} s",
             one["asked_at"], one["sentence"])
            for one in found["guests"]
        )  # fmt: skip
    elif "offers" in found:
        output.table(_offer(one) for one in found["offers"])
    else:
        output.table(
            (one["name"], one["title"], one["address"], one["country"], one["fingerprint"])
            for one in found["sites"]
        )


def _offer(one: dict[str, Any]) -> tuple[str, ...]:
    state = "open" if one["is_open"] else "withdrawn" if one["is_withdrawn"] else "over"
    left = one["left"]
    return (
        one["id"],
        one["title"],
        text(f"offer_{state}"),
        one["last_day"],
        text("offer_left", cpu=f"{left['cpu_s'] / 3600:,.1f}", output=size(left["output_bytes"])),
        one["fingerprint"],
    )


def _make_offer(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    given = {
        "slots": options.slots,
        "cpu_s": options.cpu_s,
        "memory_gb_h": options.memory_gb_h,
        "output_bytes": amount(options.output_bytes, BYTES),
        "input_bytes": amount(options.input_bytes, BYTES),
    }
    content = {
        "title": options.name,
        "address": options.address,
        "bytes_address": options.bytes_address,
        "public_key": options.key,
        "until": options.until,
        "executor": options.executor,
        "limits": limits(options),
        **{name: value for name, value in given.items() if value is not None},
    }
    return {"offers": [client.node.post("/compute/offers", content)]}


def _add_site(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    levels = {}
    for said in options.levels:
        name, equals, value = said.partition("=")
        if not (name and equals and value):
            raise UsageError(text("bad_parameter", said=said), remedy="--may LABEL=LEVEL")
        levels[name] = value
    content = {
        "name": options.name,
        "title": options.title or options.name,
        "address": options.address,
        "public_key": options.key,
        "country": options.country,
        "levels": levels,
        "takes_sealed": options.sealed,
    }
    return {"sites": [client.node.post("/compute/sites", content)]}


def _place(name: str) -> str:
    return quote(name, safe="")


_ACTIONS: dict[str, Any] = {
    "own": lambda client, _options: client.node.get("/compute/own"),
    "offers": lambda client, _options: client.node.get("/compute/offers"),
    "offer": _make_offer,
    "withdraw": lambda client, options: client.node.post(f"/compute/offers/{_place(options.name)}/withdraw"),
    "sites": lambda client, _options: client.node.get("/compute/sites"),
    "site": _add_site,
    "close": lambda client, options: {
        "sites": [client.node.delete(f"/compute/sites/{_place(options.name)}")]
    },
    "guests": lambda client, _options: {"guests": list(client.node.pages("/compute/guests", "guests"))},
    "end": lambda client, options: {
        "guests": [client.node.post(f"/compute/guests/{_place(options.name)}/end")]
    },
    "places": lambda client, options: client.node.get(f"{dataset_path(options.name)}/places"),
}
