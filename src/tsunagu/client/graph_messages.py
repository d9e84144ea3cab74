"""What the command about the graph says, in both languages."""

EN = {
    "help_graph": "Show what a thing has to do with others: articles, data, people, institutions, grants.",
    "help_graph_identifier": "a DOI, an ORCID iD, a ROR, the number of a grant, or a whole name",
    "help_graph_kind": "only things of this kind: article, data, software, project, person, institution, instrument, grant, run",
    "help_graph_rebuild": "have the graph made anew from its sources; for administrators",
    "graph_rebuild": "The graph is being made anew. It goes on answering, and what people decided stays.",
    "graph_missing": "Nothing was asked for.",
    "graph_missing_remedy": "tsunagu graph 10.1234/abcd, or another identifier or a whole name",
    "graph_none": "Nothing has this identifier or name, or you may not see it.",
    "graph_more": "{count:,} more",
    "graph_conflict": "sources do not agree ({kind}): {values}",
    "graph_several": "{count:,} things have this name; ask again with an identifier.",
}
JA = {
    "help_graph": "論文、データ、研究者、機関、研究費などのつながりを表示します",
    "help_graph_identifier": "DOI、ORCID iD、ROR、課題番号、または正式な名称",
    "help_graph_kind": "種類を限定します（article、data、software、project、person、institution、instrument、grant、run）",
    "help_graph_rebuild": "グラフを出どころから作り直します（管理者用）",
    "graph_rebuild": "グラフの作り直しを始めました。その間も検索でき、名寄せの判断は保たれます。",
    "graph_missing": "識別子または名称が指定されていません。",
    "graph_missing_remedy": "tsunagu graph 10.1234/abcd のように、識別子または正式な名称を指定してください",
    "graph_none": "該当する項目がないか、閲覧する権限がありません。",
    "graph_more": "他 {count:,} 件",
    "graph_conflict": "出どころの内容が一致していません（{kind}）: {values}",
    "graph_several": "同じ名称の項目が {count:,} 件あります。識別子を指定してください。",
}
