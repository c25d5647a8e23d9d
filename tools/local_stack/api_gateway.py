"""Adds to the local stack's API what the emulator does not import from the template."""

from typing import Any

from tools import template
from tools.stack import Stack


def complete(stack: Stack) -> None:
    """Adds the gateway responses and the ANY methods. On AWS, `sam deploy` creates both."""
    content = template.read(template.TEMPLATE)
    _put_gateway_responses(stack, content)
    _put_any_methods(stack, content)
    stack.client("apigateway").create_deployment(restApiId=stack.outputs["ApiId"], stageName=stack.outputs["StageName"])


def _put_gateway_responses(stack: Stack, content: dict[str, Any]) -> None:
    client = stack.client("apigateway")
    origin = content["Parameters"]["AllowedOrigin"]["Default"]
    for kind, response in content["Resources"]["Api"]["Properties"]["GatewayResponses"].items():
        headers = {
            name: value["Fn::Sub"].replace("${AllowedOrigin}", origin) if isinstance(value, dict) else value
            for name, value in response["ResponseParameters"]["Headers"].items()
        }
        client.put_gateway_response(
            restApiId=stack.outputs["ApiId"],
            responseType=kind,
            responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
            **({"statusCode": response["StatusCode"]} if "StatusCode" in response else {}),
        )


def _put_any_methods(stack: Stack, content: dict[str, Any]) -> None:
    client, api_id = stack.client("apigateway"), stack.outputs["ApiId"]
    (authorizer,) = client.get_authorizers(restApiId=api_id)["items"]
    pages = client.get_paginator("get_resources").paginate(restApiId=api_id)
    resource_ids = {resource["path"]: resource["id"] for page in pages for resource in page["items"]}
    with_token: dict[str, Any] = {
        "authorizationType": "COGNITO_USER_POOLS",
        "authorizerId": authorizer["id"],
        "authorizationScopes": ["journey/api"],
    }
    for logical_id, path, is_public in _any_routes(content):
        target: Any = {"restApiId": api_id, "resourceId": resource_ids[path], "httpMethod": "ANY"}
        client.put_method(**target, **({"authorizationType": "NONE"} if is_public else with_token))
        client.put_integration(
            **target, type="AWS_PROXY", integrationHttpMethod="POST", uri=_invocation_uri(stack, logical_id)
        )


def _any_routes(content: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Every route with the method ANY: the logical id of its function, its path, and whether it needs no token."""
    return [
        (
            logical_id,
            event["Properties"]["Path"],
            event["Properties"].get("Auth", {}).get("Authorizer") == "NONE",
        )
        for logical_id, resource in content["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["Method"] == "ANY"
    ]


def _invocation_uri(stack: Stack, logical_id: str) -> str:
    resource = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId=logical_id
    )
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    arn = stack.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    return f"arn:aws:apigateway:{stack.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
