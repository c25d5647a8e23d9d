"""The archive in its bucket; a row of the registry says which manifest holds, and moving that row is the one switch."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from journeys import keys
from journeys.archive import model
from journeys.archive.model import ArchiveFile, Manifest, Snapshot
from journeys.aws import is_condition_failure, to_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

FETCHES = 16
"""Files that are fetched at the same time; below the connections that a client keeps."""

_BY_ITSELF = TransferConfig(use_threads=False)
"""A file is fetched by the thread that asks; by default each would have ten more of its own."""


class ManifestConflict(Exception):
    """Somebody else moved the archive to another manifest meanwhile."""


class LandingStore:
    """Where landed files are put: all that landing needs."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def put(self, key: str, path: Path) -> None:
        """Puts a landed file. Its name follows from what it holds, so to put it again changes nothing."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=path.read_bytes())


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of an archive; `modified` is in milliseconds."""

    key: str
    size: int
    modified: int


class ArchiveStore:
    """The archives of all organisations. The bucket's client is only made where it is needed."""

    def __init__(
        self, dynamodb: "DynamoDBClient", registry_table: str, s3: Callable[[], "S3Client"], bucket: str
    ) -> None:
        self._dynamodb, self._table, self._s3, self._bucket = dynamodb, registry_table, s3, bucket

    # -- what there is -------------------------------------------------------------------------------------------------

    def organizations(self) -> Iterator[str]:
        """Every organisation that has an archive."""
        for page in self._pages(Prefix=model.ROOT, Delimiter="/"):
            for prefix in page.get("CommonPrefixes", []):
                yield model.organization_of(prefix["Prefix"])

    def snapshot(self, organization_id: str) -> Snapshot:
        """What a reader sees now. All its files stay for two days.

        The manifest is read before landed files are listed: what it does not know of has not been retired for long.
        """
        manifest = self.manifest(organization_id)
        return Snapshot(organization_id, manifest.compacted, tuple(self.landed(manifest)))

    def data_range(self, organization_id: str) -> tuple[int, int] | None:
        """The dates of the first and of the last event, in milliseconds; None where there are none."""
        files = self.snapshot(organization_id).files
        return (min(file.first for file in files), max(file.last for file in files)) if files else None

    def manifest(self, organization_id: str) -> Manifest:
        """The manifest that holds now; an empty one of version 0 before the first."""
        row = self._row(organization_id)
        if row is None:
            return Manifest(organization_id)
        answer = self._s3().get_object(Bucket=self._bucket, Key=row["key"]["S"])
        return Manifest.from_values(json.loads(answer["Body"].read()))

    def landed(self, manifest: Manifest) -> Iterator[ArchiveFile]:
        """The landed files that the manifest did not take in."""
        for stored in self.objects(manifest.organization_id, model.LANDED):
            if stored.key not in manifest.retired:
                yield model.landed_file(stored.key, stored.size)

    def objects(self, organization_id: str, part: str) -> Iterator[Stored]:
        """Every object of one part of an archive."""
        for page in self._pages(Prefix=model.folder(organization_id, part)):
            for found in page.get("Contents", []):
                yield Stored(found["Key"], found["Size"], int(found["LastModified"].timestamp() * 1000))

    def fetch(self, files: Iterable[ArchiveFile], folder: Path) -> dict[str, Path]:
        """Fetches files into a folder, several at once; answers with where each is, by its key."""
        paths = {file.key: folder / file.key.rsplit("/", 1)[1] for file in files}
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
            list(threads.map(self._download, paths.items()))
        return paths

    # -- changing it ---------------------------------------------------------------------------------------------------

    def put_compacted(self, file: ArchiveFile, path: Path) -> None:
        """Puts a compacted file; nobody reads it before a manifest names it."""
        self._s3().upload_file(str(path), self._bucket, file.key)

    def put_manifest(self, manifest: Manifest) -> Manifest:
        """Makes this the manifest that holds, as the next of its version; answers with it.

        Raises ManifestConflict where the one that holds is not of that version. Then nothing has changed.
        """
        key = model.manifest_key(manifest.organization_id, manifest.version + 1)
        following = replace(manifest, version=manifest.version + 1, key=key)
        body = json.dumps(following.to_values(), separators=(",", ":")).encode()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        values = {":version": to_value(following.version), ":key": to_value(key), ":before": to_value(manifest.version)}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.archive(manifest.organization_id),
                UpdateExpression="SET version = :version, #key = :key",
                ConditionExpression="version = :before" if manifest.version else "attribute_not_exists(version)",
                ExpressionAttributeNames={"#key": "key"},
                ExpressionAttributeValues=values if manifest.version else {n: values[n] for n in (":version", ":key")},
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            row = self._row(manifest.organization_id)
            if row is None or row["key"]["S"] != key:  # else it was our own call, whose answer was lost
                raise ManifestConflict from None
        return following

    def delete(self, object_keys: Sequence[str]) -> None:
        """Deletes objects of archives; one that is gone already is no error."""
        for start in range(0, len(object_keys), 1000):
            some = object_keys[start : start + 1000]
            answer = self._s3().delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
            if answer.get("Errors"):
                raise OSError(f"{len(answer['Errors'])} objects were not deleted: {answer['Errors'][0].get('Code')}")

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _row(self, organization_id: str) -> Any:
        answer = self._dynamodb.get_item(TableName=self._table, Key=keys.archive(organization_id), ConsistentRead=True)
        return answer.get("Item")

    def _pages(self, **request: Any) -> Iterator[Any]:
        return iter(self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **request))

    def _download(self, wanted: tuple[str, Path]) -> None:
        key, path = wanted
        self._s3().download_file(self._bucket, key, str(path), Config=_BY_ITSELF)
