"""What the command about the common items says, in both languages."""

EN = {
    "help_common-items": "The Japanese common metadata items of a dataset: show, fill in, accept what is proposed; of a whole project as CSV.",
    "help_items_version": "the items of a frozen version",
    "help_items_set": "set a value by its name (last column); an empty one is removed",
    "help_items_accept": "accept everything that the plan and the institution propose",
    "help_items_csv": "print a table with the official names as CSV",
    "items_missing": "missing",
    "items_proposed": "[proposed: {value}]",
    "items_bad_set": "{said!r} names no value.",
    "items_bad_set_remedy": "Write --set NAME=VALUE; the names stand in the last column of tsunagu common-items.",
}
JA = {
    "help_common-items": "公的資金による研究データの共通メタデータ項目を表示・入力し、提案された値を採用します。プロジェクト全体はCSVで出力します",
    "help_items_version": "この確定版の項目を表示します",
    "help_items_set": "値を入力します（名前は最後の列のもの）。空にすると削除します",
    "help_items_accept": "計画と機関の情報から提案された値をすべて採用します",
    "help_items_csv": "正式な項目名の表をCSVで出力します",
    "items_missing": "未入力",
    "items_proposed": "［提案: {value}］",
    "items_bad_set": "{said!r} には項目の名前と値が必要です。",
    "items_bad_set_remedy": "--set NAME=VALUE の形式で指定してください。名前は tsunagu common-items の最後の列にあります",
}
