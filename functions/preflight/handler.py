"""Responds to preflight requests of browsers (CORS).

API Gateway cannot respond itself, since it passes all bodies as binary data.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.settings import allowed_origin

HEADERS = {
    "Access-Control-Allow-Origin": allowed_origin(),
    "Access-Control-Allow-Methods": "GET,POST,PUT,PATCH,DELETE,OPTIONS",
    "Access-Control-Allow-Headers": "Authorization,Content-Type,Idempotency-Key",
    "Access-Control-Max-Age": "3600",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return {"statusCode": 204, "headers": HEADERS, "body": ""}
