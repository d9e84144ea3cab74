"""What the machine checks say, in both languages."""

from __future__ import annotations

from tsunagu.data.publication.types import Words

# code -> (what was found, what to do).
FINDINGS: dict[str, tuple[Words, Words]] = {
    "no_title": (
        {"en": "The version has no title.", "ja": "この版には題名がありません。"},
        {
            "en": "Write a title on the metadata page and freeze the next version.",
            "ja": "メタデータのページで題名を入力し、次の版を確定してください。",
        },
    ),
    "one_language": (
        {
            "en": "The title is there in one language only.",
            "ja": "題名が一つの言語でしか書かれていません。",
        },
        {
            "en": "Fill in title_ja and title_en, so that it is found in Japan and abroad.",
            "ja": "国内外から見つけられるように、title_ja と title_en を入力してください。",
        },
    ),
    "no_creators": (
        {"en": "The version names no creators.", "ja": "この版には作成者が書かれていません。"},
        {
            "en": "Name the creators, best with their ORCID iD, and freeze the next version.",
            "ja": "作成者を(できればORCID iDとともに)入力し、次の版を確定してください。",
        },
    ),
    "no_orcid": (
        {
            "en": "{count} of {total} creators have no ORCID iD.",
            "ja": "作成者{total}人のうち{count}人にORCID iDがありません。",
        },
        {
            "en": "Write it in brackets behind the name: Hanako Yamada (0000-0002-1825-0097).",
            "ja": "名前の後ろに括弧で書き添えてください(例: 山田 花子 (0000-0002-1825-0097))。",
        },
    ),
    "no_licence": (
        {
            "en": "The version names no licence, so nobody would know what they may do with it.",
            "ja": "ライセンスが書かれていないため、利用できる範囲が誰にも分かりません。",
        },
        {
            "en": "Choose a licence, such as CC BY 4.0, and freeze the next version.",
            "ja": "CC BY 4.0 などのライセンスを選び、次の版を確定してください。",
        },
    ),
    "unknown_licence": (
        {
            "en": "The licence “{licence}” has no address that machines know.",
            "ja": "ライセンス「{licence}」には、機械が判別できるアドレスがありません。",
        },
        {
            "en": "Use the name of a known licence, or write the address of its text.",
            "ja": "広く使われているライセンスの名前か、条文のアドレスを書いてください。",
        },
    ),
    "closed_metadata": (
        {
            "en": "The common items say that not even the metadata are public.",
            "ja": "共通項目で、メタデータのアクセス権が公開以外になっています。",
        },
        {
            "en": "Set the access right of the metadata to open, or do not publish the version.",
            "ja": "メタデータを公開できる場合は、共通項目のページで公開に変えてください。",
        },
    ),
    "no_description": (
        {"en": "There is no description.", "ja": "説明がありません。"},
        {
            "en": "Say in a few sentences what the data are and how they were made.",
            "ja": "どのようなデータか、どのように作られたかを数文で書いてください。",
        },
    ),
    "no_keywords": (
        {"en": "There are no keywords.", "ja": "キーワードがありません。"},
        {
            "en": "Name three to five words by which others would search.",
            "ja": "検索に使われそうな語を3〜5個挙げてください。",
        },
    ),
    "no_files": (
        {"en": "The version holds no files.", "ja": "この版にはファイルがありません。"},
        {
            "en": "Add files and freeze the next version, or publish the metadata only.",
            "ja": "ファイルを追加して次の版を確定するか、メタデータだけを公開してください。",
        },
    ),
    "personal": (
        {
            "en": "The label says that the data hold personal information, so they cannot be opened.",
            "ja": "個人情報を含むというラベルが付いているため、データを公開できません。",
        },
        {
            "en": "Publish the metadata only, or make an anonymised dataset and publish that.",
            "ja": "メタデータだけを公開するか、匿名化したデータセットを作って公開してください。",
        },
    ),
    "personal_undecided": (
        {
            "en": "Nobody has decided whether the data hold personal information.",
            "ja": "個人情報を含むかどうかが、まだ判断されていません。",
        },
        {
            "en": "Decide the label on the access page of the dataset, or run tsunagu label {place} personal=no.",
            "ja": "データセットのアクセスのページでラベルを決めるか、tsunagu label {place} personal=no を実行してください。",
        },
    ),
    "controlled": (
        {
            "en": "The label says that export control applies or is under review, so the data cannot be opened.",
            "ja": "輸出管理の対象、または確認中のラベルが付いているため、データを公開できません。",
        },
        {
            "en": "Ask the export control office, or publish the metadata only.",
            "ja": "輸出管理の担当部署に確認するか、メタデータだけを公開してください。",
        },
    ),
    "shredded": (
        {
            "en": "The bytes of this dataset were destroyed.",
            "ja": "このデータセットの内容は破棄されています。",
        },
        {"en": "Publish the metadata only.", "ja": "メタデータだけを公開してください。"},
    ),
    "readiness": (
        {
            "en": "AI readiness is {score} of 100. Criteria that are not met: {count}.",
            "ja": "AI利用の準備度は100点中{score}点で、{count}項目が満たされていません。",
        },
        {
            "en": "The page AI-ready of the dataset names them; this does not hinder publication.",
            "ja": "項目はデータセットの「AI利用の準備」のページで確認できます。公開の妨げにはなりません。",
        },
    ),
}
