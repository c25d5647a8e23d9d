"""Batches of the log's stream that Lambda gave up, as it leaves them in the bucket: whole."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "aws/lambda/"
"""Lambda's: aws/lambda/{event source mapping}/{shard}/{yyyy}/{mm}/{dd}/{moment}-{uuid}
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""


@dataclass(frozen=True, slots=True)
class DiscardedBatch:
    """What was given up: the name of the function that it was for, and the records, as the function got them."""

    function: str
    records: Sequence[Mapping[str, Any]]


class DiscardedStore:
    """The failure destination of the functions that read the stream."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def keys(self) -> Iterator[str]:
        """The objects there are, in no order that matters."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX):
            for found in page.get("Contents", []):
                yield found["Key"]

    def get(self, key: str) -> DiscardedBatch:
        """A batch. Raises ValueError, LookupError or TypeError for an object that holds none.

        The payload is the function's event, as JSON or as a text of JSON.
        """
        record = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        payload = record["payload"]
        records = (json.loads(payload) if isinstance(payload, str) else payload)["Records"]
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise TypeError("no list of records")
        return DiscardedBatch(record["requestContext"]["functionArn"].split(":")[6], records)

    def delete(self, key: str) -> None:
        """Deletes an object; the bucket's versions keep it."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)
