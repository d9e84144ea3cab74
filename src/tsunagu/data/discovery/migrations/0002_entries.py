from django.db import migrations

# Only PostgreSQL has this table: elsewhere the index lies in a folder. No model stands for it, for its types are
# PostgreSQL's own; ``grown.py`` is the only place that reads and writes it.
_TABLE = """
create table discovery_entry (
  uid varchar(26) not null, face varchar(6) not null, kind varchar(20) not null,
  project_id varchar(26) not null, project varchar(100) not null, access varchar(10) not null,
  has_frozen boolean not null, embargo_until_s bigint not null, levels jsonb not null, origins text[] not null,
  format text[] not null, licence text not null, creator text[] not null, readiness text not null, begun text[] not null,
  year integer not null, updated_s bigint not null, byte_count bigint not null, file_count bigint not null,
  everything text not null, title text not null, creator_words text not null, keyword text not null,
  project_words text not null, value text not null, measured jsonb not null, words tsvector not null,
  primary key (uid, face)
);
create index discovery_entry_words on discovery_entry using gin (words);
create index discovery_entry_newest on discovery_entry (updated_s desc, uid);
create table discovery_state (form varchar(20) primary key, is_whole boolean not null);
"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_TABLE)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("drop table discovery_entry; drop table discovery_state")


class Migration(migrations.Migration):
    dependencies = [("discovery", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
