"""Other readers open the lake's tables and see the same rows."""

import duckdb
import polars
import pytest
from conftest import Lake, carelake
from deltalake import DeltaTable


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("readers"))
    carelake("generate", "--patients", 60, "--seed", 3, "--out", lake.landing)
    lake.run()
    return lake


def tables(lake):
    return sorted(path.parent.relative_to(lake.folder) for path in lake.folder.glob("*/*/_delta_log"))


def test_every_delta_table_opens_in_delta_rs_and_polars_with_the_same_rows(lake):
    found = tables(lake)
    assert len(found) > 20
    for table in found:
        rows = int(lake.one(f"SELECT count(*) FROM {table.parts[0]}.{table.parts[1]}"))
        assert DeltaTable(lake.folder / table).to_pyarrow_table().num_rows == rows, table
        assert polars.read_delta(str(lake.folder / table)).height == rows, table


def test_every_delta_table_keeps_the_protocol_that_athena_reads(lake):
    for table in tables(lake):
        delta = DeltaTable(lake.folder / table)
        assert delta.protocol().min_reader_version == 1, table
        assert "timestamp_ntz" not in delta.schema().to_json(), table


def test_a_table_has_the_same_values_in_another_reader(lake):
    ours = sorted(
        tuple(row.values())
        for row in lake.sql("SELECT source, treatment_id, treatment_type, treatment_cost FROM silver.treatments WHERE treatment_cost IS NOT NULL")
    )
    frame = polars.read_delta(str(lake.folder / "silver/treatments")).filter(polars.col("treatment_cost").is_not_null())
    theirs = sorted(tuple(str(value) for value in row) for row in frame.select("source", "treatment_id", "treatment_type", "treatment_cost").iter_rows())
    assert ours == theirs


def test_bronze_is_plain_hive_partitioned_parquet(lake):
    pattern = f"{lake.folder}/bronze/clinic_visits/*/*/*.parquet"
    rows, source = duckdb.sql(f"SELECT count(*), any_value(source) FROM read_parquet('{pattern}', hive_partitioning = true)").fetchall()[0]
    assert rows == int(lake.one("SELECT count(*) FROM bronze.clinic_visits"))
    assert source == "clinic"
    compression = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{pattern}')").fetchall()
    assert compression == [("ZSTD",)]
