"""What this node lends to other nodes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import zoneinfo
from dataclasses import asdict
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from tsunagu.compute.partners.errors import BadPartnerError, NameTakenError, NoSuchPartnerError
from tsunagu.compute.partners.models import Offer
from tsunagu.compute.partners.types import NewOffer, OfferCard, OwnCard
from tsunagu.compute.runner.api import Limits
from tsunagu.core import clock, egress, settings
from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_MOST = 10.0**15
_MOST_SLOTS = 1000
_LONGEST_TITLE = 200
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def own_card(actor: Actor) -> OwnCard:
    """What the administrators of a partner node enter about this one.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    node = settings.current()
    key = ledger.public_bytes(ledger.signing_key("partner"))
    text = base64.b64encode(key).decode()
    return OwnCard(node.node_name, node.control_address, node.bytes_address, text, fingerprint(text))


def fingerprint(public_key: str) -> str:
    """A key in a form that people can read to each other: eight groups of four hexadecimal digits."""
    digits = hashlib.sha256(ledger.public_key_of(public_key)).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def offer(actor: Actor, wanted: NewOffer, *, executors: tuple[str, ...]) -> OfferCard:
    """Lend to another node.

    Args:
        actor: Who.
        wanted: What.
        executors: The names of those that there are.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        BadPartnerError: an address, the key, a limit, an amount or the end cannot be.
        EgressRefusedError: this node does not speak to such an address.
        NameTakenError: there is an offer for that key.
    """
    policy.require(actor, "node.admin", policy.NODE)
    until = _checked_terms(wanted, executors)
    key_id = ledger.key_id(checked_key(wanted.public_key))
    try:
        with transaction.atomic():
            made = Offer.objects.create(
                uid=new_id(),
                title=checked_title(wanted.title),
                address=checked_address(wanted.address),
                bytes_address=checked_address(wanted.bytes_address),
                public_key=wanted.public_key.strip(),
                key_id=key_id,
                executor=wanted.executor,
                limits=asdict(wanted.limits),
                input_bytes=wanted.input_bytes,
                slots=wanted.slots,
                cpu_s=wanted.cpu_s,
                memory_gb_h=wanted.memory_gb_h,
                output_bytes=wanted.output_bytes,
                until=until,
                made_by=actor.id,
                made_at=clock.now(),
            )
            said = {
                "offer": made.uid,
                "address": made.address,
                "key": key_id,
                "executor": made.executor,
                "limits": made.limits,
                "cpu_s": made.cpu_s,
                "memory_gb_h": made.memory_gb_h,
                "output_bytes": made.output_bytes,
                "until": clock.isoformat(until),
            }
            runs.record(actor, "offer_compute", parameters=said)
    except IntegrityError:
        raise NameTakenError from None
    return card_of(made)


def _checked_terms(wanted: NewOffer, executors: tuple[str, ...]) -> dt.datetime:
    """Go on only with amounts, limits and a place that can be; when the offer ends."""
    amounts = (wanted.cpu_s, wanted.memory_gb_h, wanted.output_bytes, wanted.input_bytes)
    if not all(0 <= amount <= _MOST for amount in amounts) or not 1 <= wanted.slots <= _MOST_SLOTS:
        raise BadPartnerError("An amount of the offer is negative or too large.")
    if wanted.executor not in executors:
        raise BadPartnerError("The offer names a place that is not there.", remedy=", ".join(executors))
    if any(not 1 <= value <= _MOST for value in asdict(wanted.limits).values()):
        raise BadPartnerError("A limit of the offer is not positive or too large.")
    try:
        until = clock.end_of(wanted.until, settings.current().time_zone)
    except ValueError:
        raise BadPartnerError(f"{wanted.until[:20]!r} is no day (YYYY-MM-DD).") from None
    if until <= clock.now():
        raise BadPartnerError("The offer would have ended already.")
    return until


