from django.db import migrations, models


def _handed(apps, schema_editor):
    """So far jobs counted as started when they were handed over."""
    apps.get_model("jobs", "Job").objects.update(handed_at=models.F("started_at"))


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [
        migrations.RemoveIndex(model_name="job", name="jobs_by_project"),
        migrations.AddField("job", "array_id", models.CharField(blank=True, db_index=True, max_length=26)),
        migrations.AddField("job", "handed_at", models.DateTimeField(null=True)),
        migrations.AddField("job", "is_sealed", models.BooleanField(default=False)),
        migrations.AddIndex(
            "job", models.Index(fields=["project_id", "-handed_at"], name="jobs_by_project")
        ),
        migrations.RunPython(_handed, migrations.RunPython.noop),
    ]
