"""What proofs need: the roots of full subtrees, and entries by what they are about."""

import json

from django.db import migrations, models

from tsunagu.foundation.ledger import merkle

_BATCH = 5000


def _subject(text):
    body = json.loads(text)
    if "scope" in body:
        return str(body["scope"][1])[:26]
    if "record" in body:
        return str(json.loads(body["record"]).get("dataset", ""))[:26]
    return str(body.get("dataset") or body.get("key") or "")[:26]


def fill(apps, schema_editor):
    entries, subtrees = apps.get_model("ledger", "Entry"), apps.get_model("ledger", "Subtree")
    frontier, size = [], 0
    while True:
        rows = list(entries.objects.filter(index__gte=size).order_by("index").values_list("index", "body", "leaf_hash")[:_BATCH])
        if not rows or rows[0][0] != size:
            return  # a gap is for `tsunagu verify` to name
        full = []
        frontier, size = merkle.extend(frontier, size, [bytes(row[2]) for row in rows], full.append)
        subtrees.objects.bulk_create(subtrees(level=one.level, index=one.index, digest=one.digest) for one in full)
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany(
                'update ledger_entry set subject = %s where "index" = %s',
                [(subject, index) for index, body, _ in rows if (subject := _subject(body))],
            )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Subtree",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("level", "index"), name="ledger_one_subtree")],
            },
        ),
        migrations.AddField(
            model_name="entry",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=26),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("subject", ""), _negated=True),
                fields=["subject", "index"],
                name="ledger_by_subject",
            ),
        ),
    ]
