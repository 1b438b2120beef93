"""Athena's API over a lake: what clients send, what they get, and what they must not."""

import os
import threading
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import carelake
from serving import Athena, generated, serving

SLOW = "SELECT count(*) FROM silver.observations a CROSS JOIN silver.observations b CROSS JOIN silver.observations c WHERE a.code < b.code"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def url(lake):
    with serving(lake, "--restricted") as url:
        yield url


@pytest.fixture(scope="module")
def athena(url):
    return Athena(url, "analyst")


@pytest.fixture(scope="module")
def restricted(url):
    return Athena(url, "restricted")


def refused(call, *arguments, **more) -> dict:
    with pytest.raises(ClientError) as raised:
        call(*arguments, **more)
    return raised.value.response


def test_a_query_answers_what_the_command_answers(athena, lake):
    sql = "SELECT source, count(*) AS patients FROM patients GROUP BY source ORDER BY source"
    assert athena.run(sql) == [[row["source"], row["patients"]] for row in lake.sql(sql)]


def test_types_and_values_are_athenas(athena):
    query = athena.start(
        "SELECT 1 AS a, CAST(2 AS bigint) AS b, 1.5e0 AS c, CAST(1.5 AS decimal(18, 2)) AS d, true AS e, DATE '2024-02-29' AS f, "
        "TIMESTAMP '2024-02-29 01:02:03' AS g, 'x, \"y\"' AS h, '' AS i, CAST(NULL AS varchar) AS j, ARRAY[1, 2] AS k, 1 + 1"
    )
    athena.ended(query)
    result = athena.client.get_query_results(QueryExecutionId=query)
    columns = [(column["Name"], column["Type"]) for column in result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    assert columns[:6] == [("a", "bigint"), ("b", "bigint"), ("c", "double"), ("d", "decimal"), ("e", "boolean"), ("f", "date")]
    assert columns[6:] == [("g", "timestamp"), ("h", "varchar"), ("i", "varchar"), ("j", "varchar"), ("k", "array"), ("_col11", "bigint")]
    names, values = athena.rows(query)
    assert names == [name for name, _ in columns]
    assert values == ["1", "2", "1.5", "1.50", "true", "2024-02-29", "2024-02-29 01:02:03.000", 'x, "y"', "", None, "[1, 2]", "2"]


def test_long_results_come_in_pages(athena):
    query = athena.start("SELECT patient_id, code FROM silver.observations ORDER BY patient_id, code, value")
    athena.ended(query)
    count = int(athena.run("SELECT count(*) FROM silver.observations")[0][0])
    whole = athena.rows(query)
    assert len(whole) == count + 1 > 1_500
    assert athena.rows(query, PaginationConfig={"PageSize": 333}) == whole
    page = athena.client.get_query_results(QueryExecutionId=query, MaxResults=10)
    assert len(page["ResultSet"]["Rows"]) == 10
    assert page["NextToken"]
    assert refused(athena.client.get_query_results, QueryExecutionId=query, NextToken="x")["Error"]["Code"] == "InvalidRequestException"
    assert "MaxResults" in refused(athena.client.get_query_results, QueryExecutionId=query, MaxResults=1001)["Error"]["Message"]


def test_an_execution_tells_of_itself(athena):
    execution = athena.ended(athena.start("SELECT * FROM silver.patients", QueryExecutionContext={"Database": "silver"}))
    assert execution["StatementType"] == "DML"
    assert execution["QueryExecutionContext"]["Database"] == "silver"
    assert execution["ResultConfiguration"]["OutputLocation"].endswith(f"analyst/{execution['QueryExecutionId']}.csv")
    assert execution["Statistics"]["DataScannedInBytes"] > 0
    assert execution["Status"]["CompletionDateTime"] >= execution["Status"]["SubmissionDateTime"]
    batch = athena.client.batch_get_query_execution(QueryExecutionIds=[execution["QueryExecutionId"], "no-such"])
    assert [one["QueryExecutionId"] for one in batch["QueryExecutions"]] == [execution["QueryExecutionId"]]
    assert [one["QueryExecutionId"] for one in batch["UnprocessedQueryExecutionIds"]] == ["no-such"]
    assert execution["QueryExecutionId"] in athena.client.list_query_executions(WorkGroup="analyst")["QueryExecutionIds"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed."),
        ("DROP TABLE gold.patients", "not supported"),
        ("INSERT INTO gold.patients SELECT 1", "not supported"),
        ("SELECT * FROM 'x' WHERE", "line 1:"),
    ],
)
def test_what_is_no_query_is_refused_at_once(athena, sql, words):
    error = refused(athena.start, sql)["Error"]
    assert error["Code"] == "InvalidRequestException"
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT *\nFROM nothing", "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.gold.nothing' does not exist"),
        ("SELECT * FROM no.nothing", "SCHEMA_NOT_FOUND: line 1:15: Schema 'no' does not exist"),
        ("SELECT nothing FROM patients", "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved"),
        ("SELECT nothing(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nothing' not registered"),
        ("SELECT 1 / (SELECT count(*) FROM patients WHERE 1 = 2)", "DIVISION_BY_ZERO"),
        ("SELECT CAST(patient_id AS integer) FROM silver.patients", "INVALID_CAST_ARGUMENT"),
        ("SELECT DATE '2024-01-01' + true", ""),
        ("EXECUTE nothing USING 1", "SYNTAX_ERROR: PreparedStatement nothing was not found"),
    ],
)
def test_a_query_that_fails_says_why_and_repeats_no_value(athena, sql, words):
    status = athena.failure(sql)
    assert status["StateChangeReason"].startswith(words)
    assert status["AthenaError"]["ErrorCategory"] == 2
    assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
    some = athena.run("SELECT patient_id FROM silver.patients LIMIT 1")[0][0]
    assert some not in str(status)


