from django.db import migrations
from django.db.models import Max


def take_back(apps, schema_editor):
    """Versions that were withdrawn are no longer seen by others, also where another version keeps the dataset open."""
    datasets, versions = (apps.get_model("datasets", name).objects for name in ("Dataset", "Version"))
    gone = apps.get_model("publication", "Publication").objects.filter(state="withdrawn")
    for row in gone.iterator():
        found = versions.filter(dataset__uid=row.dataset_id, number=row.number)
        if not found.update(is_released=False):
            continue
        shown = versions.filter(dataset__uid=row.dataset_id, is_released=True)
        last = shown.aggregate(last=Max("number"))["last"] or 0
        datasets.filter(uid=row.dataset_id).update(has_unreleased=True, last_released=last)


class Migration(migrations.Migration):
    dependencies = [("publication", "0006_moved"), ("datasets", "0006_releasing")]
    operations = [migrations.RunPython(take_back, migrations.RunPython.noop)]
