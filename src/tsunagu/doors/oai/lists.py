"""The pages of a list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from tsunagu.core import clock
from tsunagu.core.capabilities import Signer
from tsunagu.doors.oai import formats, tokens
from tsunagu.doors.oai.arguments import OaiError, read_span
from tsunagu.doors.oai.source import Entry, Source
from tsunagu.standards.api import xml_text

PAGE = 200


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one address: of the node, or of an institution."""

    source: Source
    signer: Signer
    host: str
    institution: str
    offered: dict[str, formats.Format]

    def page(self, verb: str, arguments: dict[str, str]) -> str:
        """The inside of ListRecords or ListIdentifiers.

        Raises:
            OaiError: for what the protocol has a word for.
        """
        place = self._place(verb, arguments)
        form = self.format_of(place.prefix)
        found = self.source.harvest(
            institution=self.institution,
            set_spec=place.set_spec,
            since=place.since,
            until=place.until,
            after=place.after,
            limit=PAGE + 1,
        )
        if not found and place.cursor == 0:
            raise OaiError("noRecordsMatch", "No record matches. Widen the dates, or leave the set away.")
        given = found[:PAGE]
        is_bare = verb == "ListIdentifiers"
        parts = [self.entry(entry, form, is_bare=is_bare) for entry in given]
        parts.append(self._token(place, given[-1] if len(found) > PAGE else None))
        return "".join(parts)

    def entry(self, entry: Entry, form: formats.Format, *, is_bare: bool) -> str:
        """A record, or its header alone. What is not given in a form is deleted in it: no old copy is to stay."""
        metadata = ""
        is_deleted = entry.is_deleted
        if not is_deleted:
            try:
                metadata = formats.given(form, entry)
            except formats.NotGivenError:
                is_deleted = True
        header = self.header(entry, is_deleted=is_deleted)
        if is_bare:
            return header
        return f"<record>{header}</record>" if is_deleted else _record(header, metadata)

    def header(self, entry: Entry, *, is_deleted: bool) -> str:
        """Who, when, in which sets."""
        status = ' status="deleted"' if is_deleted else ""
        sets = "".join(f"<setSpec>{xml_text(spec)}</setSpec>" for spec in entry.sets)
        return (
            f"<header{status}><identifier>{xml_text(self.identifier(entry.id))}</identifier>"
            f"<datestamp>{second(entry.changed_at)}</datestamp>{sets}</header>"
        )

    def identifier(self, record_id: str) -> str:
        """``oai:HOST:ID``."""
        return f"oai:{self.host}:{record_id}"

    def format_of(self, prefix: str) -> formats.Format:
        """The form of a prefix.

        Raises:
            OaiError: cannotDisseminateFormat.
        """
        if prefix not in self.offered:
            raise OaiError(
                "cannotDisseminateFormat",
                f"The format {prefix[:100]!r} is not offered. Ask for one of {', '.join(self.offered)}.",
            )
        return self.offered[prefix]

    def _place(self, verb: str, arguments: dict[str, str]) -> tokens.Place:
        if "resumptionToken" in arguments:
            return tokens.from_token(self.signer, arguments["resumptionToken"], verb, self.institution)
        since, until = read_span(arguments)
        form = self.format_of(arguments["metadataPrefix"])
        if "set" in arguments and not self.source.list_sets(self.institution):
            raise OaiError("noSetHierarchy", "This repository has no sets. Leave the set away.")
        now = clock.now().replace(microsecond=0)
        place = tokens.Place(
            verb=verb,
            prefix=form.prefix,
            institution=self.institution,
            set_spec=arguments.get("set", ""),
            since=since,
            # The list ends where it was when it began: what changes later is the next harvest's.
            until=min(until, now) if until else now,
        )
        total = self.source.count(
            institution=self.institution, set_spec=place.set_spec, since=place.since, until=place.until
        )
        return replace(place, total=total)

    def _token(self, place: tokens.Place, last: Entry | None) -> str:
        """The end of a page: where it goes on, or an empty token after the last page of several."""
        size = f'completeListSize="{place.total}" cursor="{place.cursor}"'
        if last is None:
            return f"<resumptionToken {size}/>" if place.cursor else ""
        on = replace(place, after=(last.changed_at, last.id), cursor=place.cursor + PAGE)
        expires = second(clock.now() + dt.timedelta(seconds=tokens.LIFETIME_S))
        token = tokens.to_token(self.signer, on)
        return f'<resumptionToken expirationDate="{expires}" {size}>{token}</resumptionToken>'


def _record(header: str, metadata: str) -> str:
    return f"<record>{header}<metadata>{metadata}</metadata></record>"


def second(moment: dt.datetime) -> str:
    """A moment as OAI-PMH writes it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