def test_results_of_what_has_none_are_refused(athena):
    query = athena.start("SELECT nothing")
    athena.ended(query)
    assert "Final query state: FAILED" in refused(athena.client.get_query_results, QueryExecutionId=query)["Error"]["Message"]
    assert "was not found" in refused(athena.client.get_query_execution, QueryExecutionId="0")["Error"]["Message"]


def test_parameters_are_values_and_nothing_else(athena):
    sql = "SELECT count(*) FROM silver.patients WHERE source = ? AND birth_date > ?"
    assert int(athena.run(sql, "'clinic'", "DATE '1900-01-01'")[0][0]) > 0
    assert athena.run(sql, "'clinic'' OR ''1'' = ''1'", "DATE '1900-01-01'") == [["0"]]
    for injected in ("'clinic' OR 1 = 1", "clinic", "(SELECT source FROM silver.patients)", "'a'; SELECT 1"):
        assert "parameter 1 is no literal" in athena.failure(sql, injected, "DATE '1900-01-01'")["StateChangeReason"]
    assert "expected 2 but found 1" in athena.failure(sql, "'clinic'")["StateChangeReason"]
    execution = athena.state(athena.start(sql, "'clinic'", "DATE '1900-01-01'"))
    assert execution["ExecutionParameters"] == ["'clinic'", "DATE '1900-01-01'"]


