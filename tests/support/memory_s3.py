"""A bucket in memory, for tests that call S3 thousands of times. One call is much faster than in moto."""

# ruff: noqa: N803  (the arguments have the names of the S3 API)

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

PAGE = 1000
"""The most objects in a page of a list, as in S3."""


class MemoryS3:
    """A client with the operations that the archive uses, on one bucket. It is consistent, as S3 is."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    def put_object(self, *, Key: str, Body: bytes, **_: object) -> Mapping[str, Any]:
        self._objects[Key] = Body, datetime.now(UTC)
        return {}

    def get_object(self, *, Key: str, **_: object) -> Mapping[str, Any]:
        return {"Body": BytesIO(self._body(Key, "GetObject"))}

    def delete_objects(self, *, Delete: Mapping[str, Any], **_: object) -> Mapping[str, Any]:
        for item in Delete["Objects"]:
            self._objects.pop(item["Key"], None)
        return {}

    def upload_file(self, path: str, _bucket: str, key: str) -> None:
        self.put_object(Key=key, Body=Path(path).read_bytes())

    def download_file(self, _bucket: str, key: str, path: str, **_: object) -> None:
        Path(path).write_bytes(self._body(key, "HeadObject"))

    def get_paginator(self, operation: str) -> "MemoryS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Prefix: str, **_: object) -> Iterator[Mapping[str, Any]]:
        keys = sorted(key for key in self._objects if key.startswith(Prefix))
        for start in range(0, max(len(keys), 1), PAGE):
            stored = [(key, *self._objects[key]) for key in keys[start : start + PAGE] if key in self._objects]
            yield {"Contents": [{"Key": key, "Size": len(body), "LastModified": at} for key, body, at in stored]}

    def _body(self, key: str, operation: str) -> bytes:
        if key not in self._objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "The key does not exist."}}, operation)
        return self._objects[key][0]
