"""The agent's words in English and Japanese; the node's pages use the same sentences for what an agent reports."""

from __future__ import annotations

import os
import sys
from typing import Any, Mapping

# code -> (English, Japanese)
REASONS: Mapping[str, tuple[str, str]] = {
    "no_rule": ("No rule fits this name.", "この名前に合う規則がありません。"),
    "no_group": (
        "The name gives no {group} for the dataset's name.",
        "名前から{group}を読み取れないため、データセットの名前が決まりません。",
    ),
    "bad_dataset_name": (
        "The dataset would be called {dataset}, which cannot stand in an address.",
        "データセットの名前が「{dataset}」になり、アドレスに使えません。",
    ),
    "bad_rule": (
        "The pattern {pattern} cannot be read ({reason}).",
        "規則のパターン「{pattern}」を読めません({reason})。",
    ),
    "link": ("A link; links are not followed.", "リンクです。リンクの先は送りません。"),
    "special": ("Not a regular file.", "通常のファイルではありません。"),
    "name_control": (
        "The name holds a control character (a line break, say).",
        "名前に改行などの制御文字があります。",
    ),
    "name_text": ("The name is not valid text.", "名前が文字として正しくありません。"),
    "name_long": ("The name is too long.", "名前が長すぎます。"),
    "permission": ("Reading is not permitted.", "読み取りが許可されていません。"),
    "in_use": (
        "It cannot be opened yet; a program may still hold it ({reason}).",
        "まだ開けません。ほかのプログラムが使用中の可能性があります({reason})。",
    ),
    "unreadable": ("It cannot be read ({reason}).", "読み取れません({reason})。"),
    "empty": ("It holds 0 bytes. It is sent when it has content.", "0バイトです。中身ができたら送ります。"),
    "no_sidecar": (
        "{sidecar} is not there yet, so the measurement is not complete.",
        "測定の完了を示す{sidecar}がまだありません。",
    ),
    "no_group_yet": (
        "{have} of the {want} files that belong together are there.",
        "組になる{want}ファイルのうち、そろっているのは{have}です。",
    ),
    "no_marker": ("The last line is not {marker} yet.", "最後の行がまだ「{marker}」ではありません。"),
    "shrinking": ("It became smaller while it was watched.", "監視中に小さくなりました。"),
    "moving_long": ("It has been changing for {minutes} minutes.", "{minutes}分前から変わり続けています。"),
    "same_place": (
        "Another file already has its place in the dataset: {other}",
        "データセットの同じ場所に、別のファイルがあります: {other}",
    ),
    "vanished": ("It vanished before it was sent.", "送る前になくなりました。"),
    "checksum": (
        "The node received other bytes than were read; it is sent again.",
        "ノードに届いた内容が読んだ内容と違いました。もう一度送ります。",
    ),
    "refused": ("The node refused it: {title} {remedy}", "ノードが受け付けませんでした: {title}{remedy}"),
    "folder_missing": (
        "The folder is not there; a network share may be away.",
        "フォルダーがありません。ネットワーク共有が切れている可能性があります。",
    ),
    "folder_emptied": (
        "The folder is empty although it held files; a network share may be away.",
        "ファイルがあったフォルダーが空です。ネットワーク共有が切れている可能性があります。",
    ),
}
TEXTS: Mapping[str, tuple[str, str]] = {
    "about": (
        "Watches folders of this instrument's PC and sends files that are at rest. The source is only read.",
        "この装置のPCのフォルダーを監視し、書き終わったファイルを送ります。元のフォルダーは読むだけです。",
    ),
    "help_command": (
        "run (default): watch and send; once: send what is at rest and end; status: what is known; install: start with the system; uninstall: no longer",
        "run(省略時): 監視して送り続ける / once: 書き終わった分を送って終わる / status: 状態を表示 / install: 起動時に自動で始める / uninstall: 自動起動をやめる",
    ),
    "help_url": ("address of the node; needed at the first start", "ノードのアドレス(初回だけ必要)"),
    "help_token": ("the instrument's token; needed at the first start", "装置のトークン(初回だけ必要)"),
    "help_home": ("folder for the agent's own ledger and log", "エージェント自身の台帳とログを置くフォルダー"),
    "help_ca": ("certificates (PEM) of the node's own authority", "ノードの認証局の証明書(PEM)"),
    "help_json": ("one JSON line for each event", "出来事を1行ずつJSONで出力"),
    "help_yes": ("install or remove without asking", "確認せずに実行"),
    "needs_url": (
        "The address and the token are not known yet. Copy the command from the instrument's page.",
        "アドレスとトークンがまだありません。装置のページのコマンドをコピーして実行してください。",
    ),
    "bad_url": ("{url} is not an address. It starts with http:// or https://.", "{url}はアドレスではありません。http://かhttps://で始まります。"),
    "in_use": (
        "Another agent already works with {home}. Stop it first, or give another folder with --home.",
        "{home}では別のエージェントが動いています。先に止めるか、--homeで別のフォルダーを指定してください。",
    ),
    "handed_over": (
        "The agent that runs here already takes the new address and token.",
        "動作中のエージェントが、新しいアドレスとトークンを使います。",
    ),
    "started": ("Watching for {url}. Home: {home}. Stop with Ctrl-C; nothing is lost.", "{url}に送ります。台帳: {home} 止めるにはCtrl-Cを押します。止めても失われるものはありません。"),
    "token_kept": (
        "The token is kept; from now on start it without --url and --token.",
        "トークンを保存しました。次からは--urlと--tokenなしで始められます。",
    ),
    "stopped": ("Stopped.", "止めました。"),
    "event_configured": ("Folders: {folders}", "フォルダー: {folders}"),
    "event_at_rest": ("At rest: {path}", "書き終わり: {path}"),
    "event_done": ("Sent: {path} -> {project}/{dataset}", "送りました: {path} -> {project}/{dataset}"),
    "event_same": ("Already there: {path} -> {project}/{dataset}", "すでにあります: {path} -> {project}/{dataset}"),
    "event_changed": ("Changed since it was sent: {path}", "送った後に変わりました: {path}"),
    "event_moved": ("Still changing: {path}", "まだ変わっています: {path}"),
    "event_vanished": ("Vanished before it was sent: {path}", "送る前になくなりました: {path}"),
    "event_online": ("The node answers.", "ノードにつながりました。"),
    "event_offline": ("The node does not answer; files wait here.", "ノードが応答しません。ファイルはここで待ちます。"),
    "event_resting": ("Outside the time for sending; files wait here.", "送る時間帯ではありません。ファイルはここで待ちます。"),
    "event_refused": (
        "The node does not accept the token. Files wait here; make a new command on the instrument's page.",
        "ノードがトークンを受け付けません。ファイルはここで待ちます。装置のページで新しいコマンドを作ってください。",
    ),
    "event_node_moved": ("The node has another address; {files} files are compared with it again.", "ノードのアドレスが変わりました。{files}件をもう一度照合します。"),
    "event_folder_back": ("The folder is back: {folder}", "フォルダーが戻りました: {folder}"),
    "status_none": ("No agent was started with this home: {home}", "このフォルダーではまだ始めていません: {home}"),
    "status_running": ("running", "動作中"),
    "status_stopped": ("not running", "停止中"),
    "status_waiting": ("waiting {queue}, sent {done}, problems {problems}", "待機{queue}件、送信済み{done}件、問題{problems}件"),
    "install_will": ("This will be done:", "次のことを行います:"),
    "install_ask": ("Go on? [y/N] ", "実行しますか? [y/N] "),
    "install_done": ("Done. The agent starts with the system.", "終わりました。次の起動から自動で始まります。"),
    "install_failed": ("It did not work ({reason}). Run the lines above by hand.", "できませんでした({reason})。上の行を手で実行してください。"),
    "uninstall_done": ("Done. The agent no longer starts with the system.", "終わりました。自動では始まりません。"),
}  # fmt: skip


def language() -> str:
    """``ja`` or ``en``, from the environment, then from the system."""
    for name in ("TSUNAGU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    if sys.platform in {"win32", "darwin"}:
        import locale

        return "ja" if (locale.getlocale()[0] or "").lower().startswith("ja") else "en"
    return "en"


def say(code: str, chosen: str, fields: Mapping[str, Any]) -> str:
    """The sentence for a reason; an unknown code (a newer agent) stands for itself."""
    return _fill(REASONS, code, chosen, fields)


def text(key: str, **fields: Any) -> str:
    """A sentence of the command."""
    return _fill(TEXTS, key, language(), fields)


def _fill(table: Mapping[str, tuple[str, str]], key: str, chosen: str, fields: Mapping[str, Any]) -> str:
    pair = table.get(key)
    if pair is None:
        return key
    try:
        return (
            pair[1 if chosen == "ja" else 0]
            .format(**{name: str(value) for name, value in fields.items()})
            .rstrip()
        )
    except (KeyError, IndexError, ValueError):
        return key