def test_prepared_statements_are_kept_run_and_removed(athena, restricted):
    client = athena.client
    shipped = [one["StatementName"] for one in client.list_prepared_statements(WorkGroup="analyst")["PreparedStatements"]]
    assert shipped == ["get_doctor_summary"]
    assert "get_patient_history" in str(client.list_prepared_statements(WorkGroup="restricted"))
    doctor = athena.run("SELECT practitioner_id FROM silver.practitioners WHERE feed = 'clinic' LIMIT 1")[0][0]
    assert len(athena.run(f"EXECUTE get_doctor_summary USING '{doctor}'")) == 1
    assert athena.run("EXECUTE get_doctor_summary", f"'{doctor}'") == athena.run(f"EXECUTE get_doctor_summary USING '{doctor}'")
    mine = {"StatementName": "mine", "WorkGroup": "analyst"}
    client.create_prepared_statement(**mine, QueryStatement="SELECT ? + 1 AS next")
    assert "already exists" in refused(client.create_prepared_statement, **mine, QueryStatement="SELECT 1")["Error"]["Message"]
    assert athena.run("EXECUTE mine USING 41") == [["42"]]
    client.update_prepared_statement(**mine, QueryStatement="SELECT ? + 2 AS next")
    assert client.get_prepared_statement(**mine)["PreparedStatement"]["QueryStatement"] == "SELECT ? + 2 AS next"
    assert athena.run("EXECUTE mine USING 40") == [["42"]]
    client.delete_prepared_statement(**mine)
    assert refused(client.get_prepared_statement, **mine)["Error"]["Code"] == "ResourceNotFoundException"
    athena.run("PREPARE told FROM SELECT 7")
    assert athena.run("EXECUTE told") == [["7"]]
    athena.run("DEALLOCATE PREPARE told")
    assert "told" in athena.failure("EXECUTE told")["StateChangeReason"]
    patient = restricted.run("SELECT patient_id FROM identity.patients WHERE source = 'clinic' LIMIT 1")
    assert patient


def test_the_catalogue_is_listed_and_described(athena):
    client = athena.client
    assert [one["CatalogName"] for one in client.list_data_catalogs()["DataCatalogsSummary"]] == ["AwsDataCatalog"]
    databases = [one["Name"] for one in client.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    assert databases == ["bronze", "codes", "gold", "silver"] or databases == ["bronze", "gold", "silver"]
    assert [row[0] for row in athena.run("SHOW DATABASES")] == databases
    pages = client.get_paginator("list_table_metadata").paginate(CatalogName="AwsDataCatalog", DatabaseName="gold", PaginationConfig={"PageSize": 7})
    tables = [one["Name"] for page in pages for one in page["TableMetadataList"]]
    assert tables == [row[0] for row in athena.run("SHOW TABLES IN gold")] == sorted(tables)
    assert [row[0] for row in athena.run("SHOW TABLES IN gold 'pat*s'")] == [name for name in tables if name.startswith("pat") and name.endswith("s")]
    table = client.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="silver", TableName="patients")["TableMetadata"]
    columns = [(column["Name"], column["Type"]) for column in table["Columns"] + table["PartitionKeys"]]
    assert ("birth_date", "date") in columns
    described = [tuple(row[:2]) for row in athena.run("DESCRIBE silver.patients")]
    assert columns == described[: len(columns)]
    assert [row[0] for row in athena.run("SHOW COLUMNS IN silver.patients")] == [name for name, _ in columns]
    assert any(row[0].startswith("source=clinic/year=") for row in athena.run("SHOW PARTITIONS silver.encounters"))
    assert "not a partitioned table" in athena.failure("SHOW PARTITIONS gold.patients")["StateChangeReason"]
    assert athena.run("SHOW CREATE VIEW gold.patients")[0][0] == "CREATE VIEW gold.patients AS"
    assert athena.run("SHOW CREATE TABLE silver.patients")[0][0].startswith("CREATE EXTERNAL TABLE")
    assert refused(client.get_table_metadata, CatalogName="AwsDataCatalog", DatabaseName="gold", TableName="no")["Error"]["Code"] == "MetadataException"
    told = athena.run(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'silver' AND table_name = 'patients' ORDER BY ordinal_position"
    )
    assert [name for name, _ in told] == [name for name, _ in columns]
    assert dict(map(tuple, told))["birth_date"] == "date"
    assert athena.run("SELECT table_type FROM information_schema.tables WHERE table_schema = 'gold' AND table_name = 'patients'") == [["VIEW"]]


