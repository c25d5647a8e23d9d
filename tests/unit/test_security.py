"""Security properties of the template: partitions, masks, keys, TLS, headers and the firewall."""

import json
import re
from typing import Any

import pytest

from tests.support.leading_keys import CONDITION, KEY, NotGranted
from tests.support.tables import Tables
from tests.support.template import ROOT, resources, template

RESOURCES: dict[str, Any] = template()["Resources"]
ROLES = resources("AWS::IAM::Role")
FIREWALL = resources("AWS::WAFv2::WebACL")["Firewall"]["Properties"]
REGISTRY = {"Fn::GetAtt": "RegistryTable.Arn"}
KEYED_ACTIONS = {"BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query",
                 "UpdateItem"}  # fmt: skip
"""The actions whose calls name the partitions that they read or write."""
HAS_KEY = "KmsKeyArn"
BODY_RULES = {
    "AWSManagedRulesKnownBadInputsRuleSet": {"JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"},
    "AWSManagedRulesCommonRuleSet": {"SizeRestrictions_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY",
                                     "GenericRFI_BODY", "CrossSiteScripting_BODY"},
}  # fmt: skip
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html"""


# -- the registry, partition by partition ------------------------------------------------------------------------------


def on_the_registry() -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, statement)
        for name, role in ROLES.items()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "RegistryTable" in json.dumps(statement["Resource"])
    ]


def test_every_grant_on_the_registry_is_limited_to_partitions() -> None:
    assert len(on_the_registry()) > 15
    for role, statement in on_the_registry():
        assert statement["Resource"] == REGISTRY, role
        patterns = statement["Condition"][CONDITION][KEY]
        assert patterns
        assert "*" not in patterns, role
        # ForAllValues is true for a call without a key, so calls without a key must not be granted.
        assert {action.removeprefix("dynamodb:") for action in statement["Action"]} <= KEYED_ACTIONS, role


def partitions(role: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, statement in on_the_registry():
        if name == role:
            for action in statement["Action"]:
                found.setdefault(action.removeprefix("dynamodb:"), set()).update(statement["Condition"][CONDITION][KEY])
    return found


def test_only_the_people_function_can_write_clients_and_people() -> None:
    for role, statement in on_the_registry():
        if role != "PeopleRole" and any(not action.endswith(("GetItem", "Query")) for action in statement["Action"]):
            patterns = [pattern.rstrip("*") for pattern in statement["Condition"][CONDITION][KEY]]
            for key in ("CLIENT#1", "PERSON#1"):
                assert not any(key.startswith(pattern) for pattern in patterns), role


def test_every_function_that_identifies_clients_identifies_people() -> None:
    for role, statement in on_the_registry():
        patterns = statement["Condition"][CONDITION][KEY]
        assert ("CLIENT#*" in patterns) == ("PERSON#*" in patterns), role


def test_only_the_people_function_manages_users_and_only_in_its_pool() -> None:
    granted = {
        (name, action.removeprefix("cognito-idp:"), json.dumps(statement["Resource"]))
        for name, role in ROLES.items()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if action.startswith("cognito-idp:")
    }
    users = ("AdminCreateUser", "AdminGetUser", "AdminEnableUser", "AdminDisableUser", "AdminUserGlobalSignOut",
             "AdminDeleteUser")  # fmt: skip
    clients = ("CreateUserPoolClient", "DeleteUserPoolClient")
    assert granted == {
        *(("PeopleRole", action, '{"Fn::GetAtt": "PeoplePool.Arn"}') for action in users),
        *(("PeopleRole", action, '{"Fn::GetAtt": "UserPool.Arn"}') for action in clients),
    }


def test_the_public_webhooks_function_reads_only_endpoints_configurations_and_schemas() -> None:
    assert partitions("WebhooksRole") == {"GetItem": {"WEBHOOK#*", "ORG#*#CONFIGURATIONS", "ORG#*#SCHEMAS"}}


def test_a_call_outside_the_granted_partitions_fails_in_unit_tests(tables: Tables) -> None:
    """The fixture `tables` enforces the roles' partitions in every unit test."""
    from tests.support.functions import load

    module = load("ingest")
    source = "def ask(client, table): return client.get_item(TableName=table, Key=" + repr(
        {"pk": {"S": "ORG#acme#VIEWS"}, "sk": {"S": "1"}}
    )
    scope: dict[str, Any] = {}
    exec(compile(source + ")", str(ROOT / "functions/ingest/handler.py"), "exec"), scope)  # noqa: S102  # as a part of that file
    with pytest.raises(NotGranted, match="ingest: GetItem on ORG#acme#VIEWS"):
        scope["ask"](tables.dynamodb, tables.registry)
    assert module.router


