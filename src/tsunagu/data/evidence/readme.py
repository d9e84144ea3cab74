"""The README of an evidence file, in Japanese and English."""

from __future__ import annotations

TEXT = """\
Tsunagu 証拠ファイル / evidence file
{dataset}@{number}
{version}

このフォルダーは、上記の版が {signed_at}(ノードの時計)までに台帳へ記録されていたことを、
Tsunagu を使わずに確認するためのものです。

確認方法(Python 3.8 以降と OpenSSL 3 が必要です)
  python3 verify_evidence.py .
  python3 verify_evidence.py . --data データのフォルダー     データの実体も照合する場合
  python3 verify_evidence.py . --key 公開鍵.pem --ca ルート証明書.pem
    公開鍵とルート証明書は、このフォルダーに同梱されたものではなく、ご自身で入手したものをお使いください。
{stamp_ja}

This folder lets you check, without Tsunagu, that the version above was in the ledger by {signed_at}
(by the clock of the node).

How to check (Python 3.8 or later, OpenSSL 3)
  python3 verify_evidence.py .
  python3 verify_evidence.py . --data FOLDER     compares the files themselves too
  python3 verify_evidence.py . --key NODE.pem --ca ROOT.pem
    Take key and root from where you trust them; those in this folder come from the same hands as the rest.
{stamp_en}

コマンドによる確認 / by single commands
  sha256sum -c SHA256SUMS
  sha256sum version.json                          = {version}
  openssl pkeyutl -verify -rawin -pubin -inkey heads/first/key.pem -in heads/first/head.txt -sigfile heads/first/head.sig
  openssl ts -verify -data heads/first/head.note -in heads/first/stamp.tsr -CAfile heads/first/ca.pem
  openssl ts -verify -queryfile heads/first/stamp.tsq -in heads/first/stamp.tsr -CAfile heads/first/ca.pem
  openssl ts -reply -in heads/first/stamp.tsr -text

内容 / contents
  version.json      版の記録。SHA-256 が版の名前です / record of the version; its SHA-256 is the version's name
  metadata.json     凍結時のメタデータ / description when it was frozen
  manifest.jsonl    ファイルの一覧(パス、サイズ、SHA-256)/ files: path, size, SHA-256
  entries.jsonl     台帳の記録と包含証明 / ledger entries with proofs that they stand in the first head
  consistency.json  最初のヘッドから最新のヘッドへの連続性 / proof that the newest head only adds to the first
  heads/            署名付きヘッド、公開鍵、タイムスタンプ / signed heads, keys, time stamps
{left_out}"""

NOT_INDEPENDENT = (
    "  注意: このタイムスタンプはノード内蔵の試験用時刻局によるもので、第三者の証明にはなりません。",
    "  Note: the time stamp is by the node's own test authority. It is not independent and proves nothing to a doubter.",
)
NO_STAMP = (
    "  注意: タイムスタンプはまだ付与されていません。後でもう一度取得してください。",
    "  Note: there is no time stamp yet. Fetch the evidence again later.",
)
LEFT_OUT = (
    "\n閲覧権限がないため、次の記録は含まれていません / not included, since you may not read it: {what}\n"
)
