"""The rules of the national aggregator over one record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tsunagu.standards.jpcoar import forms, words
from tsunagu.standards.jpcoar.rules import RULES, Finding
from tsunagu.standards.jpcoar.writing import to_jpcoar
from tsunagu.standards.published import PublicRecord
from tsunagu.standards.xml import UnreadableXmlError, language, parsed
from tsunagu.standards.xml import words as said

_RESOURCE = f"{{{words.RDF}}}resource"
_PREFIXES = {
    words.DC: "dc:",
    words.DCTERMS: "dcterms:",
    words.DATACITE: "datacite:",
    words.OAIRE: "oaire:",
    words.DCNDL: "dcndl:",
    **dict.fromkeys([*words.NAMESPACES.values(), *words.OTHER_NAMESPACES], "jpcoar:"),
}
_LANGUAGE_NEEDED = frozenset(
    {
        "dc:title",
        "dcterms:alternative",
        "jpcoar:creatorName",
        "jpcoar:contributorName",
        "jpcoar:familyName",
        "jpcoar:givenName",
        "jpcoar:creatorAlternative",
        "jpcoar:contributorAlternative",
        "jpcoar:affiliationName",
        "dc:rights",
        "jpcoar:rightsHolderName",
        "datacite:description",
        "dc:publisher",
        "jpcoar:publisherName",
        "jpcoar:publisherDescription",
        "dcndl:location",
        "dcterms:date",
        "jpcoar:relatedTitle",
        "jpcoar:funderName",
        "jpcoar:fundingStream",
        "jpcoar:awardTitle",
        "jpcoar:sourceTitle",
        "dcndl:degreeName",
        "jpcoar:degreeGrantorName",
        "jpcoar:conferenceName",
        "jpcoar:conferenceSponsor",
        "jpcoar:conferenceDate",
        "jpcoar:conferenceVenue",
        "jpcoar:conferencePlace",
        "dcndl:edition",
        "dcndl:volumeTitle",
        "dcterms:extent",
        "jpcoar:format",
        "jpcoar:holdingAgentName",
        "jpcoar:license",
    }
)
_ONE_EACH = frozenset(
    {
        "dc:title",
        "jpcoar:creatorName",
        "jpcoar:contributorName",
        "jpcoar:familyName",
        "jpcoar:givenName",
        "jpcoar:affiliationName",
        "jpcoar:rightsHolderName",
        "jpcoar:relatedTitle",
        "jpcoar:funderName",
        "jpcoar:awardTitle",
        "jpcoar:sourceTitle",
        "dcndl:degreeName",
        "jpcoar:degreeGrantorName",
        "jpcoar:conferenceName",
        "jpcoar:conferenceVenue",
        "jpcoar:conferencePlace",
    }
)
_WITH_READING = frozenset(
    {
        "dc:title",
        "jpcoar:creatorName",
        "jpcoar:contributorName",
        "jpcoar:creatorAlternative",
        "jpcoar:contributorAlternative",
        "jpcoar:rightsHolderName",
    }
)
_READINGS = frozenset({"ja-Kana", "ja-Latn"})
_LONGEST = 200


def check(record: PublicRecord | bytes, version: words.Version = "2.0") -> list[Finding]:
    """What a harvester would find in a record.

    Args:
        record: Ours, which is judged as we write it, or a document that holds a JPCOAR record.
        version: In which ours is written.

    Raises:
        Nothing: a document that cannot be read is a finding.
    """
    try:
        root = parsed(to_jpcoar(record, version) if isinstance(record, PublicRecord) else record)
    except UnreadableXmlError:
        return [Finding(RULES["parse_error"], "")]
    return check_element(root)


def check_element(root: Any) -> list[Finding]:
    """The same of an element that is parsed already, at or under which the record stands."""
    bare = None
    for element in root.iter():
        space, _, name = str(element.tag).rpartition("}")
        if name == "jpcoar":
            if _PREFIXES.get(space[1:]) == "jpcoar:":
                return _Check(is_newest=space.endswith("/2.1/")).run(element)
            bare = element
    missing = "no_jpcoar_namespace" if bare is not None else "jpcoar_element_not_found"
    return [Finding(RULES[missing], "")]


@functools.lru_cache(maxsize=512)
def _key(tag: str) -> str:
    space, _, name = tag.rpartition("}")
    return _PREFIXES.get(space[1:], "?:") + name


@dataclass(slots=True)
class _Check:
    """One record under way: what was found, and what the rules over several elements need to know."""

    is_newest: bool
    findings: list[Finding] = field(default_factory=list)
    held: dict[str, list[Any]] = field(default_factory=dict)

    def say(self, rule: str, where: str, value: str = "") -> None:
        self.findings.append(Finding(RULES[rule], where, value[:_LONGEST]))

    def run(self, root: Any) -> list[Finding]:
        self.inside(root, "")
        self.whole()
        return self.findings

    def inside(self, container: Any, path: str) -> None:
        """Every child of a container: its language, its own rules, then what stands in it."""
        seen: dict[str, set[str]] = {}
        for child in container:
            if not isinstance(child.tag, str):
                continue
            key = _key(child.tag)
            where = f"{path}/{key}" if path else key
            if not path:
                self.held.setdefault(key, []).append(child)
            if key in _LANGUAGE_NEEDED or (key == "jpcoar:subject" and path):
                self.spoken(child, key, where, seen)
            rule = _RULES_OF.get(key)
            if rule is not None:
                rule(self, child, where)
            if len(child):
                self.inside(child, where)
        for key in _WITH_READING & seen.keys():
            if seen[key] & _READINGS and "ja" not in seen[key]:
                self.say("xmllang_nojapanese_with_yomi", f"{path}/{key}" if path else key)

    def spoken(self, child: Any, key: str, where: str, seen: dict[str, set[str]]) -> None:
        spoken = language(child)
        if not spoken:
            self.say("xmllang_not_found", where, said(child))
        elif spoken in seen.setdefault(key, set()):
            if key in _ONE_EACH:
                self.say("xmllang_duplicated", where, said(child))
        else:
            seen[key].add(spoken)

    def first(self, key: str) -> Any:
        return next(iter(self.held.get(key, ())), None)

    def whole(self) -> None:
        """The rules over several elements."""
        if not any(said(title) for title in self.held.get("dc:title", ())):
            self.say("title_not_found", "dc:title")
        if "jpcoar:identifier" not in self.held:
            self.say("identifier_not_found", "jpcoar:identifier")
        kind = self.first("dc:type")
        label = said(kind) if kind is not None else ""
        address = words.RESOURCE_TYPES.get(label, "")
        if not address and label not in words.OLD_LABELS:
            self.say("resource_type_unknown", "dc:type", label)
        elif address and kind.get(_RESOURCE, "") != address:
            self.say("resource_type_mismatch", "dc:type", kind.get(_RESOURCE, ""))
        if label in words.THESES and "jpcoar:creator" not in self.held:
            self.say("no_creator_in_thesis", "jpcoar:creator")
        if label == "doctoral thesis":
            self.doctoral()
        self.opening()
        self.published_version()
        self.registered()

    def opening(self) -> None:
        access = self.first("dcterms:accessRights")
        if access is None:
            return
        is_embargoed = "embargoed access" in (
            said(access),
            forms.ACCESS_LABELS.get(access.get(_RESOURCE, "")),
        )
        dates = self.held.get("datacite:date", ())
        if is_embargoed and not any(date.get("dateType") == "Available" for date in dates):
            self.say("embargoed_access_no_available_date", "datacite:date")

    def published_version(self) -> None:
        version = self.first("oaire:version")
        if version is None or said(version) in {"VoR", "CVoR", "EVoR"}:
            return
        relations = self.held.get("jpcoar:relation", ())
        if not any(relation.get("relationType") == "isVersionOf" for relation in relations):
            self.say("vor_relation_not_found", "oaire:version", said(version))

    def registered(self) -> None:
        registration = self.first("jpcoar:identifierRegistration")
        if registration is None:
            return
        dois = {
            said(element).removeprefix("https://doi.org/")
            for element in self.held.get("jpcoar:identifier", ())
            if element.get("identifierType") == "DOI"
        }
        if said(registration) not in dois:
            self.say(
                "identifier_registration_doi_mismatch", "jpcoar:identifierRegistration", said(registration)
            )

    def doctoral(self) -> None:
        for key in (
            "dcndl:dissertationNumber",
            "dcndl:degreeName",
            "dcndl:dateGranted",
            "jpcoar:degreeGrantor",
        ):
            if key not in self.held:
                self.say("dissertation_details_not_found", key)
        names = self.held.get("dcndl:degreeName", ())
        if names and not any(language(name).startswith("en") for name in names):
            self.say("degree_name_english", "dcndl:degreeName")
        for grantor in self.held.get("jpcoar:degreeGrantor", ()):
            schemes = {child.get("nameIdentifierScheme") for child in grantor}
            if "kakenhi" not in schemes:
                self.say("degree_grantor_kakenhi_missing", "jpcoar:degreeGrantor/jpcoar:nameIdentifier")


def _access(check: _Check, element: Any, where: str) -> None:
    address = element.get(_RESOURCE)
    if address is None:
        check.say("access_rights_without_rdf_resource", where, said(element))
    elif address not in forms.ACCESS_LABELS:
        check.say("access_rights_wrong_uri", where, address)
    elif forms.ACCESS_LABELS[address] != said(element):
        check.say("access_rights_mismatch", where, said(element))


def _text_version(check: _Check, element: Any, where: str) -> None:
    if words.TEXT_VERSIONS.get(said(element)) != element.get(_RESOURCE):
        check.say("coar_version_type_mismatch", where, said(element))


def _reading(check: _Check, element: Any, where: str) -> None:
    if language(element).startswith("ja-"):
        check.say("yomi_not_needed", where, said(element))


def _name(check: _Check, element: Any, where: str) -> None:
    name = said(element)
    if len(name) < forms.SHORT_NAME and ", " not in name and element.get("nameType") != "Organizational":
        check.say("no_comma_creator", where, name)


def _contributor(check: _Check, element: Any, where: str) -> None:
    if not element.get("contributorType"):
        check.say("contributor_type_not_found", where)


def _name_id(check: _Check, element: Any, where: str) -> None:
    scheme, value = element.get("nameIdentifierScheme", ""), said(element)
    if scheme in {"NRID", "GRID"} or (scheme == "kakenhi" and "degreeGrantor" not in where):
        check.say("nameIdentifierScheme_obsolete", where, scheme)
    if value.startswith(("http://", "https://")) and scheme != "ROR":
        check.say("nameidentifier_content_is_uri", where, value)
    elif (form := forms.NAME_IDS.get(scheme)) is not None and not form.fullmatch(value):
        check.say("nameIdentifier_mismatch", where, value)
    address = element.get("nameIdentifierURI")
    start = forms.NAME_ADDRESSES.get(scheme)
    if address and start and not address.startswith(start):
        check.say("nameIdentifierURI_mismatch", where, address)


def _identifier(check: _Check, element: Any, where: str) -> None:
    scheme, value = element.get("identifierType", ""), said(element)
    if scheme == "PMID":
        check.say("identifier_type_pmid", where, value)
        return
    is_registration = where.endswith("Registration")
    form = forms.REGISTRATION if is_registration else forms.IDENTIFIERS.get(scheme)
    if form is not None and not form.match(value):
        check.say("identifier_type_mismatch", where, value)


def _source_id(check: _Check, element: Any, where: str) -> None:
    scheme, value = element.get("identifierType", ""), said(element)
    if scheme == "ISSN":
        check.say("identifier_type_obsolete", where, scheme)
    elif scheme not in words.SOURCE_SCHEMES and not (scheme == "ISBN" and check.is_newest):
        check.say("sourceIdentifierVocab", where, scheme)
    form = forms.SOURCE_IDS.get(scheme)
    if form is not None and not form.fullmatch(value):
        check.say("identifier_type_mismatch", where, value)


def _related_id(check: _Check, element: Any, where: str) -> None:
    if element.get("identifierType") in {"ISSN", "NAID"}:
        check.say("identifier_type_obsolete", where, element.get("identifierType"))


def _funder_id(check: _Check, element: Any, where: str) -> None:
    if element.get("funderIdentifierType") == "GRID":
        check.say("identifier_type_obsolete", where, "GRID")


def _funding(check: _Check, element: Any, where: str) -> None:
    if not any(_key(child.tag) == "jpcoar:funderName" and said(child) for child in element):
        check.say("funder_name_not_available", where)


def _award(check: _Check, element: Any, where: str) -> None:
    kind = element.get("awardNumberType")
    if kind == "JGN":
        if not forms.JGN.fullmatch(said(element)):
            check.say("award_number_format_error", where, said(element))
    elif kind:
        check.say("award_number_type_not_supported", where, kind)


def _rights(check: _Check, element: Any, where: str) -> None:
    if not element.get(_RESOURCE) and forms.CREATIVE_COMMONS.search(said(element)):
        check.say("rights_resource_uri_missing", where, said(element))


def _publisher(check: _Check, element: Any, where: str) -> None:
    if len(element) and not any(_key(child.tag) == "jpcoar:publisherName" for child in element):
        check.say("publisher_name_not_found", where)


def _file_address(check: _Check, element: Any, where: str) -> None:
    if not element.get("objectType"):
        check.say("objectype_not_found", where, said(element))


def _form(rule: str, pattern: forms.Pattern) -> Callable[[_Check, Any, str], None]:
    def of(check: _Check, element: Any, where: str) -> None:
        if not pattern.search(said(element)):
            check.say(rule, where, said(element))

    return of


def _number(check: _Check, element: Any, where: str) -> None:
    if forms.VOLUME_WORDS.search(said(element)):
        check.say("volume_unnecessary_chars", where, said(element))


_RULES_OF: dict[str, Callable[[_Check, Any, str], None]] = {
    "dcterms:accessRights": _access,
    "oaire:version": _text_version,
    "jpcoar:familyName": _reading,
    "jpcoar:givenName": _reading,
    "jpcoar:creatorName": _name,
    "jpcoar:contributorName": _name,
    "jpcoar:rightsHolderName": _name,
    "jpcoar:contributor": _contributor,
    "jpcoar:nameIdentifier": _name_id,
    "jpcoar:holdingAgentNameIdentifier": _name_id,
    "jpcoar:identifier": _identifier,
    "jpcoar:identifierRegistration": _identifier,
    "jpcoar:sourceIdentifier": _source_id,
    "jpcoar:relatedIdentifier": _related_id,
    "jpcoar:funderIdentifier": _funder_id,
    "jpcoar:fundingReference": _funding,
    "jpcoar:awardNumber": _award,
    "dc:rights": _rights,
    "jpcoar:publisher": _publisher,
    "jpcoar:URI": _file_address,
    "jpcoar:volume": _number,
    "jpcoar:issue": _number,
    "dcndl:publicationPlace": _form("format_iso3166_1", forms.COUNTRY),
    "datacite:version": _form("format_version", forms.VERSION),
    "dcndl:originalLanguage": _form("original_language_format", forms.THREE_LETTERS),
    "jpcoar:mimeType": _form("mimetype_format", forms.MEDIA_TYPE),
    "jpcoar:extent": _form("extent_format", forms.DIGIT),
    "dcndl:dissertationNumber": _form("dissertation_number_format", forms.DISSERTATION),
    "jpcoar:numPages": _form("positiveInteger", forms.POSITIVE),
    "jpcoar:pageStart": _form("positiveInteger", forms.POSITIVE),
    "jpcoar:pageEnd": _form("positiveInteger", forms.POSITIVE),
    "jpcoar:conferenceSequence": _form("positiveInteger", forms.POSITIVE),
}
