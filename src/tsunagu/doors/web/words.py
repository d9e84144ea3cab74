"""Words that people read for the program's own names: kinds of runs, roles, built-in metadata names, languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

# Kana or Han characters: a text that holds one is taken as Japanese when nobody said which language it is.
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

_NAMES = {
    "title": _("Title"),
    "title_ja": _("Title in Japanese"),
    "title_en": _("Title in English"),
    "description": _("Description"),
    "description_ja": _("Description in Japanese"),
    "description_en": _("Description in English"),
    "keywords": _("Keywords"),
    "creators": _("Creators"),
    "contributors": _("Contributors"),
    "operator": _("Operator"),
    "licence": _("Licence"),
}
_PARAMETERS = {
    "file_count": _("Files"),
    "byte_count": _("Bytes"),
    "number": _("Version"),
    "note": _("Note"),
    "name": _("Name"),
    "before": _("Before"),
    "now": _("Now"),
    "unit": _("Unit"),
    "way": _("Way"),
    "mapping": _("Mapping"),
    "is_again": _("Read again"),
    "read_count": _("Read"),
    "read_with_warnings_count": _("Read with warnings"),
    "unrecognised_count": _("Not recognised"),
    "unreadable_count": _("Not readable"),
    "version_hash": _("Name (hash)"),
    "access": _("Access"),
    "verdict": _("Verdict"),
    "role": _("Role"),
    "label": _("Label"),
    "layer": _("Layer"),
    "until": _("Until"),
    "embargo_until": _("Embargo until"),
    "version": _("Version"),
    "source": _("Source"),
    "form": _("Form"),
    "recipients": _("Recipients"),
    "paths": _("Paths"),
    "repaired_from": _("Repaired from"),
}
_REASONS = {
    "empty": _("The file is empty."),
    "truncated": _("The file breaks off before its end."),
    "corrupt": _("The content is damaged."),
    "encrypted": _("The file is protected by a password."),
    "unsupported": _("The file uses something that is not read here."),
    "pickled": _("The file holds program objects, which are never loaded."),
    "too_big": _("The content is larger than a reader may take."),
    "sealed_too_large": _("The file is sealed and too large to be opened in memory, so it was not read."),
    "out_of_memory": _("Reading it needs more memory than one file may use."),
    "out_of_time": _("Reading it takes longer than one file may take."),
    "crashed": _("The program that reads this format broke down on it."),
    "reader_failed": _("The reader of this format has a fault."),
    "not_accessible": _("The stored bytes could not be opened."),
    "put_off": _("A part of the node does not answer. Reading goes on in a few minutes."),
    "unrecognised": _("The format is unknown."),
    "no_engine": _(
        "Nothing here recognises text: the operator can install tesseract-ocr, -jpn and -jpn-vert."
    ),
    "too_many_schemas": _("There are too many different sets of columns; this one became no table."),
    "not_converted": _("No table could be made of it."),
}
_RUNS = {
    "create": _("Dataset made"),
    "capture": _("Files arrived"),
    "extract": _("Files read"),
    "ocr": _("Pages read"),
    "sort": _("Unsorted files sorted"),
    "freeze": _("Version frozen"),
    "compute": _("Compute run"),
    "offer_compute": _("Computers offered to a node"),
    "withdraw_offer": _("Offer of computers withdrawn"),
    "add_site": _("Node added where runs may go"),
    "close_site": _("Node closed for runs"),
    "end_guest": _("Run of another node ended"),
    "remove": _("Files removed from the draft"),
    "seal": _("Sealing decided"),
    "move_into_seal": _("Older bytes sealed"),
    "shred": _("Bytes destroyed for ever"),
    "rotate_keys": _("Keys wrapped anew"),
    "describe": _("Description changed"),
    "decide": _("Proposal decided"),
    "set_access": _("Access changed"),
    "release_version": _("Versions shown to others"),
    "take_back_version": _("Version shown to members only"),
    "label": _("Label set"),
    "release_label": _("Label made less strict"),
    "share": _("Role given"),
    "unshare": _("Role taken away"),
    "share_ended": _("Role ended by itself"),
    "request_access": _("Access asked for"),
    "approve_request": _("Request for access approved"),
    "decline_request": _("Request for access declined"),
    "withdraw_request": _("Request for access withdrawn"),
    "expire_request": _("Request for access ended without an answer"),
    "destroy": _("Dataset removed"),
    "retain": _("Retention set"),
    "hold": _("Legal hold placed"),
    "lift_hold": _("Legal hold lifted"),
    "repair": _("Damaged bytes found"),
    "export": _("Taken out of the node"),
    "succeed": _("Handed over to a successor"),
    "close_account": _("Account closed"),
    "reopen_account": _("Account opened again"),
    "set_rules": _("Rules changed"),
    "write_mapping": _("Mapping changed"),
    "write_policy": _("Rules of the node changed"),
    "create_instrument": _("Instrument made"),
    "set_ai_terms": _("Terms for AI set"),
    "release_ai_terms": _("Terms for AI made looser than the sources'"),
    "check_ai_use": _("Use by AI checked"),
    "training": _("Read for training"),
    "derive": _("Tables made for AI"),
    "attest_readiness": _("Criterion of readiness answered"),
    "choose_repair": _("Repair of the tables chosen"),
    "take_back_repair": _("Repair of the tables taken back"),
    "answer_ai_use": _("Question about a use by AI answered"),
    "write_ai_service": _("Facts about an AI service changed"),
    "write_ai_checklist": _("Checklist for use by AI changed"),
    "institution": _("Institution changed"),
    "publication_request": _("Publication asked for"),
    "publication_comment": _("Comment on the publication"),
    "publication_assign": _("Curator named"),
    "publication_ask_changes": _("Publication given back for changes"),
    "publication_approve": _("Publication approved"),
    "publication_reject": _("Publication refused"),
    "publication_publish": _("Published"),
    "publication_correct": _("Published record corrected"),
    "publication_withdraw": _("Publication withdrawn"),
    "publication_restore": _("Publication restored"),
    "publication_move": _("Published dataset moved to another node"),
    "publication_arrive": _("Published dataset taken over from another node"),
    "publication_try_again": _("DOI agency asked again"),
    "publication_article": _("Article described"),
    "publication_relate": _("Relation confirmed"),
    "publication_unrelate": _("Relation taken back"),
    "notice_received": _("Notice received"),
    "notice_sent": _("Notice to another service"),
    "notice_accept": _("Proposal of another service accepted"),
    "notice_reject": _("Proposal of another service rejected"),
    "notice_reopen": _("Proposal of another service opened again"),
    "notice_let_through": _("Held notice let through"),
    "notice_thrown_away": _("Held notice thrown away"),
    "publication_remind": _("Curators reminded"),
    "publication_check_yes": _("Checklist answered"),
    "publication_check_no": _("Checklist answered"),
    "publication_check_none": _("Checklist answered"),
}
_LAYERS = {
    "law": pgettext("layer", "law"),
    "funder": pgettext("layer", "funder"),
    "institution": pgettext("layer", "institution"),
}
_ROLES = {
    "owner": pgettext("role", "owner"),
    "editor": pgettext("role", "editor"),
    "reader": pgettext("role", "reader"),
    "instrument": pgettext("role", "instrument"),
}
_ACTIONS = {
    "read": _("read"),
    "read_draft": _("see drafts"),
    "write": _("change files"),
    "push": _("send files"),
    "describe": _("describe"),
    "freeze": _("freeze versions"),
    "manage": _("decide who may see it"),
}
_LABELS = {
    "sensitivity": _("Sensitivity"),
    "personal": _("Personal information"),
    "export_control": _("Export control"),
    "contract": _("Bound by a contract"),
    "consent": _("Consent"),
    "origin": _("Country of origin"),
}
_LINKS = {
    "dataset": _("Dataset"),
    "version": _("Version"),
    "files": _("Files"),
    "extraction": _("Reading"),
    "value": _("Value"),
    "instrument": _("Instrument"),
    "proposal": _("Proposal"),
    "project": _("Project"),
    "person": _("Person"),
    "request": _("Request for access"),
}
_LEVELS = {
    "undecided": _("not decided"),
    "no": pgettext("label", "no"),
    "yes": pgettext("label", "yes"),
    "anonymised": _("anonymised"),
    "pseudonymised": _("pseudonymised"),
    "special": _("special care-required"),
    "review": _("under review"),
    "controlled": _("controlled"),
    "not-needed": _("not needed"),
    "broad": _("for research in general"),
    "specific": _("for the stated purpose only"),
    "withdrawn": _("withdrawn"),
}


def _said(words: Mapping[str, Any], key: str, other: str | None = None) -> str:
    return str(words.get(key, key if other is None else other))


def reason_word(code: str) -> str:
    """Why a reader could not read a file, in a sentence; what it found exactly stands behind it in its own words."""
    return _said(_REASONS, code, "")


def run_word(kind: str) -> str:
    """What a run did, in words."""
    return _said(_RUNS, kind)


def layer_word(layer: str) -> str:
    """A layer of rules in words."""
    return _said(_LAYERS, layer)


def role_word(role: str) -> str:
    """A role in words."""
    return _said(_ROLES, role)


def action_word(action: str) -> str:
    """An action on a dataset as a verb."""
    return _said(_ACTIONS, action)


def label_word(name: str) -> str:
    """A label of a dataset in words."""
    return _said(_LABELS, name)


def level_word(name: str, value: str) -> str:
    """A level of a label in words."""
    if name == "sensitivity" and value.isdigit():
        return str(_("level %(number)s of 5") % {"number": value})
    return _said(_LEVELS, value)


def name_word(labels: Mapping[str, str], name: str) -> str:
    """A metadata name in words: the mapping's label, else ours, else the name itself."""
    if name in labels:
        return labels[name]
    return _said(_NAMES, name)


