"""Paths sort by code point on PostgreSQL, as on SQLite and in Python: keyset pages and hashes depend on it."""

from django.db import migrations


def collate(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, column, size in (
        ("datasets_filerow", "path", 4096),
        ("datasets_folder", "parent", 4096),
        ("datasets_folder", "name", 1024),
        ("datasets_project", "name", 100),
    ):
        schema_editor.execute(f'alter table "{table}" alter column "{column}" type varchar({size}) collate "C"')


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]
    operations = [migrations.RunPython(collate, migrations.RunPython.noop)]