# -- logs --------------------------------------------------------------------------------------------------------------


def masking() -> dict[str, Any]:
    policy: dict[str, Any] = RESOURCES["ApiLogGroup"]["Properties"]["DataProtectionPolicy"]
    return policy


@pytest.mark.parametrize("group", resources("AWS::Logs::LogGroup"))
def test_every_log_group_masks_personal_data(group: str) -> None:
    properties = RESOURCES[group]["Properties"]
    assert properties["DataProtectionPolicy"] == masking()


def test_the_data_protection_policy_has_the_form_that_cloudwatch_requires() -> None:
    """CloudWatch requires an audit statement and a mask statement with the same identifiers."""
    audit, mask = masking()["Statement"]
    assert audit["DataIdentifier"] == mask["DataIdentifier"]
    assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
    assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
    prefix = "arn:${AWS::Partition}:dataprotection::aws:data-identifier/"
    names = {name["Fn::Sub"].removeprefix(prefix) for name in mask["DataIdentifier"]}
    assert names >= {"EmailAddress", "CreditCardNumber", "PhoneNumber-GB", "PhoneNumber-US"}
    assert all(re.fullmatch(r"[A-Za-z]+(-[A-Z]{2})?", name) for name in names)


# -- keys and TLS ------------------------------------------------------------------------------------------------------


def test_a_customer_managed_key_encrypts_every_store() -> None:
    named = {
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::S3::Bucket": "BucketEncryption",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
    }
    for kind, name in named.items():
        assert resources(kind)
        for logical_id, resource in resources(kind).items():
            assert HAS_KEY in json.dumps(resource["Properties"][name]), logical_id
    assert HAS_KEY in json.dumps(template()["Globals"]["Function"]["KmsKeyArn"])


@pytest.mark.parametrize(
    ("service", "kind", "attached_to", "actions"),
    [
        ("S3", "Bucket", "Bucket", "s3:*"),
        ("SQS", "Queue", "Queues", "sqs:*"),
        ("SNS", "Topic", "Topics", "sns:Publish"),  # A topic's policy cannot name all actions.
    ],
)
def test_queues_bucket_and_topic_require_tls(service: str, kind: str, attached_to: str, actions: str) -> None:
    existing = set(resources(f"AWS::{service}::{kind}"))
    attached, denied = set[str](), set[str]()
    for policy in resources(f"AWS::{service}::{kind}Policy").values():
        (deny,) = [one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert (deny["Principal"], deny["Condition"]) == ("*", {"Bool": {"aws:SecureTransport": "false"}})
        assert deny["Action"] == actions
        attached |= existing & set(re.findall(r"\w+", json.dumps(policy["Properties"][attached_to])))
        denied |= existing & set(re.findall(r"\w+", json.dumps(deny["Resource"])))
        if kind == "Bucket":
            assert {"Fn::Sub": "${ArchiveBucket.Arn}/*"} in deny["Resource"], "its objects"
    assert attached == denied == existing


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RESOURCES["Api"]["Properties"]["GatewayResponses"])
def test_api_gateways_error_responses_have_the_security_headers(kind: str) -> None:
    headers = RESOURCES["Api"]["Properties"]["GatewayResponses"][kind]["ResponseParameters"]["Headers"]
    assert headers["Strict-Transport-Security"] == "'max-age=63072000'"
    assert headers["X-Content-Type-Options"] == "'nosniff'"
    assert headers["Cache-Control"] == "'no-store'"


