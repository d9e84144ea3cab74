"""People at the shell of the node: tokens and one-time links."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from dataclasses import asdict

import django

from tsunagu.core import settings
from tsunagu.doors.cli.running import running_node


def admin(options: argparse.Namespace) -> int:
    """``token EMAIL`` prints an access token alone; ``link EMAIL`` a one-time address that opens the account."""
    django.setup()
    from tsunagu.doors.cli.up import prepare_database
    from tsunagu.foundation.identity import api as identity

    prepare_database()
    person = identity.ensure_person(options.email, is_admin=options.admin or not identity.has_people())
    if options.what == "token":
        print(
            identity.issue_token(
                person.id, label="tsunagu admin token", lifetime=dt.timedelta(days=options.days)
            )
        )
    elif options.what == "link":
        # A running node knows its port; it may have been given on its command line.
        running = running_node(settings.current().home)
        address = running.control if running and running.control else settings.current().control_address
        print(f"{address}/welcome/{identity.make_sign_in_link(person.id)}")
    else:
        print(person.id)
    return 0


def sweep(options: argparse.Namespace) -> int:
    """Remove objects that no row names and that are old enough."""
    del options
    django.setup()
    from tsunagu.doors.upkeep import sweep_now

    print(sweep_now())
    return 0


def federation(options: argparse.Namespace) -> int:
    """Refresh every metadata feed; exit code 1 when one of them has no copy that is valid now."""
    django.setup()
    from tsunagu.doors.cli.up import prepare_database
    from tsunagu.foundation.identity import api as identity

    prepare_database()
    cards = identity.refresh_feeds()
    if options.json:
        print(json.dumps([asdict(card) for card in cards], ensure_ascii=False, indent=2))
    else:
        for card in cards:
            until = card.valid_until or "-"
            print(f"{card.state:<8} {card.name:<20} {card.entity_count:>6} providers, valid until {until}")
            if card.problem:
                print(f"{'':8} {card.problem}")
        if not cards:
            print("No feeds are set; docs/how-to/join-a-federation.md says how.")
    return int(any(card.state in {"never", "expired"} for card in cards))
