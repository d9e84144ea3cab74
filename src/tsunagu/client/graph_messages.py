"""What the command about the graph says, in both languages."""

EN = {
    "help_graph": "Show what a thing has to do with others: articles, data, people, institutions, grants.",
    "help_graph_identifier": "a DOI, an ORCID iD, a ROR, the number of a grant, or a whole name",
    "help_graph_kind": "only things of this kind: article, data, software, project, person, institution, instrument, grant, run",
    "graph_none": "Nothing has this identifier or name, or you may not see it.",
    "graph_more": "{count:,} more",
    "graph_conflict": "sources do not agree ({kind}): {values}",
    "graph_several": "{count:,} things have this name; ask again with an identifier.",
}
JA = {
    "help_graph": "論文、データ、研究者、機関、研究費などのつながりを表示します",
    "help_graph_identifier": "DOI、ORCID iD、ROR、課題番号、または正式な名称",
    "help_graph_kind": "種類を限定します（article、data、software、project、person、institution、instrument、grant、run）",
    "graph_none": "該当する項目がないか、閲覧する権限がありません。",
    "graph_more": "他 {count:,} 件",
    "graph_conflict": "出どころの内容が一致していません（{kind}）: {values}",
    "graph_several": "同じ名称の項目が {count:,} 件あります。識別子を指定してください。",
}
