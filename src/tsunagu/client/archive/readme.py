"""The README of an archive, in Japanese and English: it must be enough for somebody who never heard of Tsunagu."""

from __future__ import annotations

from typing import Any

_FILES = (
    (
        "dataset.json",
        "データセットの名称、公開区分、作成元での場所",
        "the dataset: names, access, where it came from",
    ),
    (
        "version.json",
        "版の記録。このファイルのSHA-256が版の名前です。rootはファイル一覧のハッシュ木の根です",
        "the record of the version; its SHA-256 is the version's name, root is the hash tree over the list of files",
    ),
    ("versions.json", "この版までのすべての版とその記録", "every version up to this one, with its record"),
    (
        "description.json",
        "記述(メタデータ)。値ごとに、誰が、または何が述べたか(origin)を示します",
        "the description (metadata); each value names its origin: who or what said it",
    ),
    (
        "file-values.jsonl",
        "各ファイルから読み取った値。1行に1件",
        "values that were read from the files, one a line, each with file and place",
    ),
    ("provenance.json", "来歴(W3C PROV、PROV-JSON形式)", "provenance as W3C PROV (PROV-JSON)"),
    ("runs.jsonl", "来歴のもとになった実行記録。1行に1件", "the runs behind the provenance, one a line"),
    (
        "labels.json",
        "取扱いのラベル(機微度、個人情報、輸出管理など)",
        "labels: sensitivity, personal information, export control ...",
    ),
    (
        "terms.json",
        "AI利用条件(DUO、ODRL、Croissant 1.1形式)",
        "terms for use by AI (DUO and ODRL, as in Croissant 1.1)",
    ),
    ("keeping.json", "保存期間", "until when it must be kept"),
    ("plan.json", "データ管理計画(maDMP 1.2形式)", "the data management plan (maDMP 1.2)"),
    ("ro-crate.json", "RO-Crate 1.2による記述", "the description as RO-Crate 1.2"),
    (
        "croissant.json",
        "Croissant 1.1による記述(機械学習向け)",
        "the description as Croissant 1.1, for machine learning",
    ),
    (
        "evidence/",
        "証拠ファイル。署名とタイムスタンプをopensslと付属のスクリプトで検証できます(evidence/README.txt)",
        "the evidence file: signatures and time stamps that openssl and a script check (evidence/README.txt)",
    ),
)
_FORMS = {
    "bagit": (
        (
            "BagIt 1.0(RFC 8493)のバッグです。ファイルはdata/に、SHA-256の一覧はmanifest-sha256.txtにあります。\n"
            "sha256sum -c manifest-sha256.txt で検査できます。"
        ),
        (
            "This is a BagIt 1.0 bag (RFC 8493). The files lie in data/, their SHA-256 in manifest-sha256.txt;\n"
            "sha256sum -c manifest-sha256.txt checks them."
        ),
    ),
    "ocfl": (
        (
            "OCFL 1.1のオブジェクトです(https://ocfl.io/1.1/spec/)。版ごとのファイルと実体の対応はinventory.jsonにあります。\n"
            "各版のファイルはdata/、文書はmetadata/にあります。"
        ),
        (
            "This is an OCFL 1.1 object (https://ocfl.io/1.1/spec/). inventory.json says for each version which path has which\n"
            "content; in each version the files lie in data/ and the documents in metadata/."
        ),
    ),
}


def text(
    dataset: str, version: dict[str, Any], found: dict[str, Any], *, form: str, left_out: list[str]
) -> str:
    """The README of a version."""
    node = found["node"]
    title = str((version["described"].get("title") or {}).get("value") or "")
    head = [
        f"{title} ({dataset}@{version['number']})" if title else f"{dataset}@{version['number']}",
        "",
        f"{node['name']} <{node['address']}>, {node['software']}",
        f"SHA-256 {version['hash']}",
        f"{version['frozen_at']}",
    ]
    missing = set(left_out)
    kept = [row for row in _FILES if row[0].removesuffix(".json").replace("-", "_") not in missing]
    if "runs" in missing:
        kept = [row for row in kept if row[0] not in {"provenance.json", "runs.jsonl"}]
    parts = ["\n".join(head)]
    for number, heading in ((1, "日本語"), (2, "English")):
        lines = [f"--- {heading} ---", "", _FORMS[form][number - 1], ""]
        lines += [f"metadata/{row[0]}\n    {row[number]}" for row in kept]
        if missing:
            names = ", ".join(sorted(missing))
            lines += [
                "",
                (
                    f"書き出した人に閲覧権限がないか、存在しないため、次の内容は含まれていません: {names}",
                    f"Not in here, because whoever made this archive may not see it or there is none: {names}",
                )[number - 1],
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
