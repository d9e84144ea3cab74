"""The arguments of publish, review and institution."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text

STEPS = (
    "comment",
    "assign",
    "check",
    "ask-changes",
    "approve",
    "reject",
    "publish",
    "correct",
    "withdraw",
    "restore",
    "try-again",
)


def add_commands(add: Any) -> None:
    """Publishing, for owners, curators and administrators."""
    _publish(add)
    _review(add)
    _institution(add)


def _publish(add: Any) -> None:
    publish = add(
        "publish",
        "tsunagu publish films/run-7\ntsunagu publish films/run-7 --version 2 --institution kitamiyama\n"
        "tsunagu publish films/run-7 --access embargoed --opens-on 2027-10-01\n"
        'tsunagu publish films/paper --type "journal article" --text-version AM --article-doi 10.1234/abc --data films/run-7@2',
    )
    publish.add_argument("dataset", metavar="PROJECT/DATASET")
    publish.add_argument(
        "--version", type=int, dest="number", default=0, metavar="N", help=text("help_version")
    )
    publish.add_argument("--institution", default="", metavar="NAME", help=text("help_publish_institution"))
    publish.add_argument(
        "--access",
        default="open",
        choices=["open", "embargoed", "restricted", "metadata"],
        help=text("help_publish_access"),
    )
    publish.add_argument("--opens-on", default="", metavar="DATE", help=text("help_publish_opens_on"))
    publish.add_argument("--type", default="dataset", metavar="TYPE", help=text("help_publish_type"))
    for option in ("text-version", "article-doi", "journal", "issn", "published-on", "no-data", "planned-on"):
        shown = text(f"help_article_{option.replace('-', '_')}")
        publish.add_argument(f"--{option}", default="", metavar="TEXT", help=shown)
    publish.add_argument(
        "--data", action="append", default=[], metavar="DATA", help=text("help_article_data")
    )
    publish.add_argument(
        "--oa-reason",
        default="",
        metavar="CODE[:WORDS]",
        help=text("help_article_oa_reason"),
    )
    publish.add_argument("-m", "--note", default="", metavar="TEXT", help=text("help_publish_note"))


def _review(add: Any) -> None:
    review = add(
        "review",
        "tsunagu review list\ntsunagu review list --assigned me\ntsunagu review show 01J...\n"
        'tsunagu review comment 01J... "Which column is the angle?" --file data/a.csv\n'
        'tsunagu review ask-changes 01J... "Name the instrument." --field description\n'
        "tsunagu review next\ntsunagu review articles --state overdue\ntsunagu review check 01J... --answer 4f1d0c=yes --answer 9a2b77=none\n"
        "tsunagu review approve 01J...",
    )
    review.add_argument("action", choices=["list", "next", "show", "articles", *STEPS])
    review.add_argument("id", nargs="?", default="", metavar="ID", help=text("help_review_id"))
    review.add_argument("text", nargs="?", default="", metavar="TEXT", help=text("help_review_text"))
    review.add_argument("--field", default="", metavar="NAME", help=text("help_review_field"))
    review.add_argument("--file", dest="path", default="", metavar="PATH", help=text("help_review_file"))
    review.add_argument("--to", default="", metavar="EMAIL", help=text("help_review_to"))
    review.add_argument(
        "--answer", dest="answers", action="append", default=[], metavar="ITEM=yes|no|none",
        help=text("help_review_answer"),
    )  # fmt: skip
    review.add_argument("--institution", default="", metavar="NAME", help=text("help_review_institution"))
    review.add_argument("--state", default="", metavar="STATE", help=text("help_review_state"))
    review.add_argument("--assigned", default="", choices=["me", "nobody"], help=text("help_review_assigned"))


def _institution(add: Any) -> None:
    institution = add(
        "institution",
        "tsunagu institution list\n"
        'tsunagu institution set kitamiyama --name-ja 北見山大学 --name-en "Kitamiyama University" --curator hanako@example.ac.jp\n'
        "tsunagu institution set kitamiyama --doi-prefix 10.12345 --doi-agency DataCite",
    )
    institution.add_argument("action", choices=["list", "set"])
    institution.add_argument(
        "name", nargs="?", default="", metavar="NAME", help=text("help_institution_name")
    )
    for option in ("name-ja", "name-en", "ror", "address", "contact", "doi-prefix", "policies", "colour"):
        shown = text(f"help_institution_{option.replace('-', '_')}")
        institution.add_argument(f"--{option}", metavar="TEXT", help=shown)
    institution.add_argument(
        "--doi-agency", choices=["DataCite", "JaLC", ""], help=text("help_institution_doi_agency")
    )
    institution.add_argument(
        "--members-may-publish", choices=["yes", "no"], help=text("help_institution_members")
    )
    institution.add_argument(
        "--curator", dest="curators", action="append", metavar="EMAIL", help=text("help_institution_curator")
    )
    institution.add_argument(
        "--skill",
        dest="skills",
        action="append",
        metavar="EMAIL=WORD,WORD",
        help=text("help_institution_skill"),
    )
    institution.add_argument("--hands-out", choices=["yes", "no"], help=text("help_institution_hands_out"))
    institution.add_argument(
        "--answer-days", type=int, metavar="DAYS", help=text("help_institution_answer_days")
    )
    institution.add_argument(
        "--check",
        dest="checklist",
        action="append",
        metavar="JA|EN|PROJECT",
        help=text("help_institution_check"),
    )
