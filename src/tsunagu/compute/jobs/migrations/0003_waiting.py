from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_slurm")]
    operations = [migrations.AddField("job", "waiting", models.JSONField(default=dict))]