def test_the_analysts_do_not_see_who_a_patient_is(athena, restricted, url):
    names = [row[0] for row in restricted.run("SELECT full_name FROM identity.patients WHERE full_name IS NOT NULL LIMIT 5")]
    assert names
    assert restricted.run("SELECT count(*) FROM gold_identified.patients") != [["0"]]
    for group in (athena, Athena(url), Athena(url, "carelake-analyst")):
        for sql in (
            "SELECT * FROM identity.patients",
            'SELECT * FROM "AwsDataCatalog"."IDENTITY"."patients"',
            "SELECT * FROM gold_identified.patients",
            "SELECT (SELECT max(full_name) FROM identity.patients)",
            "WITH x AS (SELECT * FROM gold_identified.patients) SELECT * FROM x",
            "DESCRIBE identity.patients",
            "SHOW TABLES IN identity",
            "SHOW CREATE VIEW gold_identified.patients",
            "CREATE VIEW gold.peek AS SELECT * FROM identity.patients",
            "EXPLAIN SELECT * FROM identity.patients",
            "EXECUTE get_patient_history USING 'P1'",
        ):
            assert not any(name in str(group.failure(sql)) for name in names)
        assert group.run("SELECT * FROM information_schema.tables WHERE table_schema LIKE '%identi%' OR table_schema = 'quarantine'") == []
        assert "identi" not in str(group.client.list_databases(CatalogName="AwsDataCatalog"))
    for name in ("identity", "gold_identified", "quarantine"):
        error = refused(athena.client.list_table_metadata, CatalogName="AwsDataCatalog", DatabaseName=name, WorkGroup="analyst")
        assert error["Error"]["Code"] == "MetadataException"
    assert "SCHEMA_NOT_FOUND" in restricted.failure("CREATE VIEW gold.peek AS SELECT full_name FROM identity.patients")["StateChangeReason"]


def test_the_restricted_group_is_served_only_when_asked_for(lake):
    with serving(lake) as url:
        error = refused(Athena(url, "restricted").start, "SELECT 1")["Error"]
        assert error["Code"] == "InvalidRequestException"
        assert "--restricted" in error["Message"]
        assert [one["Name"] for one in Athena(url).client.list_work_groups()["WorkGroups"]] == ["analyst", "primary"]


def test_views_are_made_replaced_and_seen_by_the_command(athena, lake):
    athena.run("CREATE OR REPLACE VIEW cities AS SELECT source, city, count(*) AS patients FROM silver.patients GROUP BY source, city")
    assert athena.run("SELECT sum(patients) FROM cities") == [[lake.one("SELECT count(*) FROM silver.patients")]]
    assert "ALREADY_EXISTS" in athena.failure("CREATE VIEW cities AS SELECT 1 AS one")["StateChangeReason"]
    athena.run("CREATE OR REPLACE VIEW gold.cities AS SELECT 'x' AS source")
    assert lake.one("SELECT source FROM gold.cities") == "x"
    athena.run("CREATE OR REPLACE VIEW around AS SELECT * FROM cities")
    assert "TABLE_NOT_FOUND" in athena.failure("CREATE OR REPLACE VIEW cities AS SELECT * FROM cities")["StateChangeReason"]
    assert athena.failure("CREATE OR REPLACE VIEW cities AS SELECT * FROM around")
    assert "PERMISSION_DENIED" in athena.failure("CREATE OR REPLACE VIEW gold.patients AS SELECT 1 AS one")["StateChangeReason"]
    assert "PERMISSION_DENIED" in athena.failure("CREATE VIEW silver.mine AS SELECT 1 AS one")["StateChangeReason"]
    lake.run()
    assert lake.one("SELECT source FROM gold.around") == "x"
    athena.run("DROP VIEW around")
    athena.run("DROP VIEW IF EXISTS around")
    athena.run("DROP VIEW gold.cities")
    assert "TABLE_NOT_FOUND" in athena.failure("SELECT * FROM cities")["StateChangeReason"]
    assert "PERMISSION_DENIED" in athena.failure("DROP VIEW gold.patients")["StateChangeReason"]


