"""The S3 bucket to which Lambda writes the stream batches that it discarded after the last retry."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journeys.stream.records import Record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "aws/lambda/"
"""Lambda writes aws/lambda/{event source mapping}/{shard}/{yyyy}/{mm}/{dd}/{date}-{uuid}
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""


@dataclass(frozen=True, slots=True)
class DiscardedBatch:
    """A discarded batch: the name of the function that could not process it, and the complete records."""

    function: str
    records: Sequence[Record]


class DiscardedStore:
    """The failure destination of the functions that read the stream."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def keys(self) -> Iterator[str]:
        """The keys of all discarded batches, in no particular order."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX):
            for item in page.get("Contents", []):
                yield item["Key"]

    def get(self, key: str) -> DiscardedBatch:
        """Reads a batch. Raises ValueError, LookupError, TypeError or AttributeError if the object is not a batch.

        The payload is the event that Lambda passed to the function, either as JSON or as a string of JSON.
        """
        discarded = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        payload = discarded["payload"]
        records = (json.loads(payload) if isinstance(payload, str) else payload)["Records"]
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise TypeError("the payload holds no list of records")
        return DiscardedBatch(discarded["requestContext"]["functionArn"].split(":")[6], records)

    def delete(self, key: str) -> None:
        """Deletes a batch. The bucket is versioned, so the object can still be recovered."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)
