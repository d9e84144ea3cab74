"""What each verb of OAI-PMH answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tsunagu.core import clock
from tsunagu.doors.oai import formats
from tsunagu.doors.oai.arguments import OaiError, read_arguments
from tsunagu.doors.oai.lists import Lists, second
from tsunagu.doors.oai.source import Entry, InstitutionCard
from tsunagu.standards.api import PublicRecord, xml_text

_OAI = "http://www.openarchives.org/OAI/2.0/"
_OPEN = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{_OAI}" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{_OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">'
)
_SCHEME = "http://www.openarchives.org/OAI/2.0/oai-identifier"
_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
# Publishing is one short transaction; this is many times as long.
_ENDED_BY = dt.timedelta(seconds=10)
_DOMAIN = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(\.[a-zA-Z][a-zA-Z0-9-]*)+")


@dataclass(frozen=True, slots=True)
class Repository:
    """One address that is harvested.

    Attributes:
        url: Its address.
        name: Of the node; an institution has its own.
        mail: Of the node's administrator.
    """

    lists: Lists
    url: str
    name: str
    mail: str
    card: InstitutionCard | None = None

    def answer(self, pairs: Sequence[tuple[str, str]]) -> str:
        """The whole answer to the arguments of a request; a fault is an answer too."""
        arguments: dict[str, str] = {}
        try:
            verb, arguments = read_arguments(pairs)
            arguments = {"verb": verb, **arguments}
            inside = self._inside(verb, {name: value for name, value in arguments.items() if name != "verb"})
            body = f"<{verb}>{inside}</{verb}>"
        except OaiError as error:
            if error.code in {"badVerb", "badArgument"}:
                arguments = {}  # the protocol wants the bare address then
            body = f'<error code="{error.code}">{xml_text(error.message)}</error>'
        said = "".join(f' {name}="{xml_text(value)}"' for name, value in arguments.items())
        # Harvesters go on from this moment. A record carries the moment at which it was written, and is there for others
        # only when its transaction has ended: so the moment named is one by which everything was.
        moment = second(clock.now() - _ENDED_BY)
        head = f"<responseDate>{moment}</responseDate><request{said}>{xml_text(self.url)}</request>"
        return f"{_OPEN}{head}{body}</OAI-PMH>"

    def _inside(self, verb: str, arguments: dict[str, str]) -> str:
        match verb:
            case "Identify":
                return self._identify()
            case "ListMetadataFormats":
                return self._formats(arguments.get("identifier"))
            case "ListSets":
                return self._sets(arguments)
            case "GetRecord":
                return self._record(arguments["identifier"], arguments["metadataPrefix"])
            case _:
                return self.lists.page(verb, arguments)

    def _identify(self) -> str:
        name, mail = self.name, self.mail
        if self.card is not None:
            name = (
                " / ".join(part for part in (self.card.name_ja, self.card.name_en) if part) or self.card.name
            )
            mail = self.card.contact or mail
        earliest = self.lists.source.earliest(self.lists.institution) or clock.now()
        return (
            f"<repositoryName>{xml_text(name)}</repositoryName><baseURL>{xml_text(self.url)}</baseURL>"
            f"<protocolVersion>2.0</protocolVersion><adminEmail>{xml_text(mail)}</adminEmail>"
            f"<earliestDatestamp>{second(earliest)}</earliestDatestamp><deletedRecord>persistent</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity><compression>gzip</compression>"
            f"{self._identifiers()}"
        )

    def _identifiers(self) -> str:
        """How identifiers are made; the description takes a domain name alone, and a bare host is none."""
        host = self.lists.host
        if not _DOMAIN.fullmatch(host):
            return ""
        return (
            f'<description><oai-identifier xmlns="{_SCHEME}" xsi:schemaLocation="{_SCHEME} {_SCHEME}.xsd">'
            f"<scheme>oai</scheme><repositoryIdentifier>{host}</repositoryIdentifier><delimiter>:</delimiter>"
            f"<sampleIdentifier>oai:{host}:1</sampleIdentifier></oai-identifier></description>"
        )

    def _formats(self, identifier: str | None) -> str:
        offered = list(self.lists.offered.values())
        if identifier is not None:
            entry = self._entry(identifier)
            if not entry.is_deleted:
                offered = [form for form in offered if _is_given(form, entry.record)]
            if not offered:
                raise OaiError("noMetadataFormats", "The record is given in no format.")
        return "".join(
            f"<metadataFormat><metadataPrefix>{form.prefix}</metadataPrefix><schema>{form.schema}</schema>"
            f"<metadataNamespace>{form.namespace}</metadataNamespace></metadataFormat>"
            for form in offered
        )

    def _sets(self, arguments: dict[str, str]) -> str:
        if "resumptionToken" in arguments:
            raise OaiError("badResumptionToken", "The list of sets has one page. Ask for it without a token.")
        cards = self.lists.source.list_sets(self.lists.institution)
        if not cards:
            raise OaiError("noSetHierarchy", "This repository has no sets.")
        return "".join(
            f"<set><setSpec>{xml_text(card.spec)}</setSpec><setName>{xml_text(card.name_ja or card.name_en)}</setName>"
            f"{_both_names(card.name_ja, card.name_en)}</set>"
            for card in cards
        )

    def _record(self, identifier: str, prefix: str) -> str:
        form = self.lists.format_of(prefix)
        entry = self._entry(identifier)
        if not entry.is_deleted:
            try:
                formats.given(form, entry)
            except formats.NotGivenError as error:
                raise OaiError(
                    "cannotDisseminateFormat", f"The record is not given in {prefix}. {error}"
                ) from error
        return self.lists.entry(entry, form, is_bare=False)

    def _entry(self, identifier: str) -> Entry:
        start = self.lists.identifier("")
        entry = None
        if identifier.startswith(start) and len(identifier) > len(start):
            entry = self.lists.source.find_entry(identifier.removeprefix(start), self.lists.institution)
        if entry is None:
            raise OaiError("idDoesNotExist", f"There is no record {identifier[:200]!r} here.")
        return entry


def _is_given(form: formats.Format, record: PublicRecord) -> bool:
    try:
        formats.written(form, record)
    except formats.NotGivenError:
        return False
    return True


def _both_names(japanese: str, english: str) -> str:
    """A set has one name in the protocol; its description says both."""
    if not (japanese and english):
        return ""
    return (
        f'<setDescription><oai_dc:dc xmlns:oai_dc="{_DC}" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:title xml:lang="ja">{xml_text(japanese)}</dc:title>'
        f'<dc:title xml:lang="en">{xml_text(english)}</dc:title></oai_dc:dc></setDescription>'
    )
