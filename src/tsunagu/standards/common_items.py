"""The metadata items that publicly funded research data in Japan have in common, in the words of a JPCOAR record.

Source: 公的資金による研究データの共通メタデータ項目 as JPCOAR's sample 14 (``14_common_metadata_elements_cao.xml``) maps it, and
the lists of e-Rad as GakuNin RDM implements them. Names of ministries are written out in English.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from tsunagu.standards.published import (
    Description,
    Funding,
    Party,
    PartyId,
    PublicFile,
    PublicRecord,
    Relation,
    Right,
    Subject,
    Text,
)

Words = tuple[str, str]  # Japanese, English

# Key -> names and e-Rad's code.
FUNDERS: Mapping[str, tuple[str, str, str]] = {
    "AMED": ("国立研究開発法人日本医療研究開発機構", "Japan Agency for Medical Research and Development", "303"),
    "CAO": ("内閣府", "Cabinet Office", "301"),
    "ENV": ("環境省", "Ministry of the Environment", "1501"),
    "ERCA": ("独立行政法人環境再生保全機構", "Environmental Restoration and Conservation Agency", "1502"),
    "FDMA": ("消防庁", "Fire and Disaster Management Agency", "605"),
    "JSPS": ("独立行政法人日本学術振興会", "Japan Society for the Promotion of Science", "1025"),
    "JST": ("国立研究開発法人科学技術振興機構", "Japan Science and Technology Agency", "1020"),
    "MAFF": ("農林水産省", "Ministry of Agriculture, Forestry and Fisheries", "1201"),
    "METI": ("経済産業省", "Ministry of Economy, Trade and Industry", "1301"),
    "MEXT": ("文部科学省", "Ministry of Education, Culture, Sports, Science and Technology", "1001"),
    "MHLW": ("厚生労働省", "Ministry of Health, Labour and Welfare", "1101"),
    "MLIT": ("国土交通省", "Ministry of Land, Infrastructure, Transport and Tourism", "1401"),
    "MOD": ("防衛省", "Ministry of Defense", "501"),
    "NARO": ("国立研究開発法人農業・食品産業技術総合研究機構", "National Agriculture and Food Research Organization", "1205"),
    "NEDO": ("国立研究開発法人新エネルギー・産業技術総合開発機構", "New Energy and Industrial Technology Development Organization", "1305"),
    "NIBIOHN": ("国立研究開発法人医薬基盤・健康・栄養研究所", "National Institutes of Biomedical Innovation, Health and Nutrition", "1106"),
    "NICT": ("国立研究開発法人情報通信研究機構", "National Institute of Information and Communications Technology", "615"),
    "NILIM": ("国土技術政策総合研究所", "National Institute for Land and Infrastructure Management", "1405"),
    "NRA": ("原子力規制庁", "Nuclear Regulation Authority", "1503"),
    "PRIMAFF": ("農林水産省農林水産政策研究所", "Policy Research Institute, Ministry of Agriculture, Forestry and Fisheries", "1203"),
    "SOUMU": ("総務省", "Ministry of Internal Affairs and Communications", "601"),
}  # fmt: skip
FIELDS: Mapping[str, Words] = {
    "189": ("ライフサイエンス", "Life Science"),
    "289": ("情報通信", "Informatics"),
    "389": ("環境", "Environmental Science"),
    "489": ("ナノテク・材料", "Nanotechnology/Materials"),
    "589": ("エネルギー", "Energy Engineering"),
    "689": ("ものづくり技術", "Manufacturing Technology"),
    "789": ("社会基盤", "Social Infrastructure"),
    "889": ("フロンティア", "Frontier Technology"),
    "900": ("人文・社会", "Humanities & Social Sciences"),
    "1000": ("自然科学一般", "Natural Science"),
    "9999": ("その他", "Others"),
}
DATA_TYPES: Mapping[str, Words] = {
    "dataset": ("データセット", "dataset"),
    "aggregated data": ("集計データ", "aggregated data"),
    "clinical trial data": ("臨床試験データ", "clinical trial data"),
    "compiled data": ("編集データ", "compiled data"),
    "encoded data": ("符号化データ", "encoded data"),
    "experimental data": ("実験データ", "experimental data"),
    "genomic data": ("ゲノムデータ", "genomic data"),
    "geospatial data": ("地理空間データ", "geospatial data"),
    "laboratory notebook": ("実験ノート", "laboratory notebook"),
    "measurement and test data": ("測定・評価データ", "measurement and test data"),
    "observational data": ("観測データ", "observational data"),
    "recorded data": ("記録データ", "recorded data"),
    "simulation data": ("シミュレーションデータ", "simulation data"),
    "survey data": ("調査データ", "survey data"),
}
CHARGES: Mapping[str, Words] = {"free": ("無償", "free of charge"), "consideration": ("有償", "for a fee")}
MANAGERS: Mapping[str, Words] = {
    "individual": ("個人", "individual"),
    "organization": ("組織", "organization"),
}
METADATA_ACCESS: Mapping[str, Words] = {
    "open": ("公開", "open"),
    "restricted": ("共有", "restricted"),
    "closed": ("非共有・非公開", "closed"),
}
ACCESS_WORDS: Mapping[str, Words] = {
    "open access": ("公開", "open access"),
    "restricted access": ("共有", "restricted access"),
    "metadata only access": ("非共有・非公開", "metadata only access"),
    "embargoed access": ("公開期間猶予", "embargoed access"),
}
_IN_TWO = ("programme", "project_title", "terms_of_use", "hosting_institution", "manager", "remarks")
# What people say of a dataset under these names; title, description, creators and licence have theirs already.
COMMON_NAMES = (
    "funder",
    "programme_code",
    "award_number",
    "project_field",
    "data_number",
    "data_field",
    "data_type",
    "data_size",
    "charge",
    "hosting_institution_ror",
    "manager_kind",
    "manager_erad",
    "contact_mail",
    "contact_organisation",
    "contact_address",
    "contact_phone",
    "metadata_access",
    *(f"{name}_{language}" for name in _IN_TWO for language in ("ja", "en")),
)
SAME_FIELD = "project"  # a dataset's field: that of the project


def with_common_items(record: PublicRecord, said: Mapping[str, Any]) -> PublicRecord:
    """The record with what was said under ``COMMON_NAMES``, where the official mapping puts it.

    Args:
        record: The record without it.
        said: Values of the description by name.
    """
    fundings = [_funding(said, record)] if _says_funding(said) else []
    numbers = {one.award_number for one in fundings if one.award_number}
    size = _text(said, "data_size") or (record.extents[-1].value if record.extents else "")
    data_type = _text(said, "data_type")
    is_plain = record.resource_type == "dataset" and data_type in DATA_TYPES
    return dataclasses.replace(
        record,
        resource_type=data_type if is_plain else record.resource_type,
        contributors=(*record.contributors, *_contributors(said)),
        rights=(*record.rights, *_rights(said)),
        subjects=(*record.subjects, *_subjects(said)),
        descriptions=(*record.descriptions, *(Description(one, "Other") for one in _texts(said, "remarks"))),
        relations=(*record.relations, *_numbers(said)),
        fundings=(*fundings, *(one for one in record.fundings if _jgn(one.award_number) not in numbers)),
        # Data that nobody else gets are said to be there, and how large they are.
        files=record.files or ((PublicFile("", type="dataset", extents=(size,)),) if size and _is_said(said) else ()),
    )  # fmt: skip


def _is_said(said: Mapping[str, Any]) -> bool:
    return any(_text(said, name) for name in COMMON_NAMES)


def _text(said: Mapping[str, Any], name: str) -> str:
    return str(said.get(name) or "").strip()


def _texts(said: Mapping[str, Any], name: str) -> tuple[Text, ...]:
    both = ((language, _text(said, f"{name}_{language}")) for language in ("ja", "en"))
    return tuple(Text(value, language) for language, value in both if value)


def _both(words: tuple[str, ...]) -> tuple[Text, Text]:
    return Text(words[0], "ja"), Text(words[1], "en")


def _contributors(said: Mapping[str, Any]) -> Iterator[Party]:
    hosts = _texts(said, "hosting_institution")
    ror = _text(said, "hosting_institution_ror")
    if hosts:
        ids = (PartyId("ROR", ror, ror),) if ror else ()
        yield Party(hosts, is_organization=True, ids=ids, role="HostingInstitution")
    managers = _texts(said, "manager")
    number = _text(said, "manager_erad")
    if managers:
        is_office = _text(said, "manager_kind") != "individual"
        # The code of the institution is not the manager's: none is written here.
        ids = (PartyId("e-Rad_Researcher", number),) if number and not is_office else ()
        yield Party(managers, is_organization=is_office, ids=ids, role="DataManager")
    contact = _text(said, "contact_mail") or "　".join(
        filter(None, (_text(said, f"contact_{name}") for name in ("organisation", "address", "phone")))
    )
    if contact:
        language = "en" if contact.isascii() else "ja"
        yield Party((Text(contact, language),), is_organization=True, role="ContactPerson")


def _rights(said: Mapping[str, Any]) -> Iterator[Right]:
    charge = CHARGES.get(_text(said, "charge"))
    if charge:
        yield from (Right(one) for one in _both(charge))
    yield from (Right(one) for one in _texts(said, "terms_of_use"))


def _subjects(said: Mapping[str, Any]) -> Iterator[Subject]:
    field = _text(said, "data_field")
    if field in {"", SAME_FIELD}:
        field = _text(said, "project_field")
    if field in FIELDS:
        yield from (Subject(one, "e-Rad_field") for one in _both(FIELDS[field]))


def _numbers(said: Mapping[str, Any]) -> Iterator[Relation]:
    number = _text(said, "data_number")
    if number:
        yield Relation("isIdenticalTo", "Local", number)


def _says_funding(said: Mapping[str, Any]) -> bool:
    return _text(said, "funder") in FUNDERS


def _funding(said: Mapping[str, Any], record: PublicRecord) -> Funding:
    """Who paid. What the plan says of the same grant adds the funder's identifier."""
    number = _jgn(_text(said, "award_number"))
    known = next((one for one in record.fundings if number and _jgn(one.award_number) == number), None)
    return Funding(
        _both(FUNDERS[_text(said, "funder")]),
        known.funder_id if known else None,
        stream_id=_text(said, "programme_code"),
        stream_names=_texts(said, "programme"),
        award_number=number,
        award_url=known.award_url if known else "",
        award_titles=_texts(said, "project_title") or (known.award_titles if known else ()),
    )


def _jgn(number: str) -> str:
    """A number of the systematic kind: a KAKENHI number is written without JP in many places."""
    return f"JP{number}" if len(number) == len("24K00366") and number[:2].isdecimal() else number