@transaction.atomic
def withdraw(actor: Actor, offer_id: str) -> OfferCard:
    """End an offer at once; runs under it are ended by ``hosting``.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchPartnerError: there is no such offer in force.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not Offer.objects.filter(pk=offer_id, withdrawn_at=None).update(withdrawn_at=clock.now()):
        raise NoSuchPartnerError
    runs.record(actor, "withdraw_offer", parameters={"offer": offer_id})
    return card_of(Offer.objects.get(pk=offer_id))


def list_offers(actor: Actor) -> list[OfferCard]:
    """Every offer, those in force first.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    found = [card_of(row) for row in Offer.objects.order_by("-made_at")[:500]]
    return sorted(found, key=lambda one: not one.is_open)


def get_offer(offer_id: str) -> OfferCard:
    """One offer, for other rooms.

    Raises:
        NoSuchPartnerError: there is none.
    """
    row = Offer.objects.filter(pk=offer_id).first()
    if row is None:
        raise NoSuchPartnerError
    return card_of(row)


def offers_to(public_key: str) -> list[str]:
    """Ids of every offer that the node with this key ever had: runs under an earlier one are still its runs."""
    key_id = ledger.key_id(ledger.public_key_of(public_key))
    return list(Offer.objects.filter(key_id=key_id).values_list("pk", flat=True))


def lock_offer(offer_id: str) -> OfferCard:
    """The same, held until the transaction ends: two requests at once must not both take the rest of a budget."""
    return card_of(Offer.objects.select_for_update().get(pk=offer_id))


def card_of(row: Offer) -> OfferCard:
    """A row as others see it."""
    is_withdrawn = row.withdrawn_at is not None
    return OfferCard(
        id=row.uid,
        title=row.title,
        address=row.address,
        bytes_address=row.bytes_address,
        public_key=row.public_key,
        fingerprint=fingerprint(row.public_key),
        executor=row.executor,
        limits=Limits(**row.limits),
        input_bytes=row.input_bytes,
        slots=row.slots,
        cpu_s=row.cpu_s,
        memory_gb_h=row.memory_gb_h,
        output_bytes=row.output_bytes,
        until=row.until,
        last_day=(row.until - dt.timedelta(seconds=1))
        .astimezone(zoneinfo.ZoneInfo(settings.current().time_zone))
        .date()
        .isoformat(),
        is_open=not is_withdrawn and row.until > clock.now(),
        is_withdrawn=is_withdrawn,
    )


def checked_key(text: str) -> bytes:
    """The key that somebody entered.

    Raises:
        BadPartnerError: it is none.
    """
    try:
        return ledger.public_key_of(text.strip())
    except ValueError:
        raise BadPartnerError("The public key is no Ed25519 key in Base64 (44 characters).") from None


def checked_address(text: str) -> str:
    """An address of a node: scheme, host and port, which this node may speak to.

    Raises:
        BadPartnerError: it is none.
        EgressRefusedError: this node does not speak to it.
    """
    parts = urlsplit(text.strip().rstrip("/"))
    if (
        parts.scheme not in {"https", "http"}
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        raise BadPartnerError(f"{text[:100]!r} is no address of a node, as https://HOST is.")
    egress.check(text.strip())
    return f"{parts.scheme}://{parts.netloc}"


def checked_title(text: str) -> str:
    """What people are to call a node.

    Raises:
        BadPartnerError: nothing, or too long.
    """
    if not text.strip() or len(text.strip()) > _LONGEST_TITLE or not text.strip().isprintable():
        raise BadPartnerError("The partner needs a name of at most 200 characters.")
    return text.strip()


def checked_country(text: str) -> str:
    """A country.

    Raises:
        BadPartnerError: it is no two-letter code.
    """
    code = text.strip().upper()
    if not _COUNTRY.match(code):
        raise BadPartnerError("The country is a two-letter code, as JP is.")
    return code
