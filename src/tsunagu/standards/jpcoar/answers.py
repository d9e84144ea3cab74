"""The rules about what a repository answers, before any record is read."""

from __future__ import annotations

from tsunagu.standards.jpcoar import words
from tsunagu.standards.jpcoar.rules import RULES, Finding
from tsunagu.standards.xml import UnreadableXmlError, parsed
from tsunagu.standards.xml import words as said

_OK = 200


def check_answer(status: int, body: bytes, verb: str) -> list[Finding]:
    """What keeps a harvester from reading a repository.

    Args:
        status: Of HTTP.
        body: The answer.
        verb: ``ListMetadataFormats`` or ``ListRecords``; of others only the form is judged.
    """
    if status != _OK:
        return [Finding(RULES["not_success_http"], "", str(status))]
    try:
        root = parsed(body)
    except UnreadableXmlError:
        return [Finding(RULES["parse_error"], "")]
    names = [str(element.tag).rpartition("}")[2] for element in root.iter()]
    if verb == "ListRecords" and "record" not in names:
        return [Finding(RULES["zero_listrecords"], verb)]
    if verb != "ListMetadataFormats":
        return []
    if "metadataFormat" not in names:
        return [Finding(RULES["no_metadataFormat"], verb)]
    known = {*words.NAMESPACES.values(), *words.OTHER_NAMESPACES}
    offered = {said(element) for element in root.iter() if str(element.tag).endswith("metadataNamespace")}
    return [] if offered & known else [Finding(RULES["jpcoar_unsupported"], verb)]
