"""Answers what no other function does: a browser's preflight, and addresses that do not exist.

API Gateway could answer a preflight itself, but not where all bodies pass as binary.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.http import Api
from journeys.registry.cache import Cache

api = Api(Cache(lambda client_id, consistent: None))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.handle(event, context)