# -- the firewall ------------------------------------------------------------------------------------------------------


def rule(name: str) -> dict[str, Any]:
    (found,) = [one for one in FIREWALL["Rules"] if one["Name"] == name]
    return dict(found)


def counted(group: str) -> set[str]:
    """Return the rules of a managed rule group that only count."""
    (statement,) = [
        one["Statement"]["ManagedRuleGroupStatement"]
        for one in FIREWALL["Rules"]
        if one["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") == group
    ]
    return {one["Name"] for one in statement["RuleActionOverrides"] if one["ActionToUse"] == {"Count": {}}}


def test_the_firewall_is_optional_and_is_associated_after_the_stage() -> None:
    association = RESOURCES["FirewallAssociation"]
    assert association["DependsOn"] == "ApiStage"  # an association fails without its stage
    assert {RESOURCES[name].get("Condition") for name in ("Firewall", "FirewallAssociation")} == {"HasWaf"}
    assert template()["Parameters"]["Waf"]["Default"] == "off"
    assert '"Waf=on"' in (ROOT / "samconfig.toml").read_text()


def test_rate_limits_are_per_token_and_for_deliveries_per_path() -> None:
    tokens = rule("RateOfOneClient")["Statement"]["RateBasedStatement"]
    paths = rule("RateOfOneEndpoint")["Statement"]["RateBasedStatement"]
    assert [one["Header"]["Name"] for one in tokens["CustomKeys"]] == ["authorization"]
    assert [key for one in paths["CustomKeys"] for key in one] == ["UriPath"]
    pattern = paths["ScopeDownStatement"]["RegexMatchStatement"]["RegexString"]
    assert re.search(pattern, "/prod/webhooks/abc")
    assert not re.search(pattern, "/prod/api/v2/journey/webhooks/endpoints")
    for name in ("RateOfOneClient", "RateOfOneEndpoint"):
        answer = rule(name)["Action"]["Block"]["CustomResponse"]
        assert answer["ResponseCode"] == 429
        assert {"Name": "Retry-After", "Value": "60"} in answer["ResponseHeaders"]


