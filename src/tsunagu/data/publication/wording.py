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


FINDINGS |= {
    "no_publisher_doi": (
        {
            "en": "The manuscript does not name the published article.",
            "ja": "出版された論文のDOIが書かれていません。",
        },
        {
            "en": "Name the publisher's DOI as soon as there is one.",
            "ja": "出版社のDOIが分かりしだい入力してください。",
        },
    ),
    "no_oa_reason": (
        {
            "en": "The article does not open at once, and no reason is on record.",
            "ja": "論文がすぐに公開されず、その理由が記録されていません。",
        },
        {
            "en": "Grants whose calls opened in fiscal year 2025 or later ask for immediate open access: name the reason"
            " and the planned day, or say that the article is not covered.",
            "ja": "2025年度以降に公募された競争的研究費では即時オープンアクセスが求められます。"
            "公開できない理由と公開予定日を入力するか、対象外であることを選択してください。",
        },
    ),
    "no_data_behind": (
        {"en": "The article names no data behind it.", "ja": "論文の根拠データが書かれていません。"},
        {
            "en": "Name the datasets that its figures and results rest on, or say why there are none.",
            "ja": "図や結果のもとになったデータセットを指定するか、ない理由を入力してください。",
        },
    ),
}

# What stands against approval on a checklist: nothing was answered yet, or no.
UNCHECKED: dict[str, tuple[Words, Words]] = {
    "open": (
        {
            "en": "Not answered on the checklist: {item}",
            "ja": "チェックリストの次の項目が未確認です: {item}",
        },
        {"en": "Look at it and answer it.", "ja": "内容を確かめて回答してください。"},
    ),
    "no": (
        {
            "en": "Answered with no on the checklist: {item}",
            "ja": "チェックリストの次の項目が「いいえ」です: {item}",
        },
        {
            "en": "Give it back with what is to be changed, or answer it anew once it is right.",
            "ja": "直すべき点を添えて差し戻すか、直っていれば回答し直してください。",
        },
    ),
}
