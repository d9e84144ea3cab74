"""What the command about notices of other services says, in both languages."""

EN = {
    "help_notices": "Look after notices of other services (COAR Notify).",
    "help_notices_state": "only those in this state; held: what waits for an administrator",
    "help_notices_partners": "list the partner services",
    "help_notices_sent": "list what was sent to services",
    "help_notices_accept": "accept what a notice proposes",
    "help_notices_reject": "reject what a notice proposes",
    "help_notices_let_through": "act on a held notice of a partner service",
    "help_notices_throw_away": "throw a held notice away",
    "notices_done": "{notice}: done",
}
JA = {
    "help_notices": "他のサービスからの通知（COAR Notify）を管理します",
    "help_notices_state": "この状態の通知だけを表示します。held は管理者の判断待ち",
    "help_notices_partners": "連携サービスの一覧を表示します",
    "help_notices_sent": "サービスへ送信した通知の一覧を表示します",
    "help_notices_accept": "通知の提案を承認します",
    "help_notices_reject": "通知の提案を不採用にします",
    "help_notices_let_through": "保留中の連携サービスの通知を受け入れます",
    "help_notices_throw_away": "保留中の通知を破棄します",
    "notices_done": "{notice}: 処理しました",
}
