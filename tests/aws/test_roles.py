"""What the template's roles may do, and above all what they may not: IAM's policies are enforced on the emulator."""

import json

import pytest
from botocore.exceptions import ClientError

OBJECTS = {
    "gold": ("lake", "gold/probe/x"),
    "silver": ("lake", "silver/probe/x"),
    "bronze": ("lake", "bronze/probe/x"),
    "quarantine": ("lake", "quarantine/probe/x"),
    "names": ("lake", "gold_identified/probe/x"),
    "identity": ("identity", "identity/probe/x"),
    "key": ("identity", "identity/.probe"),
    "landing": ("landing", "probe"),
    "results": ("results", "analyst/probe"),
    "results with names": ("results", "restricted/probe"),
}
READS = {
    "analyst": {"gold", "silver", "bronze", "results"},
    "restricted": {"gold", "silver", "bronze", "quarantine", "names", "identity", "results with names"},
}
# Who may do what to which objects; all else must be refused.
FUNCTIONS = {
    "ingest": {"reads": {"landing", "bronze", "quarantine", "identity", "key"}, "writes": {"bronze", "quarantine", "identity", "key"}},
    "conform": {"reads": {"bronze", "silver", "gold", "quarantine", "names", "identity", "key"}, "writes": {"silver", "quarantine", "identity", "key"}},
    "publish": {"reads": {"bronze", "silver", "gold", "quarantine", "names", "identity", "key"}, "writes": {"gold", "names"}},
    "train": {"reads": {"silver", "gold"}, "writes": set()},
    "score": {"reads": {"silver", "gold"}, "writes": {"gold"}},
    "maintain": {"reads": {"silver", "gold", "names"}, "writes": {"silver", "gold", "names"}},
    "erase": {"reads": set(OBJECTS) - {"results", "results with names"}, "writes": set(OBJECTS) - {"results", "results with names"}},
}


def place(stack, name: str) -> dict[str, str]:
    bucket, key = OBJECTS[name]
    return {"Bucket": stack.names[f"{bucket.title()}Bucket"], "Key": key}


@pytest.fixture(scope="module")
def probes(stack):
    """An object in every part of the lake, gone afterwards; those in landing are of no contract."""
    for name in OBJECTS:
        stack.s3.put_object(**place(stack, name), Body=b"probe")
    yield
    for name in OBJECTS:
        stack.s3.delete_object(**place(stack, name))


def allowed(call, **arguments) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException", "403"):
            raise
        return False
    return True


@pytest.mark.parametrize("who", READS)
def test_people_read_what_their_policy_names_and_nothing_else(stack, probes, who):
    keys = stack.emulator.assume(f"person-{who}", stack.names[f"{who.title()}PolicyArn"])
    s3 = stack.emulator.client("s3", **keys)
    assert {name for name in OBJECTS if allowed(s3.get_object, **place(stack, name))} == READS[who]
    writable = {name for name in OBJECTS if allowed(s3.put_object, **place(stack, name), Body=b"")}
    assert writable == {name for name in READS[who] if name.startswith("results")}


def test_an_analyst_lists_neither_identity_nor_landing_and_sees_no_entry_of_identity(stack, probes):
    keys = stack.emulator.assume("person-lister", stack.names["AnalystPolicyArn"])
    s3, glue = stack.emulator.client("s3", **keys), stack.emulator.client("glue", **keys)
    assert not allowed(s3.list_objects_v2, Bucket=stack.identity)
    assert not allowed(s3.list_objects_v2, Bucket=stack.landing)
    assert not allowed(s3.list_object_versions, Bucket=stack.landing)
    assert allowed(s3.list_objects_v2, Bucket=stack.lake, Prefix="gold/")
    assert not allowed(s3.list_objects_v2, Bucket=stack.lake, Prefix="gold_identified/")
    assert not allowed(glue.get_tables, DatabaseName="identity")
    assert not allowed(glue.get_tables, DatabaseName="gold_identified")


def twin(stack, function: str) -> dict:
    """Credentials of a role with the policy of a function's role; that role itself is Lambda's alone."""
    iam = stack.emulator.client("iam")
    document = iam.get_role_policy(RoleName=f"carelake-{function}", PolicyName=function)["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    policy = iam.create_policy(PolicyName=f"twin-{function}", PolicyDocument=text)["Policy"]["Arn"]
    return stack.emulator.assume(f"twin-{function}", policy)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_and_writes_its_own_part_of_the_lake_alone(stack, probes, function):
    s3 = stack.emulator.client("s3", **twin(stack, function))
    assert {name for name in OBJECTS if allowed(s3.get_object, **place(stack, name))} == FUNCTIONS[function]["reads"]
    assert {name for name in OBJECTS if allowed(s3.put_object, **place(stack, name), Body=b"probe")} == FUNCTIONS[function]["writes"]


def test_only_lambda_may_take_the_role_of_a_function(stack):
    iam = stack.emulator.client("iam")
    for function in FUNCTIONS:
        document = iam.get_role(RoleName=f"carelake-{function}")["Role"]["AssumeRolePolicyDocument"]
        (statement,) = document["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_a_bucket_refuses_plain_http(stack, probes):
    keys = stack.emulator.assume("person-plain", stack.names["AnalystPolicyArn"])
    s3, bucket = stack.emulator.client("s3", **keys), stack.lake
    assert allowed(s3.get_object, **place(stack, "gold"))
    stack.s3.put_bucket_policy(Bucket=bucket, Policy=stack.policies[bucket])
    try:
        assert not allowed(s3.get_object, **place(stack, "gold"))
    finally:
        stack.s3.delete_bucket_policy(Bucket=bucket)
    for name in ("Landing", "Lake", "Identity", "Results"):
        policy = json.loads(stack.policies[stack.names[f"{name}Bucket"]])
        assert [statement["Sid"] for statement in policy["Statement"]] == ["TlsOnly"]
