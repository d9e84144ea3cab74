"""A public record, ours or another repository's, as claims. Pure: nothing is asked of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tsunagu.data.graph.claims import SINGLE, Key, Said, clean, local, name_key, order
from tsunagu.standards import api as standards

_MOST_PARTIES = 20_000
_MOST_RELATIONS = 5_000
_LARGE = 100
# DataCite and JPCOAR name most relations from both sides; one of the two is kept.
_TURNED = {
    "isCitedBy": "cites",
    "isReferencedBy": "references",
    "isSupplementedBy": "isSupplementTo",
    "hasVersion": "isVersionOf",
    "isPreviousVersionOf": "isNewVersionOf",
    "hasPart": "isPartOf",
    "isDocumentedBy": "documents",
    "isDescribedBy": "describes",
    "isSourceOf": "isDerivedFrom",
    "isBasisFor": "isBasedOn",
    "isReplacedBy": "replaces",
    "isObsoletedBy": "obsoletes",
    "isRequiredBy": "requires",
    "isContinuedBy": "continues",
    "isReviewedBy": "reviews",
    "isCompiledBy": "compiles",
    "isCollectedBy": "collects",
    "isOriginalFormOf": "isVariantFormOf",
    "hasFormat": "isFormatOf",
    "hasTranslation": "isTranslationOf",
    "hasMetadata": "isMetadataFor",
}
_KEPT = {
    *_TURNED.values(),
    "isIdenticalTo",
    "isPublishedIn",
    "inSeries",
}
SAME, OTHER = "isIdenticalTo", "relation"
_DATA = (
    "data",
    "image",
    "video",
    "sound",
    "map",
    "cartographic",
    "collection",
    "laboratory notebook",
    "model",
    "audiovisual",
)
_ARTICLES = (
    "paper", "article", "book", "thesis", "report", "journal", "conference", "manuscript", "preprint", "review", "editorial",
    "periodical", "dissertation", "proceeding", "commentary", "lecture", "protocol", "proposal", "output management plan",
    "newspaper", "data management plan", "text", "peer",
)  # fmt: skip
_SOFTWARE = ("software", "source code", "workflow", "computationalnotebook")
_BY_SCHEME = {"ORCID": "person", "e-Rad": "person", "NRID": "person", "ROR": "institution", "GRID": "institution", "JGN": "grant", "RAiD": "project"}  # fmt: skip


def kind_of(resource_type: str, general_type: str = "") -> str:
    """The kind of thing that a label of JPCOAR or a ``resourceTypeGeneral`` of DataCite names."""
    text = (resource_type or general_type).casefold()
    exact = {
        "award": "grant",
        "project": "project",
        "instrument": "instrument",
        "research instrument": "instrument",
    }
    if text in exact:
        return exact[text]
    if any(word in text for word in _SOFTWARE) and "paper" not in text:
        return "software"
    if any(word in text for word in _ARTICLES):
        return "article"
    return "data" if any(word in text for word in _DATA) else "work"


def said(
    record: standards.PublicRecord,
    key: str,
    *,
    label: str,
    url: str = "",
    base: str = "",
    dataset_id: str = "",
) -> Said:
    """What a record says.

    Args:
        record: The record.
        key: Of its source: ``record:5`` or ``publication:ULID``.
        label: What its source is called.
        url: Where it leads.
        base: Prefix of the names that people without identifiers get; versions of one dataset share it.
        dataset_id: Of a record of ours, the dataset that it is a version of.
    """
    made = Said(key, clean(label)[:300], url[:500])
    reader = _Reader(made, record, base or key)
    reader.read()
    if dataset_id:
        # Only the dataset's own source names it, so only those who may see it see this.
        made.link(reader.main, "isVersionOf", local(f"dataset:{dataset_id}"))
    return made


class _Reader:
    def __init__(self, made: Said, record: standards.PublicRecord, base: str) -> None:
        self.made, self.record, self.base = made, record, base
        self.counts: Counter[str] = Counter()
        self.party_count = 0
        keys = [local(made.key)]
        keys += _keys([("DOI", record.doi), ("OAI", record.id), ("URI", record.url)])
        others = _keys((one.scheme, one.value) for one in record.identifiers[:50])
        own_doi = next((key for key in (*keys, *others) if key[0] == "DOI"), None)
        # A second DOI may be that of a copy, or of a version: a person may say so, the record alone does not.
        self.doubles = [key for key in others if key[0] == "DOI" and key != own_doi]
        keys += [key for key in others if key not in self.doubles]
        names = _texts((*record.titles, *record.alternatives))
        self.main = made.add(keys, kind_of(record.resource_type, record.general_type), names)

    def read(self) -> None:
        """Everything of the record that is a thing or a link."""
        record = self.record
        for relation, parties in (
            ("creator", record.creators),
            ("contributor", record.contributors),
            ("publisher", record.publishers),
            ("copyrightHolder", record.rights_holders),
        ):
            for party in parties:
                if (found := self._party(party, relation)) is not None:
                    self.made.link(self.main, relation, found)
        self.made.is_large = self.party_count > _LARGE
        for _scheme, doi in self.doubles:
            self._related(SAME, "DOI", doi, (), "")
        for one in record.relations[:_MOST_RELATIONS]:
            self._related(one.type, one.scheme, one.identifier, one.titles, one.general_type)
        for item in record.related_items[:_MOST_RELATIONS]:
            if item.identifier is not None:
                self._related(
                    item.type, item.identifier.scheme, item.identifier.value, item.titles, item.general_type
                )
        for number, funding in enumerate(record.fundings[:_MOST_RELATIONS]):
            self._funding(funding, number)

    def _party(self, party: standards.Party, role: str) -> Key | None:
        self.party_count += 1
        if self.party_count > _MOST_PARTIES:
            return None
        names = _texts((*party.names, *party.alternatives))
        if not party.is_organization:
            names = [(_in_order(name, language), language) for name, language in names]
        keys = _keys((one.scheme, one.value or one.url) for one in party.ids[:20])
        contested = _contested(keys)
        keys = [key for key in keys if key not in contested]
        if not keys:
            if not names:
                return None
            keys = [self._own(role, names[0][0])]
        is_home = party.is_organization or role in {"publisher", "affiliation"}
        kind = _BY_SCHEME.get(min(keys, key=order)[0], "institution" if is_home else "person")
        kind = kind if kind in {"person", "institution"} else "person"
        found = self.made.add(keys, kind, names, contested)
        for home in party.affiliations[:50]:
            if (other := self._party(home, "affiliation")) is not None:
                self.made.link(found, "affiliation", other)
        return found

    def _own(self, role: str, name: str) -> Key:
        """A name within this source. Two authors of one name are two; one institution that many come from is one."""
        text = f"{self.base}#{role}/{name_key(name) or name}"
        if role == "affiliation":
            return local(text)
        self.counts[text] += 1
        return local(text if self.counts[text] == 1 else f"{text}/{self.counts[text]}")

    def _related(
        self, word: str, scheme: str, value: str, titles: Sequence[standards.Text], general_type: str
    ) -> None:
        key = standards.normalised(scheme, value)
        if key is None:
            return
        other = self.made.add([key], _BY_SCHEME.get(key[0]) or kind_of("", general_type), _texts(titles))
        word = word[:1].lower() + word[1:]
        if word in _TURNED:
            self.made.link(other, _TURNED[word], self.main)
        elif word == SAME:
            first, second = sorted((self.main, other))
            self.made.link(first, SAME, second)
        else:
            self.made.link(self.main, word if word in _KEPT else OTHER, other)

    def _funding(self, one: standards.Funding, number: int) -> None:
        names = _texts(one.funder_names)
        keys = _keys([(one.funder_id.scheme, one.funder_id.value)]) if one.funder_id else []
        funder = None
        if keys or names:
            funder = self.made.add(
                keys or [local(f"{self.base}#funder/{name_key(names[0][0]) or names[0][0]}")],
                "institution",
                names,
            )
            self.made.link(self.main, "funder", funder)
        keys = _keys([("JGN", one.award_number), ("URI", one.award_url), ("DOI", one.award_number)])
        if not keys and (one.award_number or one.award_titles):
            keys = [local(f"{self.base}#grant/{one.award_number or number}")]
        if keys:
            names = _texts(one.award_titles) or [(one.award_number, "")]
            grant = self.made.add(keys, "grant", names)
            self.made.link(self.main, "funding", grant)
            if funder is not None:
                self.made.link(grant, "funder", funder)


def _keys(pairs: Iterable[tuple[str, str]]) -> list[Key]:
    return [found for scheme, value in pairs if value and (found := standards.normalised(scheme, value))]


def _contested(keys: list[Key]) -> tuple[Key, ...]:
    """Several identifiers of one scheme of which a thing has one: none of them can be believed."""
    several = {
        key[0] for key in keys if key[0] in SINGLE and any(key[0] == one[0] and key != one for one in keys)
    }
    return tuple(sorted(key for key in set(keys) if key[0] in several))


def _texts(texts: Iterable[standards.Text]) -> list[tuple[str, str]]:
    return [(one.value, one.language) for one in texts if one.value.strip()]


def _in_order(name: str, language: str) -> str:
    """A name as one reads it: family first in Japanese, last elsewhere; libraries write ``Family, Given``."""
    family, comma, given = name.partition(",")
    if not comma:
        return name
    return (
        f"{family} {given.strip()}"
        if language.startswith("ja") and "Latn" not in language
        else f"{given.strip()} {family}"
    )
