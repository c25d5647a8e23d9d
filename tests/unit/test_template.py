"""Tests of template.yaml: protection of the event log, least privilege, routes, names and parameters."""

import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from journeys.archive.columns import BUCKETS
from journeys.native import connect, genesys
from journeys.native.ingest import CONSUME_SECONDS as NATIVE_SECONDS
from journeys.registry.limits import JOB_RETENTION_DAYS
from journeys.views.jobs import computing
from journeys.views.jobs.model import ATTEMPT_DEADLINE_MS, START_DEADLINE_MS
from journeys.views.jobs.waiting import RESEND_MS
from journeys.webhooks.deliveries.consumer import CONSUME_SECONDS
from tests.support.template import ROOT, resources, template

RESOURCES: dict[str, Any] = template()["Resources"]
FUNCTIONS = {name.removesuffix("Function"): one["Properties"]
             for name, one in resources("AWS::Serverless::Function").items()}  # fmt: skip
API: dict[str, Any] = RESOURCES["Api"]["Properties"]
LOG: dict[str, Any] = RESOURCES["EventsTable"]["Properties"]
WRITERS = {"IngestRole", "FailuresRole", "WebhooksRole", "EndpointsRole", "DeliveriesRole", "NativeRole"}
DELIVERIES = "/webhooks/{endpointId}"
CONSOLE = ("/console", "/console/{proxy+}")
DESCRIPTIONS = ("/openapi.json", "/api/v2/journey/openapi.json")
SECRETS = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/webhooks/*"
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"}
ANY_RESOURCE = {
    "xray:PutTraceSegments": "X-Ray actions cannot be limited to resources",
    "xray:PutTelemetryRecords": "X-Ray actions cannot be limited to resources",
    "dynamodb:ListStreams": "the action cannot be limited to resources",
}
"""The actions that a role may have on every resource, and why."""


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value in a structure, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def statements(role: str) -> Iterator[dict[str, Any]]:
    """The policy statements of a role: its own and those of its managed policies."""
    properties = RESOURCES[role]["Properties"]
    for policy in properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]
    for reference in properties.get("ManagedPolicyArns", []):
        for _, name in walk({"": reference}):
            shared = RESOURCES.get(name) if isinstance(name, str) else None
            if shared is not None and shared["Type"] == "AWS::IAM::ManagedPolicy":
                yield from shared["Properties"]["PolicyDocument"]["Statement"]


def role_of(function: str) -> str:
    (role, attribute) = str(FUNCTIONS[function]["Role"]["Fn::GetAtt"]).split(".")
    assert attribute == "Arn"
    return role


def grants(role: str) -> Iterator[tuple[str, Any]]:
    """Every pair of an action and a resource that a role allows."""
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, resource


ROLES = sorted({role_of(function) for function in FUNCTIONS})


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_template_stays_short_enough_to_read() -> None:
    assert len((ROOT / "template.yaml").read_text().splitlines()) <= 2700


def duplicate_keys(node: yaml.Node | None) -> Iterator[str]:
    """The keys that a mapping and one of its merge keys (`<<`) both define, or two of them."""
    if isinstance(node, yaml.MappingNode):
        keys: Counter[str] = Counter()
        for key, value in node.value:
            merged = [] if key.value != "<<" else value.value if isinstance(value, yaml.SequenceNode) else [value]
            keys.update([key.value, *(inner.value for mapping in merged for inner, _ in mapping.value)])
            yield from duplicate_keys(value)
        yield from (key for key, number in keys.items() if number > 1)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from duplicate_keys(value)


@pytest.mark.parametrize("path", ["template.yaml", "monitoring/template.yaml"])
def test_a_merge_key_overrides_no_other_key(path: str) -> None:
    """checkov reports a duplicate key as a parsing error, skips the whole file, and still ends with status 0."""
    assert list(duplicate_keys(yaml.compose((ROOT / path).read_text(), yaml.SafeLoader))) == []


# -- the event log -----------------------------------------------------------------------------------------------------


def test_the_event_log_is_retained_when_the_stack_is_deleted() -> None:
    table = RESOURCES["EventsTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert LOG["DeletionProtectionEnabled"] is True
    assert LOG["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_event_log_has_only_a_partition_key_and_no_expiry() -> None:
    assert LOG["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert "TimeToLiveSpecification" not in LOG


def test_the_stream_of_the_event_log_carries_old_images() -> None:
    assert LOG["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_the_resource_policy_denies_every_write_except_puts_by_the_writers() -> None:
    denied: set[str] = set()
    put: dict[str, Any] = {}
    for statement in LOG["ResourcePolicy"]["PolicyDocument"]["Statement"]:
        assert (statement["Effect"], statement["Principal"], statement["Resource"]) == ("Deny", "*", "*")
        actions = {action.removeprefix("dynamodb:") for action in as_list(statement["Action"])}
        # Denying policy or table actions would block every later deployment.
        assert actions <= WRITES
        if "Condition" not in statement:
            denied |= actions
        else:
            assert actions == {"PutItem"}
            put = statement["Condition"]
    assert denied == WRITES - {"PutItem"}
    assert put.keys() == {"ArnNotLike"}
    prefix = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}"
    patterns = [pattern["Fn::Sub"] for pattern in put["ArnNotLike"]["aws:PrincipalArn"]]
    assert sorted(patterns) == sorted(f"{prefix}-{role}-*" for role in WRITERS)


def test_the_event_log_refers_to_no_other_resource() -> None:
    """The reference would be circular, because roles refer to the table."""
    for policy in (LOG["ResourcePolicy"], LOG["StreamSpecification"]):
        assert not {"Fn::GetAtt"} & {name for name, _ in walk(policy)}
        assert {value for name, value in walk(policy) if name == "Ref"} <= {"AWS::AccountId"}


# -- the stream --------------------------------------------------------------------------------------------------------


def stream_events() -> list[tuple[str, dict[str, Any]]]:
    return [
        (function, event["Properties"])
        for function, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]


def test_the_stream_has_at_most_two_consumers() -> None:
    assert 1 <= len(stream_events()) <= 2
    assert len({function for function, _ in stream_events()}) == len(stream_events())


@pytest.mark.parametrize(("consumer", "window"), [("Projector", 1), ("Landing", {"Ref": "ArchiveWindow"})])
def test_a_stream_consumer_starts_at_the_oldest_record_and_retries_for_six_hours(consumer: str, window: Any) -> None:
    settings = dict(stream_events())[consumer]
    assert settings["Stream"] == {"Fn::GetAtt": "EventsTable.StreamArn"}
    assert settings["StartingPosition"] == "TRIM_HORIZON"
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert settings["BisectBatchOnFunctionError"] is True
    assert settings["MaximumRetryAttempts"] == -1
    assert settings["MaximumRecordAgeInSeconds"] == 6 * 60 * 60
    assert settings["MaximumBatchingWindowInSeconds"] == window
    destination = settings["DestinationConfig"]["OnFailure"]
    assert destination == {"Type": "S3", "Destination": {"Fn::GetAtt": "ArchiveBucket.Arn"}}


@pytest.mark.parametrize("role", ["ProjectorRole", "LandingRole"])
def test_a_stream_consumer_can_store_failed_records_in_the_bucket(role: str) -> None:
    """SAM grants the whole bucket. Whether Lambda accepts a narrower policy can only be tested on AWS."""
    granted = list(grants(role))
    assert ("s3:PutObject", {"Fn::Sub": "${ArchiveBucket.Arn}/*"}) in granted
    assert ("s3:ListBucket", {"Fn::GetAtt": "ArchiveBucket.Arn"}) in granted


def test_roles_that_read_payloads_or_results_are_told_when_one_has_expired() -> None:
    """S3 reports a missing object as such only to a role that can list its prefix; to others it denies access."""
    for folder in ("failures", "results"):
        listing = {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": {"Fn::GetAtt": "ArchiveBucket.Arn"},
            "Condition": {"StringLike": {"s3:prefix": [f"{folder}/*"]}},
        }
        objects = {"Fn::Sub": f"${{ArchiveBucket.Arn}}/{folder}/*"}
        readers = [role for role in ROLES if ("s3:GetObject", objects) in grants(role)]
        assert readers
        assert [role for role in readers if listing not in statements(role)] == []


# -- names -------------------------------------------------------------------------------------------------------------


def test_no_resource_has_a_fixed_name() -> None:
    names = {"TableName", "BucketName", "RoleName", "ManagedPolicyName", "FunctionName", "UserPoolName", "TopicName",
             "QueueName", "AlarmName"}  # fmt: skip
    for logical_id, resource in RESOURCES.items():
        if resource["Type"] != "AWS::CloudWatch::Alarm":
            assert not names & resource.get("Properties", {}).keys(), logical_id


def test_schedules_have_generated_names() -> None:
    """SAM would use their logical ids as names, and a second stack in the account would fail."""
    schedules = [
        event["Properties"]
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    ]
    assert len(schedules) == 2
    assert all(schedule["OmitName"] is True for schedule in schedules)


def test_the_next_run_of_a_schedule_is_the_only_retry() -> None:
    """The scheduler invokes asynchronously, and Lambda retries such invocations by itself for up to six hours."""
    intervals = {"rate(1 hour)": 3600, "rate(5 minutes)": 300}
    for properties in FUNCTIONS.values():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "ScheduleV2":
                assert event["Properties"]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
                interval = intervals[event["Properties"]["ScheduleExpression"]]
                expected = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": interval}
                assert properties["EventInvokeConfig"] == expected


def test_delete_markers_in_the_archive_expire() -> None:
    """Delete markers slow down every listing."""
    rules = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    ending = {rule["Prefix"] for rule in rules if rule.get("ExpiredObjectDeleteMarker")}
    assert ending == {"archive/", "aws/lambda/"}


@pytest.mark.parametrize("name", resources("AWS::Cognito::UserPool"))
def test_a_user_pool_is_retained_when_the_stack_is_deleted_and_nobody_can_sign_up(name: str) -> None:
    pool = RESOURCES[name]
    assert pool["Properties"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (pool["DeletionPolicy"], pool["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert pool["Properties"]["DeletionProtection"] == "ACTIVE"


def test_people_sign_in_with_their_address_and_a_long_password() -> None:
    pool = RESOURCES["PeoplePool"]["Properties"]
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_the_console_signs_in_with_a_code_without_a_secret_and_for_a_short_time() -> None:
    client = RESOURCES["ConsoleClient"]["Properties"]
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthScopes"] == ["openid", "journey/api"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert (client["PreventUserExistenceErrors"], client["EnableTokenRevocation"]) == ("ENABLED", True)
    units = client["TokenValidityUnits"]
    assert (client["AccessTokenValidity"], units["AccessToken"]) == (15, "minutes")
    assert (client["RefreshTokenValidity"], units["RefreshToken"]) == (12, "hours")


def test_only_the_local_stack_sends_codes_to_an_address_without_tls() -> None:
    client = RESOURCES["ConsoleClient"]["Properties"]
    assert client["CallbackURLs"] == client["LogoutURLs"]
    for condition, address, otherwise in (url["Fn::If"] for url in client["CallbackURLs"]):
        if condition == "HasEndpointUrl":
            on_aws = otherwise
        else:
            assert template()["Parameters"][address["Ref"]]["AllowedPattern"].startswith("(https://")
            continue
        assert on_aws == {"Ref": "AWS::NoValue"} or on_aws["Fn::Sub"].startswith("https://")


def test_the_api_does_not_depend_on_the_consoles_client_which_depends_on_it() -> None:
    """Only the API's stage refers to the client."""
    api = {name: value for name, value in API.items() if name != "Variables"}
    for value in (api, *FUNCTIONS.values(), *(RESOURCES[role] for role in ROLES)):
        assert "ConsoleClient" not in json.dumps(value)
    assert API["Variables"].keys() == {"ConsoleClientId", "ConsoleSignInUrl"}


def test_the_user_pool_domain_contains_the_stack_identifier() -> None:
    for domain in resources("AWS::Cognito::UserPoolDomain").values():
        assert "AWS::StackId" in json.dumps(domain["Properties"]["Domain"])
        assert domain["Properties"].keys() == {"UserPoolId", "Domain"}


@pytest.mark.parametrize("path", ["template.yaml", "monitoring/template.yaml"])
def test_no_arn_names_a_partition(path: str) -> None:
    """ARNs begin with arn:aws-us-gov in GovCloud."""
    assert re.findall(r"arn:aws[\w-]*:\S+", (ROOT / path).read_text()) == []


def test_the_address_of_tokens_is_that_of_the_partition() -> None:
    address, names = template()["Outputs"]["TokenUrl"]["Value"]["Fn::Sub"]
    assert address == "https://${UserPoolDomain}.${Auth}.${AWS::Region}.amazoncognito.com/oauth2/token"
    assert names == {"Auth": {"Fn::If": ["IsGovCloud", "auth-fips", "auth"]}}
    assert template()["Conditions"]["IsGovCloud"] == {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-us-gov"]}
    served = FUNCTIONS["Openapi"]["Environment"]["Variables"]["TOKEN_URL"]["Fn::If"]
    assert served[2] == template()["Outputs"]["TokenUrl"]["Value"]


# -- what a first deploy can fail at -----------------------------------------------------------------------------------


def test_the_stage_is_created_after_the_role_that_writes_its_log() -> None:
    assert RESOURCES["Api"]["DependsOn"] == "ApiGatewayAccountSettings"
    parameter = template()["Parameters"]["ApiGatewayAccount"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("keep", ["keep", "create"])


def test_no_function_knows_the_address_of_the_api() -> None:
    """The API refers to its functions, so the reference would be circular."""
    environments = [properties.get("Environment", {}) for properties in (template()["Globals"]["Function"],
                                                                         *FUNCTIONS.values())]  # fmt: skip
    assert not re.search(r'\$\{Api[}.]|"Ref": "Api"|"Api\.', json.dumps(environments))


def test_the_stack_names_a_longest_name_of_which_every_resource_name_is_valid() -> None:
    """IAM shortens a generated role name to 64 characters, and the log's resource policy matches roles by name."""
    longest = max(len(f"-{role}-") for role in WRITERS)
    assert 36 + longest + 12 <= 64
    assert "at most 36 characters" in (ROOT / "docs/deploying.md").read_text()


# -- functions ---------------------------------------------------------------------------------------------------------


def test_every_handler_has_a_function_and_every_function_has_a_handler() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert {properties["CodeUri"] for properties in FUNCTIONS.values()} == {f"functions/{name}" for name in folders}
    assert {function.lower() for function in FUNCTIONS} == folders


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_own_log_group_with_a_retention(function: str) -> None:
    assert FUNCTIONS[function]["LoggingConfig"].keys() == {"LogGroup"}  # The rest is in the globals.
    group = FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == f"{function}LogGroup"
    properties = RESOURCES[group]["Properties"]
    assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert properties["LogGroupName"] == {"Fn::Sub": f"/journeys/${{AWS::StackName}}/{function.lower()}"}


def test_lambda_logs_only_its_warnings_and_errors() -> None:
    logging = template()["Globals"]["Function"]["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}


def test_every_log_group_has_a_retention() -> None:
    for logical_id, group in resources("AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, logical_id


def test_every_function_has_its_own_role() -> None:
    assert {role_of(function): function for function in FUNCTIONS} == {f"{name}Role": name for name in FUNCTIONS}
    for function, properties in FUNCTIONS.items():
        assert "Policies" not in properties, function  # SAM ignores policies if the function names a role.
        (trust,) = RESOURCES[role_of(function)]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_named_actions_on_named_resources(role: str) -> None:
    for action, resource in grants(role):
        assert "*" not in action
        if resource == "*":
            assert action in ANY_RESOURCE, action
        assert action != "logs:CreateLogGroup"  # A group that Lambda recreates after a deletion has no retention.
    assert "arn:aws:iam::aws:" not in json.dumps(RESOURCES[role])
    assert "iam::aws:policy" not in json.dumps(RESOURCES[role])


def test_every_function_can_write_its_log() -> None:
    for role in ROLES:
        assert {"logs:CreateLogStream", "logs:PutLogEvents"} <= {action for action, _ in grants(role)}, role


def test_only_the_writers_put_events_and_no_role_changes_or_deletes_one() -> None:
    granted = {
        (role, action.removeprefix("dynamodb:"))
        for role in ROLES
        for action, resource in grants(role)
        if action.startswith("dynamodb:") and resource in ({"Fn::GetAtt": "EventsTable.Arn"}, "*")
    }
    assert {(role, action) for role, action in granted if action in WRITES} == {(role, "PutItem") for role in WRITERS}
    assert not {action for _, action in granted} & {"DeleteTable", "UpdateTable", "PutResourcePolicy"}


def test_roles_name_tables_only_by_arn_stream_or_index() -> None:
    """The test of the writers relies on it."""
    for role in ROLES:
        for action, resource in grants(role):
            if action.startswith("dynamodb:") and resource != "*":
                (how, what), *more = resource.items()
                assert not more
                if how == "Fn::GetAtt":
                    assert re.fullmatch(r"\w+Table\.(Arn|StreamArn)", what), (role, what)
                else:
                    assert (how, what) == ("Fn::Sub", "${FailuresTable.Arn}/index/byTime"), role


def test_two_roles_can_use_secrets_and_only_under_the_prefix() -> None:
    granted = {
        (role, action.removeprefix("secretsmanager:"), json.dumps(resource))
        for role in ROLES
        for action, resource in grants(role)
        if action.startswith("secretsmanager:")
    }
    under = json.dumps({"Fn::Sub": SECRETS})
    managed = ("CreateSecret", "DeleteSecret", "GetSecretValue")
    assert granted == {
        ("WebhooksRole", "GetSecretValue", under),
        *(("EndpointsRole", action, under) for action in managed),
    }
    prefix = template()["Globals"]["Function"]["Environment"]["Variables"]["SECRETS_PREFIX"]["Fn::Sub"]
    assert SECRETS.endswith(f":secret:{prefix}*")


def test_the_webhooks_role_only_reads_the_registry() -> None:
    """The function can be called without a token, so it must not be able to create an endpoint."""
    registry = {action for action, on in grants("WebhooksRole") if on == {"Fn::GetAtt": "RegistryTable.Arn"}}
    assert registry == {"dynamodb:GetItem"}


def test_no_concurrency_is_reserved() -> None:
    """A new account has ten concurrent executions in all."""
    assert "ReservedConcurrentExecutions" not in {name for name, _ in walk(template())}


def test_no_environment_variable_refers_to_the_api() -> None:
    """The reference would be circular. `requestContext` contains the address."""
    environments = [template()["Globals"]["Function"]["Environment"]]
    environments += [properties["Environment"] for properties in FUNCTIONS.values() if "Environment" in properties]
    declared = json.dumps(environments)
    assert '"Api"' not in declared
    assert "${Api" not in declared
    assert "execute-api" not in declared


def test_every_setting_has_an_environment_variable() -> None:
    """`sam local` can override only declared variables."""
    declared = set(template()["Globals"]["Function"]["Environment"]["Variables"])
    for properties in FUNCTIONS.values():  # Variables that would be circular in Globals.
        declared |= properties.get("Environment", {}).get("Variables", {}).keys()
    source = (ROOT / "layers/core/journeys/settings.py").read_text()
    wanted = {name.upper() for name in re.findall(r"^    (\w+): str$", source, re.MULTILINE)}
    assert wanted
    assert wanted | {"ALLOWED_ORIGIN", "AWS_ENDPOINT_URL"} <= declared


# -- the API -----------------------------------------------------------------------------------------------------------


def routes() -> list[tuple[str, str, str, dict[str, Any]]]:
    """The function, method, path and properties of every route."""
    return [
        (function, event["Properties"]["Method"], event["Properties"]["Path"], event["Properties"])
        for function, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    ]


def test_the_api_is_regional_binary_and_has_one_stage() -> None:
    assert API["EndpointConfiguration"] == {"Type": "REGIONAL"}
    assert API["BinaryMediaTypes"] == ["*~1*"]
    assert template()["Globals"]["Api"]["OpenApiVersion"] == "3.0.1"  # Without it, SAM adds a stage named Stage.
    assert API["StageName"] == {"Ref": "Stage"}


def test_the_stage_throttles_every_route() -> None:
    settings = API["MethodSettings"][0]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottleBurst"}
    for one in API["MethodSettings"]:
        assert one.get("DataTraceEnabled", False) is False  # It would log request bodies.


def test_every_method_that_needs_no_token_has_a_throttle_of_its_own() -> None:
    """Except for ANY, which covers methods that are not allowed; the stage's limit applies to each of them."""
    public = {
        (method, path)
        for _, method, path, settings in routes()
        if settings.get("Auth") == {"Authorizer": "NONE"} and method != "ANY"
    }
    found = {
        (one["HttpMethod"], one["ResourcePath"].removeprefix("/").replace("~1", "/")): (
            one["ThrottlingRateLimit"]["Ref"],
            one["ThrottlingBurstLimit"]["Ref"],
        )
        for one in API["MethodSettings"][1:]
    }
    assert found.keys() == public
    assert len(found) == len(API["MethodSettings"]) - 1
    for (method, _), limits in found.items():
        kind = "Delivery" if method == "POST" else "Public"
        assert limits == (f"{kind}ThrottleRate", f"{kind}ThrottleBurst")


def test_only_preflights_deliveries_the_openapi_document_and_the_console_need_no_token() -> None:
    auth = API["Auth"]
    authorizer = auth["Authorizers"][auth["DefaultAuthorizer"]]
    pools = [{"Fn::GetAtt": "UserPool.Arn"}, {"Fn::GetAtt": "PeoplePool.Arn"}]
    assert authorizer == {"UserPoolArn": pools, "AuthorizationScopes": ["journey/api"]}
    servers = [one["Properties"] for one in resources("AWS::Cognito::UserPoolResourceServer").values()]
    assert [f"{one['Identifier']}/{one['Scopes'][0]['ScopeName']}" for one in servers] == ["journey/api"] * 2
    assert [one["UserPoolId"]["Ref"] for one in servers] == ["UserPool", "PeoplePool"]
    for function, method, path, settings in routes():
        assert settings["RestApiId"] == {"Ref": "Api"}
        if path == DELIVERIES:
            assert (function, settings["Auth"]) == ("Webhooks", {"Authorizer": "NONE"}), method
        elif method == "OPTIONS":
            assert (function, settings["Auth"]) == ("Preflight", {"Authorizer": "NONE"}), path
        elif path in DESCRIPTIONS:
            assert (function, settings["Auth"]) == ("Openapi", {"Authorizer": "NONE"})
            assert method in ("GET", "ANY")
        elif path in CONSOLE:
            assert (function, settings["Auth"]) == ("Console", {"Authorizer": "NONE"})
            assert method in ("GET", "ANY")
        else:
            assert "Auth" not in settings, path


def test_the_webhooks_function_receives_only_deliveries_and_handshakes() -> None:
    found = {(method, path) for function, method, path, _ in routes() if function == "Webhooks"}
    assert found == {(method, DELIVERIES) for method in ("ANY", "GET", "OPTIONS", "POST")}
    outside = {path for _, _, path, _ in routes() if not path.startswith("/api/v2/journey/")}
    assert outside == {DELIVERIES, DESCRIPTIONS[0], *CONSOLE}


def test_every_route_of_the_api_has_a_preflight() -> None:
    """The console needs none: only its own pages ask for its files."""
    paths = {path for _, method, path, _ in routes() if method != "OPTIONS"}
    assert {path for _, method, path, _ in routes() if method == "OPTIONS"} == paths - {*CONSOLE}


def test_a_function_with_a_router_receives_every_method_of_its_paths() -> None:
    """API Gateway itself responds with 404 to an unknown method, but the router with 405 and the header Allow."""
    for function, method, path, _ in routes():
        if function not in ("Webhooks", "Openapi", "Console", "Preflight"):
            assert method == "ANY", path


def test_sibling_path_variables_have_one_name() -> None:
    """API Gateway rejects two names for the same position."""
    variables: dict[str, set[str]] = {}
    for _, _, path, _ in routes():
        parts = path.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                variables.setdefault("/".join(parts[:index]), set()).add(part)
    assert all(len(names) == 1 for names in variables.values()), variables


GATEWAY_RESPONSES = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
"""The types of API Gateway's own responses, with their default statuses.

INVALID_API_KEY and QUOTA_EXCEEDED are left out: the API has neither keys nor usage plans. Source:
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""
OWN_STATUS = {"EXPIRED_TOKEN": 401, "INVALID_SIGNATURE": 401, "MISSING_AUTHENTICATION_TOKEN": 404}
FALLBACKS = {"DEFAULT_4XX", "DEFAULT_5XX"}
"""The responses for all types that are not named. A status in them would replace the statuses of all of these types."""


def test_every_response_of_api_gateway_is_named_and_has_its_own_status() -> None:
    statuses = {kind: response.get("StatusCode") for kind, response in API["GatewayResponses"].items()}
    named = {kind: str(OWN_STATUS.get(kind, status)) for kind, status in GATEWAY_RESPONSES.items()}
    assert statuses == named | dict.fromkeys(FALLBACKS)


@pytest.mark.parametrize("kind", API["GatewayResponses"])
def test_api_gateways_own_error_responses_are_error_bodies(kind: str) -> None:
    response = API["GatewayResponses"][kind]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    status = {"status"} if kind not in FALLBACKS else set()
    assert body.keys() == {"message", "code", "contextId", "details", "errors"} | status
    assert body["contextId"] == "$context.requestId"
    assert str(body.get("status")) == str(response.get("StatusCode"))
    assert response["ResponseParameters"]["Headers"]["Access-Control-Allow-Origin"] == {"Fn::Sub": "'${AllowedOrigin}'"}


def test_a_throttled_caller_is_told_when_to_retry() -> None:
    assert "Retry-After" in API["GatewayResponses"]["THROTTLED"]["ResponseParameters"]["Headers"]


def test_the_access_log_names_no_customer() -> None:
    logged = API["AccessLogSetting"]["Format"]
    assert json.loads(logged)["caller"] == "$context.authorizer.claims.sub"
    assert json.loads(logged)["requestId"] == "$context.requestId"
    assert not re.search(r"\$context\.path\b|querystring|requestOverride|identity\.|params", logged)


# -- tables, bucket ----------------------------------------------------------------------------------------------------


def test_every_table_has_point_in_time_recovery_and_accepts_a_customer_key() -> None:
    tables = resources("AWS::DynamoDB::Table")
    assert tables.keys() == {
        "EventsTable", "JourneysTable", "LinksTable", "FailuresTable", "DeliveriesTable", "RegistryTable"
    }  # fmt: skip
    for name, table in tables.items():
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert "KmsKeyArn" in json.dumps(properties["SSESpecification"]), name
        assert {"DeletionPolicy", "UpdateReplacePolicy"} <= table.keys(), name
    for name in ("EventsTable", "LinksTable", "RegistryTable"):
        assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain", name
        assert RESOURCES[name]["Properties"]["DeletionProtectionEnabled"] is True, name


def test_failures_deliveries_and_jobs_expire_in_table_and_bucket() -> None:
    for table in ("FailuresTable", "DeliveriesTable", "RegistryTable"):
        expiry = RESOURCES[table]["Properties"]["TimeToLiveSpecification"]
        assert expiry == {"AttributeName": "expires", "Enabled": True}
    ends = {
        rule["Prefix"]: rule["ExpirationInDays"]
        for rule in RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule and rule["Status"] == "Enabled"
    }
    assert ends.keys() == {"failures/", "deliveries/", "work/", "results/"}  # evidence/ and archive/ do not expire.
    assert ends["results/"] == {"Ref": "JobRetentionDays"}
    assert template()["Parameters"]["JobRetentionDays"]["Default"] == JOB_RETENTION_DAYS
    assert ends["failures/"] > 30


def test_a_queued_delivery_is_kept_longer_than_its_message() -> None:
    queue, dead_letters = (RESOURCES[f"Deliveries{kind}Queue"]["Properties"] for kind in ("", "DeadLetter"))
    rules = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (days,) = [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "deliveries/"]
    # A message in the dead-letter queue expires by the time at which it was sent to the first queue.
    assert queue["MessageRetentionPeriod"] == dead_letters["MessageRetentionPeriod"] == 14 * 86400
    assert days >= 2 * 14


def test_a_message_returns_to_the_queue_only_after_its_function_has_ended() -> None:
    for name, queue in (
        ("Compute", "JobsQueue"),
        ("Deliveries", "DeliveriesQueue"),
        ("Native", "NativeQueue"),
        ("Compaction", "CompactionsQueue"),
    ):
        assert RESOURCES[queue]["Properties"]["VisibilityTimeout"] >= FUNCTIONS[name]["Timeout"] + 60


def test_a_waiting_job_outlives_neither_its_message_nor_its_deliveries() -> None:
    queue = RESOURCES["JobsQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == computing.DELIVERIES
    assert queue["MessageRetentionPeriod"] * 1000 > START_DEADLINE_MS + RESEND_MS


TASK_FAILED = ["States.TaskFailed"]


def backoff_seconds(retrier: dict[str, Any]) -> float:
    """The longest time that a retrier of a state machine waits in total."""
    rate, longest = retrier.get("BackoffRate", 2), retrier.get("MaxDelaySeconds", math.inf)
    waits = [min(retrier["IntervalSeconds"] * rate**number, longest) for number in range(retrier["MaxAttempts"])]
    return float(sum(waits))


def longest_seconds(state: dict[str, Any]) -> float:
    """The longest time that a task takes with all its tries. Errors before the invocation of a function take none."""
    (failed,) = [retrier for retrier in state["Retry"] if retrier["ErrorEquals"] == TASK_FAILED]
    assert all(name.startswith("Lambda.") for one in state["Retry"] if one is not failed for name in one["ErrorEquals"])
    tries = 1 + failed["MaxAttempts"]
    assert tries >= 2
    return float(tries * state["TimeoutSeconds"] + sum(map(backoff_seconds, state["Retry"])))


def test_two_tries_of_every_part_and_of_the_merge_fit_into_an_attempt() -> None:
    definition = RESOURCES["Computation"]["Properties"]["Definition"]
    parts, merge, failed = (definition["States"][name] for name in ("Parts", "Merge", "Failed"))
    part = parts["ItemProcessor"]["States"]["Part"]
    rounds = math.ceil(BUCKETS / parts["MaxConcurrency"])  # A part has at least one bucket.
    needed = rounds * longest_seconds(part) + longest_seconds(merge) + failed["TimeoutSeconds"]
    assert needed <= definition["TimeoutSeconds"]
    assert definition["TimeoutSeconds"] * 1000 < ATTEMPT_DEADLINE_MS
    for state, function in ((part, "Part"), (merge, "Merge")):  # Otherwise a try runs on during the next.
        assert FUNCTIONS[function]["Timeout"] < state["TimeoutSeconds"]


def test_the_slots_that_are_shared_are_those_of_the_queue() -> None:
    (event,) = FUNCTIONS["Compute"]["Events"].values()
    slots = {"Ref": "ComputeConcurrency"}
    assert event["Properties"]["ScalingConfig"]["MaximumConcurrency"] == slots
    assert FUNCTIONS["Compute"]["Environment"]["Variables"]["COMPUTE_SLOTS"] == slots


def test_the_deliveries_function_reports_each_message_that_failed() -> None:
    (event,) = FUNCTIONS["Deliveries"]["Events"].values()
    assert (event["Type"], event["Properties"]["BatchSize"]) == ("SQS", 1)
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert RESOURCES["DeliveriesQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert FUNCTIONS["Deliveries"]["Timeout"] > CONSUME_SECONDS


def test_the_native_function_reports_each_message_that_failed() -> None:
    (queued,) = FUNCTIONS["Native"]["Events"].values()
    assert queued["Type"] == "SQS"
    assert queued["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert RESOURCES["NativeQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert FUNCTIONS["Native"]["Timeout"] > NATIVE_SECONDS


def test_native_events_are_chosen_by_their_kind_on_the_bus_of_the_parameter() -> None:
    own, connect_ = RESOURCES["NativeEventsRule"], RESOURCES["ConnectEventsRule"]
    prefixes = [one["prefix"] for one in own["Properties"]["EventPattern"]["detail-type"]]
    assert prefixes == [genesys.DETAIL_TYPE, connect.DETAIL_TYPE]
    assert own["Properties"]["EventPattern"].keys() == {"detail-type"}
    assert connect_["Properties"]["EventPattern"] == {"source": [connect.SOURCE], "detail-type": [connect.DETAIL_TYPE]}
    assert (own["Condition"], connect_["Condition"]) == ("HasNativeEventBus", "HasConnectEvents")
    assert own["Properties"]["EventBusName"] == {"Ref": "NativeEventBus"}
    assert "EventBusName" not in connect_["Properties"]
    for rule in (own, connect_):
        (target,) = rule["Properties"]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": "NativeQueue.Arn"}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "NativeDeadLetterQueue.Arn"}}
    defaults = {name: template()["Parameters"][name]["Default"] for name in ("NativeEventBus", "ConnectEvents")}
    assert defaults == {"NativeEventBus": "", "ConnectEvents": "off"}


def test_only_the_stacks_own_rules_send_to_the_queue_of_native_events() -> None:
    _, sends = RESOURCES["NativeQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (sends["Effect"], sends["Principal"]) == ("Allow", {"Service": "events.amazonaws.com"})
    patterns = [pattern["Fn::Sub"] for pattern in sends["Condition"]["ArnLike"]["aws:SourceArn"]]
    rules = [pattern.partition(":rule/")[2] for pattern in patterns]
    assert rules == ["*/${AWS::StackName}-NativeEventsRule-*", "${AWS::StackName}-ConnectEventsRule-*"]