def test_a_result_is_an_object_of_the_output_location_until_it_is_deleted(athena, lake):
    before = sorted(str(file) for file in lake.folder.rglob("*"))
    query = athena.start("SELECT 1 AS one, CAST(NULL AS varchar) AS none, 'a\"b' AS text")
    bucket, key = athena.ended(query)["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").split("/", 1)
    text = b'"one","none","text"\n"1",,"a""b"\n'
    assert athena.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == text
    assert athena.s3.get_object(Bucket=bucket, Key=key, Range="bytes=1-3")["Body"].read() == b"one"
    assert athena.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(text)
    assert b"ColumnInfo" in athena.s3.get_object(Bucket=bucket, Key=f"{key}.metadata")["Body"].read()
    assert key in [one["Key"] for one in athena.s3.list_objects_v2(Bucket=bucket, Prefix="analyst/")["Contents"]]
    assert sorted(str(file) for file in lake.folder.rglob("*")) == before, "a result left a file in the lake"
    athena.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": f"{key}.metadata"}]})
    assert refused(athena.s3.get_object, Bucket=bucket, Key=key)["Error"]["Code"] == "NoSuchKey"
    assert "deleted" in refused(athena.client.get_query_results, QueryExecutionId=query)["Error"]["Message"]
    for wrong in ("analyst/../../identity/.key", "restricted/x.csv", "..%2f..%2fidentity/.key"):
        assert refused(athena.s3.get_object, Bucket=bucket, Key=wrong)["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket")


def test_a_stopped_query_ends_at_once(athena):
    query = athena.start(SLOW)
    while athena.state(query)["Status"]["State"] == "QUEUED":
        time.sleep(0.01)
    start = time.monotonic()
    athena.client.stop_query_execution(QueryExecutionId=query)
    assert athena.ended(query)["Status"]["State"] == "CANCELLED"
    assert athena.run("SELECT 1") == [["1"]]
    assert time.monotonic() - start < 20
    assert "CANCELLED" in refused(athena.client.get_query_results, QueryExecutionId=query)["Error"]["Message"]


def test_limits_end_a_query_and_say_which(lake):
    with serving(lake, "--memory", 1, "--max-result", 1) as url:
        athena = Athena(url)
        large = "SELECT a.code, b.code AS other FROM silver.observations a CROSS JOIN silver.observations b"
        assert "--max-result" in athena.failure(large)["StateChangeReason"]
        joined = "SELECT count(DISTINCT a.patient_id || a.code || b.code) FROM silver.observations a JOIN silver.observations b ON a.source = b.source"
        status = athena.ended(athena.start(joined))["Status"]
        assert status["State"] == "SUCCEEDED" or "--memory" in status["StateChangeReason"]
        assert athena.run("SELECT 1") == [["1"]]
    with serving(lake, "--timeout", 0) as url:
        assert "timed out" in Athena(url).failure(SLOW)["StateChangeReason"]


def test_the_same_request_sent_again_is_the_same_query(athena):
    token = {"ClientRequestToken": "a-token-of-thirty-two-characters-0"}
    first = athena.start("SELECT 1", **token)
    assert athena.start("SELECT 1", **token) == first
    assert "Idempotent" in refused(athena.start, "SELECT 2", **token)["Error"]["Message"]


def test_many_clients_at_once_get_their_own_answers(url):
    wrong = []

    def work(number: int):
        athena = Athena(url, "analyst")
        for step in range(5):
            if athena.run(f"SELECT {number}, {step}, count(*) > 0 FROM silver.patients") != [[str(number), str(step), "true"]]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_browsers_and_strange_requests_are_refused(url):
    def status(headers: dict, path="/", body=None) -> int:
        try:
            return urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    target = {"X-Amz-Target": "AmazonAthena.ListWorkGroups"}
    assert status(target, body=b"{}") == 200
    assert status({**target, "Origin": "http://evil.example"}, body=b"{}") == 403
    assert status({**target, "Host": "evil.example"}, body=b"{}") == 403
    assert status(target, body=b"{nonsense") == 400
    assert status({"X-Amz-Target": "AmazonAthena.DeleteWorkGroup"}, body=b"{}") == 400
    assert status({"X-Amz-Target": "DynamoDB.ListTables"}, body=b"{}") == 400
    assert status({}, "/etc/passwd") == 404
    assert status({}, "/" + "a" * 40_000) in (400, 431)


def test_a_taken_port_is_told(lake, url):
    done = carelake("serve", "--lake", lake.folder, "--port", url.rsplit(":", 1)[1], check=False)
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert os.listdir(lake.folder)
