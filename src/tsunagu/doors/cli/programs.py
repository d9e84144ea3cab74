"""Programs that may ask people of this node for access, at the shell of the node."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from dataclasses import asdict, replace

import django

from tsunagu.core.errors import InvalidInputError


def program(options: argparse.Namespace) -> int:
    """``register NAME``, ``invite``, ``list``, ``withdraw CLIENT_ID``."""
    django.setup()
    from tsunagu.doors.cli.up import prepare_database
    from tsunagu.foundation.identity import api as identity

    prepare_database()
    operator = replace(identity.SYSTEM, is_admin=True)  # whoever has the shell has the node
    if options.what == "list":
        rows = [asdict(card) for card in identity.programs()]
        if options.json:
            print(json.dumps({"programs": rows}, ensure_ascii=False, indent=2))
        for row in [] if options.json else rows:
            print(f"{row['id']:<28} {row['name']}  ({', '.join(row['verbs']) or 'sign-in only'})")
        return 0
    if options.what == "invite":
        verbs = tuple(options.verb or ["read"])
        print(identity.invite_program(operator, lifetime=dt.timedelta(days=options.days), verbs=verbs))
        return 0
    if not options.name:
        raise InvalidInputError(f"program {options.what} needs a name.")
    if options.what == "withdraw":
        print(identity.withdraw_program(operator, options.name).name)
        return 0
    grants = [identity.REFRESH]
    grants += [identity.CODE] if options.redirect else []
    grants += [identity.DEVICE] if options.device else []
    made, secret = identity.register_program(
        operator,
        options.name,
        redirect_uris=tuple(options.redirect),
        grants=tuple(grants),
        verbs=tuple(options.verb or ["read"]),
        is_public=not options.confidential,
        is_agent=options.agent,
        resource=options.resource,
    )
    if options.json:
        print(json.dumps({**asdict(made), "secret": secret}, ensure_ascii=False, indent=2))
    else:
        print(f"client_id      {made.id}")
        if secret:
            print(f"client_secret  {secret}  (shown this once)")
    return 0