def of_one_address(name: str) -> dict[str, Any]:
    """A rule's rate statement, which counts by IP address."""
    statement: dict[str, Any] = rule(name)["Statement"]["RateBasedStatement"]
    assert statement["AggregateKeyType"] == "IP"
    assert statement["EvaluationWindowSec"] == 60
    assert rule(name)["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    return statement


def matches(statement: dict[str, Any], method: str, path: str) -> bool:
    """Whether the firewall's statement matches a request."""
    ((kind, content),) = statement.items()
    match kind:
        case "AndStatement":
            return all(matches(one, method, path) for one in content["Statements"])
        case "OrStatement":
            return any(matches(one, method, path) for one in content["Statements"])
    value = method if "Method" in content["FieldToMatch"] else path
    if kind == "RegexMatchStatement":
        return bool(re.search(content["RegexString"], value))
    assert kind == "ByteMatchStatement"
    constraint, text = content["PositionalConstraint"], content["SearchString"]
    return value == text if constraint == "EXACTLY" else constraint == "ENDS_WITH" and value.endswith(text)


@pytest.mark.parametrize("stage", ["", "/prod", "/journeys/v1"])
def test_deliveries_and_public_requests_of_one_address_have_limits_of_their_own(stage: str) -> None:
    deliveries = of_one_address("DeliveriesOfOneAddress")["ScopeDownStatement"]
    public = of_one_address("PublicRequestsOfOneAddress")["ScopeDownStatement"]
    for method, path, is_delivery, is_public in (
        ("POST", "/webhooks/invented-1", True, False),
        ("GET", "/webhooks/invented-1", True, True),
        ("OPTIONS", "/webhooks/invented-1", True, True),
        ("OPTIONS", "/api/v2/journey/views", False, True),
        ("GET", "/openapi.json", False, True),
        ("GET", "/api/v2/journey/openapi.json", False, True),
        ("GET", "/api/v2/journey/views", False, False),
        ("POST", "/api/v2/journey/webhooks/endpoints", False, False),
    ):
        assert matches(deliveries, method, stage + path) is is_delivery, path
        assert matches(public, method, stage + path) is is_public, path
    assert "ScopeDownStatement" not in of_one_address("RateOfOneAddress")


def test_one_address_cannot_use_up_the_throttle_that_all_organizations_share() -> None:
    parameters = template()["Parameters"]
    for name, throttle in (
        ("RateOfOneAddress", "ThrottleRate"),
        ("DeliveriesOfOneAddress", "DeliveryThrottleRate"),
        ("PublicRequestsOfOneAddress", "PublicThrottleRate"),
    ):
        limit = of_one_address(name)["Limit"]["Ref"]
        assert parameters[limit]["Default"] / 60 <= 0.8 * parameters[throttle]["Default"], limit


@pytest.mark.parametrize("group", BODY_RULES)
def test_rules_on_bodies_only_count_in_their_rule_group(group: str) -> None:
    assert counted(group) >= BODY_RULES[group]


def test_requests_that_body_rules_match_are_blocked_except_for_events_and_deliveries() -> None:
    labels, elsewhere = rule("Bodies")["Statement"]["AndStatement"]["Statements"]
    keys = {one["LabelMatchStatement"]["Key"] for one in labels["OrStatement"]["Statements"]}
    found = {key.rsplit(":", 1)[1].upper() for key in keys}
    # A body over 8 KB is allowed everywhere: a schema with 50 attributes can be larger.
    assert found == {name.upper() for names in BODY_RULES.values() for name in names} - {"SIZERESTRICTIONS_BODY"}
    pattern = elsewhere["NotStatement"]["Statement"]["RegexMatchStatement"]["RegexString"]
    for path in ("/prod/webhooks/abc", "/prod/api/v2/journey/externalevents/configurations/1/events",
                 "/prod/api/v2/journey/externalevents/configurations/1/events/validate",
                 "/api/v2/journey/webhooks/endpoints/1/test"):  # fmt: skip
        assert re.search(pattern, path), path
    for path in ("/prod/api/v2/journey/externalevents/schemas", "/prod/api/v2/journey/views",
                 "/prod/api/v2/journey/webhooks/endpoints"):  # fmt: skip
        assert not re.search(pattern, path), path


def test_the_firewall_stores_no_sampled_requests() -> None:
    """Samples would show tokens and customers' data to everyone who can read the firewall."""
    for one in [FIREWALL, *FIREWALL["Rules"]]:
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False
    names = [one["VisibilityConfig"]["MetricName"] for one in FIREWALL["Rules"]]
    assert len(names) == len(set(names))


def test_the_firewalls_responses_are_error_bodies() -> None:
    for body in FIREWALL["CustomResponseBodies"].values():
        told = json.loads(body["Content"])
        assert told.keys() == {"message", "code", "status", "contextId", "details", "errors"}


# -- what checkov leaves out -------------------------------------------------------------------------------------------


def test_every_skipped_checkov_rule_has_a_comment() -> None:
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    skips = [place for place, line in enumerate(lines) if re.match(r"\s+- CKV", line)]
    assert skips
    for place in skips:
        above = next(line for line in reversed(lines[:place]) if not re.match(r"\s+- CKV", line))
        assert above.strip().startswith("#"), lines[place]
