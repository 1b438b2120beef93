"""Clients of Athena, as their users write them, on a running `carelake serve`."""

import os
from datetime import date
from decimal import Decimal

import awswrangler
import boto3
import pandas
import pyathena
import pytest
import sqlalchemy
from pyathena.error import OperationalError
from pyathena.pandas.cursor import PandasCursor
from serving import CREDENTIALS, generated, serving

SQL = "SELECT source, count(*) AS patients, min(birth_date) AS oldest, CAST(sum(1.25) AS decimal(18, 2)) AS cost FROM silver.patients WHERE birth_date IS NOT NULL GROUP BY source ORDER BY source"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def url(lake):
    with serving(lake) as url:
        names = {
            "AWS_ENDPOINT_URL_ATHENA": url,
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(names)
        yield url
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@pytest.fixture(scope="module")
def expected(lake) -> list[tuple]:
    rows = lake.sql(SQL)
    return [(row["source"], int(row["patients"]), date.fromisoformat(row["oldest"]), Decimal(row["cost"])) for row in rows]


@pytest.fixture
def connection(url):
    with pyathena.connect(work_group="analyst", schema_name="gold", region_name="us-east-1", poll_interval=0.05) as connection:
        yield connection


def test_pyathena_reads_rows_of_python_types(connection, expected):
    assert connection.cursor().execute(SQL).fetchall() == expected


def test_pyathena_binds_parameters_and_raises_on_errors(connection, expected):
    cursor = connection.cursor()
    sql = "SELECT count(*) FROM silver.patients WHERE source = %(source)s"
    assert cursor.execute(sql, {"source": "clinic"}).fetchone() == (dict((row[0], row[1]) for row in expected)["clinic"],)
    assert cursor.execute(sql, {"source": "clinic' OR '1' = '1"}).fetchone() == (0,)
    asked = "SELECT count(*) FROM silver.patients WHERE source = ?"
    assert cursor.execute(asked, ["'clinic'"], paramstyle="qmark").fetchone()[0] > 0
    with pytest.raises(OperationalError, match="TABLE_NOT_FOUND"):
        cursor.execute("SELECT * FROM nothing")


def test_pyathena_reads_frames_of_pandas(connection, expected):
    frame = connection.cursor(PandasCursor).execute(SQL).as_pandas()
    assert list(frame.columns) == ["source", "patients", "oldest", "cost"]
    assert list(frame["source"]) == [row[0] for row in expected]
    assert list(frame["patients"]) == [row[1] for row in expected]
    assert list(pandas.to_datetime(frame["oldest"]).dt.date) == [row[2] for row in expected]


def test_pyathena_reads_long_results(connection, lake):
    sql = "SELECT * FROM silver.observations"
    rows = connection.cursor().execute(sql).fetchall()
    frame = connection.cursor(PandasCursor).execute(sql).as_pandas()
    assert len(rows) == len(frame) == int(lake.one("SELECT count(*) FROM silver.observations"))


def test_awswrangler_reads_queries(url, expected):
    frame = awswrangler.athena.read_sql_query(SQL, database="gold", workgroup="analyst", ctas_approach=False)
    assert list(frame["source"]) == [row[0] for row in expected]
    assert list(frame["patients"]) == [row[1] for row in expected]
    assert list(frame["oldest"]) == [row[2] for row in expected]
    assert list(frame["cost"]) == [row[3] for row in expected]
    chunks = awswrangler.athena.read_sql_query(SQL, database="gold", workgroup="analyst", ctas_approach=False, chunksize=2)
    assert sum(len(chunk) for chunk in chunks) == len(expected)
    given = awswrangler.athena.read_sql_query(
        "SELECT count(*) AS n FROM silver.patients WHERE source = ?",
        database="gold",
        workgroup="analyst",
        ctas_approach=False,
        params=["'clinic'"],
        paramstyle="qmark",
    )
    assert int(given["n"][0]) > 0


def test_awswrangler_raises_what_athena_says(url):
    with pytest.raises(awswrangler.exceptions.QueryFailed, match="COLUMN_NOT_FOUND"):
        awswrangler.athena.read_sql_query("SELECT nothing FROM patients", database="gold", workgroup="analyst", ctas_approach=False)


def test_boto3_needs_no_more_than_the_address(url):
    client = boto3.client("athena", endpoint_url=url, **CREDENTIALS)
    assert [one["Name"] for one in client.list_work_groups()["WorkGroups"]] == ["analyst", "primary"]


def test_sqlalchemy_finds_schemas_tables_views_and_columns(url, expected):
    address = url.removeprefix("http://")
    engine = sqlalchemy.create_engine(
        f"awsathena+rest://any:any@athena.us-east-1.amazonaws.com:443/gold?work_group=analyst&endpoint_url=http%3A%2F%2F{address.replace(':', '%3A')}"
    )
    inspector = sqlalchemy.inspect(engine)
    assert {"bronze", "gold", "silver"} <= set(inspector.get_schema_names())
    assert "identity" not in inspector.get_schema_names()
    assert "patients" in inspector.get_table_names(schema="silver")
    assert "patients" in inspector.get_view_names(schema="gold")
    assert "SELECT" in inspector.get_view_definition("patients", schema="gold").upper()
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("patients", schema="silver")}
    assert columns["birth_date"] == "DATE"
    assert not inspector.has_table("nothing", schema="gold")
    table = sqlalchemy.Table("patients", sqlalchemy.MetaData(), schema="silver", autoload_with=engine)
    with engine.connect() as connection:
        count = connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar()
        assert count >= sum(row[1] for row in expected)
        bound = connection.execute(sqlalchemy.text("SELECT count(*) FROM silver.patients WHERE source = :source"), {"source": "clinic"}).scalar()
        assert bound == dict((row[0], row[1]) for row in expected)["clinic"]
