"""What a harvester of the national aggregator (IRDB) objects to in a JPCOAR record: one sentence a rule, twice.

The ids are those of jpcoar-validator, an open restatement of IRDB's checks for JPCOAR 2.0, so that a repository manager who
knows one list knows ours. ``OWN`` are rules beside it: what IRDB drops a record for without a name, and what the schema
alone does not see. Errors keep a record (or a field) out of the harvest; warnings are advice.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; the sentences say what is wrong and what to do."""

    id: str
    is_error: bool
    english: str
    japanese: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        where: Path of elements (``jpcoar:creator/jpcoar:creatorName``).
        value: What stands there, cut to 200 characters; empty where something is missing.
    """

    rule: Rule
    where: str
    value: str = ""

    @property
    def id(self) -> str:
        """Of the rule."""
        return self.rule.id

    @property
    def is_error(self) -> bool:
        """Whether it keeps the record, or a field of it, out of the harvest."""
        return self.rule.is_error


_ERRORS = (
    (
        "jpcoar_element_not_found",
        "There is no JPCOAR element in the record; send a record of JPCOAR.",
        "JPCOARの要素がありません。JPCOARスキーマのレコードを送信してください。",
    ),
    (
        "access_rights_without_rdf_resource",
        "The access right has no rdf:resource; add the address of the COAR vocabulary.",
        "アクセス権にrdf:resourceがありません。COAR語彙のURIを付けてください。",
    ),
    (
        "access_rights_wrong_uri",
        "The address of the access right is not one of the four of COAR; choose one of them.",
        "アクセス権のURIがCOAR語彙の4種類のいずれでもありません。4種類から選んでください。",
    ),
    (
        "access_rights_mismatch",
        "The label and the address of the access right differ; make both say the same.",
        "アクセス権の表記とURIが一致していません。どちらかを修正してください。",
    ),
    (
        "embargoed_access_no_available_date",
        "The record is under embargo but has no date of type Available; add the day on which it opens.",
        "エンバーゴ期間中のレコードに、Availableの日付がありません。公開予定日を入力してください。",
    ),
    (
        "coar_version_type_mismatch",
        "The version type and its address differ; make both say the same.",
        "出版タイプの表記とURIが一致していません。どちらかを修正してください。",
    ),
    (
        "xmllang_not_found",
        "The text has no language; add xml:lang.",
        "言語の指定がありません。xml:langを付けてください。",
    ),
    (
        "xmllang_duplicated",
        "The same language stands twice where one is allowed; keep one text for each language.",
        "同じ言語の値が2つ以上あります。言語ごとに1つにしてください。",
    ),
    (
        "xmllang_nojapanese_with_yomi",
        "There is a reading without the Japanese form; add the text with xml:lang ja.",
        '読みだけがあり、日本語表記がありません。xml:lang="ja"の値を加えてください。',
    ),
    (
        "no_creator_in_thesis",
        "A thesis has no creator; name its author.",
        "学位論文に作成者がありません。著者を入力してください。",
    ),
    (
        "identifier_type_mismatch",
        "The identifier does not have the form of its type; correct the value or the type.",
        "識別子の形式が種類と合っていません。値または種類を修正してください。",
    ),
    (
        "identifier_type_pmid",
        "PMID is not in use here; give the PMID as a related identifier.",
        "ここではPMIDを使えません。PMIDは関連識別子として入力してください。",
    ),
    (
        "dissertation_details_not_found",
        "A doctoral thesis lacks its number, degree, date or grantor; add what is missing.",
        "博士論文に、学位授与番号、学位名、学位授与年月日、学位授与機関のいずれかがありません。不足している項目を入力してください。",
    ),
    (
        "positiveInteger",
        "Pages and sequences are whole numbers from 1; remove what is no number.",
        "ページ数、ページ、回次は1以上の整数です。整数でない値は削除してください。",
    ),
    (
        "sourceIdentifierVocab",
        "The type of the source's identifier is not in the list; use PISSN, EISSN or NCID.",
        "収録物識別子の種類が一覧にありません。PISSN、EISSN、NCIDのいずれかにしてください。",
    ),
    (
        "funder_name_not_available",
        "A grant has no name of its funder; add the name.",
        "助成情報に助成機関名がありません。助成機関名を入力してください。",
    ),
    (
        "parse_error",
        "The answer is not well-formed XML; send it again after correcting it.",
        "XMLとして読み取れません。修正してから再送してください。",
    ),
    (
        "no_jpcoar_namespace",
        "The element jpcoar is not in a namespace of JPCOAR; declare the namespace of the version.",
        "jpcoar要素がJPCOARの名前空間に属していません。バージョンに対応する名前空間を宣言してください。",
    ),
    (
        "no_metadataFormat",
        "The repository lists no metadata format; let it answer ListMetadataFormats.",
        "メタデータ形式の一覧がありません。ListMetadataFormatsに応答するようにしてください。",
    ),
    (
        "jpcoar_unsupported",
        "The repository offers no JPCOAR; add a format with the namespace of JPCOAR.",
        "リポジトリがJPCOARに対応していません。JPCOARの名前空間を持つ形式を追加してください。",
    ),
    (
        "not_success_http",
        "The repository did not answer with HTTP 200; ask its manager.",
        "リポジトリの応答がHTTP 200ではありません。管理者に確認してください。",
    ),
    (
        "zero_listrecords",
        "ListRecords gave no record; check that something is published.",
        "ListRecordsの結果が0件です。公開済みのレコードがあるか確認してください。",
    ),
)
_WARNINGS = (
    (
        "vor_relation_not_found",
        "A manuscript names no published version; add a relation isVersionOf with its DOI.",
        "出版者版への関連がありません。isVersionOfで出版者版のDOIを入力してください。",
    ),
    (
        "yomi_not_needed",
        "A family or given name is a reading; give it in the written form.",
        "姓または名に読みが入っています。表記の値にしてください。",
    ),
    (
        "no_comma_creator",
        'A person\'s name has no comma; write "Family, Given", or mark an organisation as Organizational.',
        "個人名にカンマがありません。「姓, 名」の形にするか、団体であればOrganizationalを指定してください。",
    ),
    (
        "contributor_type_not_found",
        "A contributor has no role; choose one, or Other.",
        "寄与者タイプがありません。該当するものを選び、なければOtherにしてください。",
    ),
    (
        "nameidentifier_content_is_uri",
        "The identifier of a name is an address; write the bare identifier, and the address in nameIdentifierURI.",
        "名前識別子の値がURLになっています。値には識別子のみを、URLはnameIdentifierURIに入力してください。",
    ),
    (
        "nameIdentifierScheme_obsolete",
        "The scheme of the identifier is out of use; use e-Rad_Researcher, ORCID, ISNI or ROR.",
        "名前識別子のスキームが非推奨です。e-Rad_Researcher、ORCID、ISNI、RORのいずれかにしてください。",
    ),
    (
        "nameIdentifier_mismatch",
        "The identifier of a name does not have the form of its scheme; check the digits.",
        "名前識別子の形式がスキームと合っていません。桁数と文字を確認してください。",
    ),
    (
        "nameIdentifierURI_mismatch",
        "The address of the identifier does not belong to its scheme; correct the address.",
        "名前識別子のURIがスキームと合っていません。URIを修正してください。",
    ),
    (
        "identifier_type_obsolete",
        "The type of the identifier is out of use; use PISSN or EISSN for ISSN, CRID for NAID, ROR for GRID.",
        "識別子の種類が非推奨です。ISSNはPISSNかEISSN、NAIDはCRID、GRIDはRORに置き換えてください。",
    ),
    (
        "identifier_registration_doi_mismatch",
        "The DOI to be registered is not among the identifiers; give the same DOI in both.",
        "登録するDOIが識別子のDOIと一致していません。同じDOIを入力してください。",
    ),
    (
        "award_number_format_error",
        "A JGN begins with JP and goes on in letters and digits; correct the number or its type.",
        "体系的番号はJPで始まる英数字です。番号または種類を修正してください。",
    ),
    (
        "award_number_type_not_supported",
        "The type of the award number is not JGN; leave the type away.",
        "研究課題番号の種類がJGNではありません。種類の指定を外してください。",
    ),
    (
        "rights_resource_uri_missing",
        "A Creative Commons licence has no address; add it in rdf:resource.",
        "クリエイティブ・コモンズ・ライセンスにURIがありません。rdf:resourceに入力してください。",
    ),
    (
        "publisher_name_not_found",
        "A publisher has a place or a note but no name; add the name.",
        "出版者の注記や出版地はありますが、出版者名がありません。出版者名を入力してください。",
    ),
    (
        "format_iso3166_1",
        "The country of publication is not three letters of ISO 3166-1; write JPN for Japan.",
        "出版地の国名コードがISO 3166-1の3文字ではありません。日本はJPNと入力してください。",
    ),
    (
        "format_version",
        "The version is not a number such as 1.2; leave words away.",
        "バージョンが「1.2」のような番号になっていません。番号のみを入力してください。",
    ),
    (
        "original_language_format",
        "The original language is not three small letters; write jpn for Japanese.",
        "原文の言語が小文字3文字ではありません。日本語はjpnと入力してください。",
    ),
    (
        "volume_unnecessary_chars",
        "The volume or issue holds words; keep the number alone.",
        "巻または号に余分な語が入っています。番号のみにしてください。",
    ),
    (
        "objectype_not_found",
        "The address of a file has no objectType; say what the file is.",
        "ファイルのURIにobjectTypeがありません。ファイルの種類を指定してください。",
    ),
    (
        "mimetype_format",
        "The media type is not of the form type/subtype; correct it.",
        "MIMEタイプがtype/subtypeの形ではありません。修正してください。",
    ),
    (
        "extent_format",
        "The size of a file has no digit; give a number with its unit.",
        "ファイルのサイズに数字がありません。数値と単位を入力してください。",
    ),
    (
        "dissertation_number_format",
        "The number of the thesis does not begin with 甲, 乙 or 他 and 第n号; correct it.",
        "学位授与番号が「甲第n号」「乙第n号」「他第n号」の形ではありません。修正してください。",
    ),
    (
        "degree_name_english",
        "The doctor's degree has no English name; add it.",
        "博士の学位名に英語がありません。英語名を加えてください。",
    ),
    (
        "degree_grantor_kakenhi_missing",
        "The grantor of the doctor's degree has no number of scheme kakenhi; add the five digits.",
        "博士の学位授与機関にkakenhiの機関番号がありません。5桁の番号を加えてください。",
    ),
)
_OWN = (
    (
        "title_not_found",
        "The record has no title; give it one.",
        "タイトルがありません。タイトルを入力してください。",
    ),
    (
        "identifier_not_found",
        "The record has no identifier of its own; give it a DOI, a handle or an address.",
        "識別子がありません。DOI、ハンドル、URIのいずれかを入力してください。",
    ),
    (
        "resource_type_unknown",
        "The resource type is not in the list; choose one of it.",
        "資源タイプが一覧にありません。一覧から選んでください。",
    ),
    (
        "resource_type_mismatch",
        "The label and the address of the resource type differ; make both say the same.",
        "資源タイプの表記とURIが一致していません。どちらかを修正してください。",
    ),
)
OWN = frozenset(rule_id for rule_id, _, _ in _OWN)
RULES: dict[str, Rule] = {
    **{row[0]: Rule(row[0], True, row[1], row[2]) for row in _ERRORS + _OWN},  # noqa: FBT003 - a row of the table
    **{row[0]: Rule(row[0], False, row[1], row[2]) for row in _WARNINGS},  # noqa: FBT003
}