def parameter_word(name: str) -> str:
    """A fact of a run in words."""
    return _said(_PARAMETERS, name)


def link_word(kind: str) -> str:
    """A kind of thing that a run used or made."""
    return _said(_LINKS, kind)


def language_of(text: str) -> str:
    """``ja`` or ``en``, so that screen readers switch voice and browsers take the right glyphs."""
    return "ja" if _JAPANESE.search(text) else "en"


def in_both(values: Mapping[str, Any], name: str, fallback: str, language: str) -> tuple[str, str]:
    """A bilingual text: the one for the viewer's language, and the other one (empty where there is none).

    Args:
        values: Value cards by name; ``NAME_ja`` and ``NAME_en`` stand beside ``NAME``.
        name: ``title`` or ``description``.
        fallback: What to show when nothing was written.
        language: The viewer's.
    """
    found: dict[str, str] = {}
    for key in (name, f"{name}_ja", f"{name}_en"):
        text = str(values[key].value) if key in values else ""
        if text:
            found[key.removeprefix(f"{name}_") if key != name else language_of(text)] = text
    ordered = sorted(found, key=lambda code: code != language)
    texts = [found[code] for code in ordered] or [fallback]
    return texts[0], texts[1] if len(texts) > 1 else ""


_OPERATORS = {
    "contains": pgettext("condition", "contains"),
    "empty": pgettext("condition", "has no value"),
    "present": pgettext("condition", "has a value"),
}


def operator_word(operator: str) -> str:
    """A condition of a filter: a sign as it is, a word in the viewer's language."""
    return str(_OPERATORS.get(operator, operator))