def test_archives_are_compacted_from_a_queue_several_at_once() -> None:
    schedule, queued = FUNCTIONS["Compaction"]["Events"].values()
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 hour)"
    assert (queued["Type"], queued["Properties"]["BatchSize"]) == ("SQS", 1)
    assert queued["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queued["Properties"]["ScalingConfig"]["MaximumConcurrency"] >= 2
    queue, dead_letters = (RESOURCES[f"Compactions{kind}Queue"]["Properties"] for kind in ("", "DeadLetter"))
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 3
    assert queue["MessageRetentionPeriod"] > 3 * queue["VisibilityTimeout"]  # longer than its attempts
    assert dead_letters["MessageRetentionPeriod"] == 14 * 86400


def test_the_bucket_is_private_encrypted_and_retained() -> None:
    bucket = RESOURCES["ArchiveBucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["BucketEncryption"]
    (statement,) = RESOURCES["ArchiveBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_role_can_use_the_customer_key() -> None:
    for role in ROLES:
        assert ("kms:Decrypt", {"Ref": "KmsKeyArn"}) in list(grants(role)), role


# -- parameters and stages ---------------------------------------------------------------------------------------------


def test_every_parameter_has_a_default_and_a_description() -> None:
    for name, parameter in template()["Parameters"].items():
        assert "Default" in parameter, name
        assert parameter["Description"], name
    defaults = {name: parameter["Default"] for name, parameter in template()["Parameters"].items()}
    assert defaults["PythonRuntime"] == "python3.13"
    assert (defaults["ApiGatewayAccount"], defaults["KmsKeyArn"], defaults["AlarmEmail"]) == ("keep", "", "")
    assert defaults["EndpointUrl"] == ""


def test_every_parameter_is_used() -> None:
    text = json.dumps({"Conditions": template()["Conditions"], "Globals": template()["Globals"], "All": RESOURCES})
    for name in template()["Parameters"]:
        assert f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name


def test_the_layers_are_built_for_the_functions_runtime() -> None:
    for makefile in ("dependencies", "webhooks", "analytics"):
        text = (ROOT / "layers" / makefile / "Makefile").read_text()
        defaults = dict(re.findall(r"^(PYTHON_VERSION|ARCHITECTURE) \?= (\S+)$", text, re.MULTILINE))
        parameters = template()["Parameters"]
        assert parameters["PythonRuntime"]["Default"] == f"python{defaults['PYTHON_VERSION']}"
        assert parameters["Architecture"]["Default"] == defaults["ARCHITECTURE"] == "arm64"
    for layer in resources("AWS::Serverless::LayerVersion").values():
        assert layer["Properties"]["CompatibleRuntimes"] == [{"Ref": "PythonRuntime"}]
        assert layer["Properties"]["CompatibleArchitectures"] == template()["Globals"]["Function"]["Architectures"]
        assert layer["Metadata"]["BuildArchitecture"] == layer["Properties"]["CompatibleArchitectures"][0]


def test_samconfig_has_three_stages_and_overrides_existing_parameters() -> None:
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "prod"} <= configuration.keys()
    stacks = [configuration[stage]["global"]["parameters"]["stack_name"] for stage in ("default", "local", "prod")]
    assert len(set(stacks)) == 3
    for stage in ("default", "local", "prod"):
        parameters = configuration[stage]["deploy"]["parameters"]
        assert parameters["capabilities"] == "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
        for override in parameters.get("parameter_overrides", []):
            name, value = override.split("=", 1)
            parameter = template()["Parameters"][name]
            assert value in [str(allowed) for allowed in parameter.get("AllowedValues", [value])]
