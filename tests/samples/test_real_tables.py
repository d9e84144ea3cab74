"""Tables of real files, made behind the real walls: every row that the reading announced is there, once."""

from __future__ import annotations

import contextlib
import io

import pyarrow.parquet as pq
import pytest

from tests.samples.packages import NotHereError, files
from tsunagu.formats import api as formats

pytestmark = pytest.mark.samples
# Package, patterns, how many files become rows.
SETS = {
    "JCAMP-DX": ("jcamp", ("*.jdx", "*.dx"), 140),
    "FCS": ("fcsparser", ("*.fcs",), 14),
    "ECSV and CSV": ("astropy", ("*.ecsv", "*.csv"), 20),
    "pictures": ("scikit-image", ("*.png", "*.jpg", "*.jpeg", "*.gif"), 27),
    "Parquet": ("pyarrow", ("*.parquet",), 1),
}


@pytest.mark.parametrize("name", SETS)
def test_every_announced_row_is_there(pool, name):
    package, patterns, least = SETS[name]
    try:
        paths = {str(number): path for number, path in enumerate(files(package, *patterns))}
    except NotHereError as error:
        pytest.skip(str(error))
    mapping = formats.parse_mapping(formats.default_mapping_text())
    outcomes = {key: mapping.apply(pool.extract(path, name=path.name)) for key, path in paths.items()}
    found = [
        formats.ReadFile(key, paths[key].stat().st_size, outcome.as_json())
        for key, outcome in outcomes.items()
    ]
    plan = formats.plan_tables(found, readers=formats.row_readers(), labels={})
    assert sum(len(table.sources) for table in plan.tables) >= least
    with formats.Converter() as converter:
        for table in plan.tables:
            made = formats.settle(table, lambda one: _attempt(converter, paths, one))
            assert not made.problems
            announced = [
                one.row_count
                for source in made.plan.sources
                for one in outcomes[source.path].reading.tables
                if one.name == source.table
            ]
            rows = pq.read_metadata(io.BytesIO(made.result)).num_rows
            assert rows == made.profile.row_count
            assert None in announced or rows == sum(announced or [rows]), table.name


def _attempt(converter, paths, table):
    sink = io.BytesIO()

    @contextlib.contextmanager
    def open_file(index):
        yield paths[table.sources[index].path]

    return converter.convert(table, open_file, sink.write, limits=formats.Limits()), sink.getvalue()
