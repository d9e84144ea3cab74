from django.db import migrations

# The index is made anew by its form (``grown.FORM``), so that what stands in the column until then does not matter.
_ADD = "alter table discovery_entry add column outcome text[] not null default '{}'"


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_ADD)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("alter table discovery_entry drop column outcome")


class Migration(migrations.Migration):
    dependencies = [("discovery", "0002_entries")]
    operations = [migrations.RunPython(add, drop)]
