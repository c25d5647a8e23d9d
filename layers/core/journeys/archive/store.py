"""The archive in its S3 bucket. A row of the registry names the current manifest; updating it switches all readers."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from journeys import keys
from journeys.archive import model
from journeys.archive.model import ArchiveFile, Figures, LinksFile, Manifest, ManifestSummary, Snapshot
from journeys.aws import FORM_VALUE, SET_FORM, Item, is_condition_failure, require_form, to_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MAX_LANDED = 5000
"""Files that figures count which landed since the last compaction: five calls to S3."""
MAX_LANDED_DAYS = 10
"""Days of which figures count landed files: there are two or three, and more after events were archived again."""
FETCHES = 16
"""Files that are downloaded in parallel. It must not exceed the connection pool of the S3 client."""

_SINGLE_THREAD = TransferConfig(use_threads=False)
"""Downloads a file in the calling thread. By default, each download starts ten threads of its own."""


class ManifestConflict(Exception):
    """Another compaction updated the archive's manifest since it was read."""


class LandingStore:
    """Stores landed files. It is separate because landing needs no other access to the archive."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def put(self, key: str, path: Path) -> None:
        """Stores a landed file. Its key is derived from its content, so storing it again changes nothing."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=path.read_bytes())


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of an archive. `size` is in bytes, `modified` in milliseconds."""

    key: str
    size: int
    modified: int


class ArchiveStore:
    """The archives of all organizations. The S3 client is created when it is first needed."""

    def __init__(
        self, dynamodb: "DynamoDBClient", registry_table: str, s3: Callable[[], "S3Client"], bucket: str
    ) -> None:
        self._dynamodb, self._table, self._s3, self._bucket = dynamodb, registry_table, s3, bucket

    # -- reading -------------------------------------------------------------------------------------------------------

    def organizations(self) -> Iterator[str]:
        """The organizations that have an archive."""
        for page in self._pages(Prefix=model.ROOT, Delimiter="/"):
            for prefix in page.get("CommonPrefixes", []):
                yield model.organization_of(prefix["Prefix"])

    def snapshot(self, organization_id: str) -> Snapshot:
        """The current files of an archive. They are not deleted for two days.

        The manifest is read before the landed files are listed. A file that is compacted between the two reads is still
        listed, because retired files are deleted only after two days.
        """
        manifest = self.manifest(organization_id)
        return Snapshot(organization_id, manifest.compacted, tuple(self.landed(manifest)), manifest.links)

    def figures(self, organization_id: str) -> Figures:
        """The figures of an archive, without reading its manifest or the names of all files that landed recently.

        Of the files that landed since the last compaction, counts the oldest MAX_LANDED of the oldest MAX_LANDED_DAYS.
        """
        row = self._row(organization_id)
        if row is not None and "summary" in row:
            compacted = ManifestSummary.from_values(json.loads(row["summary"]["S"]))
        else:  # The row was stored by the first release. The next compaction adds the summary.
            compacted = ManifestSummary.of(self._manifest_of(organization_id, row))
        return Figures(compacted, tuple(islice(self._landed_since(organization_id, compacted), MAX_LANDED)))

    def _landed_since(self, organization_id: str, compacted: ManifestSummary) -> Iterator[ArchiveFile]:
        """The files that landed since the last compaction, from the oldest day on."""
        prefix = model.folder(organization_id, model.LANDED)
        page = self._s3().list_objects_v2(Bucket=self._bucket, Prefix=prefix, Delimiter="/", MaxKeys=MAX_LANDED_DAYS)
        for found in page.get("CommonPrefixes", []):
            day = found["Prefix"].removeprefix(prefix).strip("/")
            start = compacted.landed_until.get(day, found["Prefix"])
            for stored in self._objects(Prefix=found["Prefix"], StartAfter=start):
                yield model.landed_file(stored.key, stored.size)

    def manifest(self, organization_id: str) -> Manifest:
        """The current manifest, or an empty one of version 0 if the archive was never compacted."""
        return self._manifest_of(organization_id, self._row(organization_id))

    def _manifest_of(self, organization_id: str, row: Item | None) -> Manifest:
        """The manifest that the archive's row names."""
        if row is None:
            return Manifest(organization_id)
        response = self._s3().get_object(Bucket=self._bucket, Key=row["key"]["S"])
        return Manifest.from_values(json.loads(response["Body"].read()))

    def landed(self, manifest: Manifest) -> Iterator[ArchiveFile]:
        """The landed files whose events are not in the manifest's compacted files."""
        for stored in self.landed_objects(manifest):
            yield model.landed_file(stored.key, stored.size)

    def landed_objects(self, manifest: Manifest) -> Iterator[StoredObject]:
        """The objects of the files that `landed` returns."""
        for stored in self.objects(manifest.organization_id, model.LANDED):
            if stored.key not in manifest.retired:
                yield stored

    def objects(self, organization_id: str, part: str) -> Iterator[StoredObject]:
        """All objects of one part of an archive."""
        return self._objects(Prefix=model.folder(organization_id, part))

    def _objects(self, **request: str) -> Iterator[StoredObject]:
        for page in self._pages(**request):
            for item in page.get("Contents", []):
                modified = int(item["LastModified"].timestamp() * 1000)
                yield StoredObject(item["Key"], item["Size"], modified)

    def fetch(self, files: Iterable[ArchiveFile | LinksFile], folder: Path) -> dict[str, Path]:
        """Downloads files to a folder in parallel. Returns the path of each file by its key."""
        paths = {file.key: folder / file.key.rsplit("/", 1)[1] for file in files}
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
            list(threads.map(self._download, paths.items()))
        return paths

    # -- writing -------------------------------------------------------------------------------------------------------

    def put_file(self, file: ArchiveFile | LinksFile, path: Path) -> None:
        """Stores a compacted file or a file of links. Readers do not use it until a manifest names it."""
        self._s3().upload_file(str(path), self._bucket, file.key)

    def put_manifest(self, manifest: Manifest) -> Manifest:
        """Stores a manifest as the next version and makes it the current one. Returns the stored manifest.

        Raises ManifestConflict if the current manifest is not of the version of `manifest`. Then nothing has changed.
        """
        key = model.manifest_key(manifest.organization_id, manifest.version + 1)
        updated = replace(manifest, version=manifest.version + 1, key=key)
        body = json.dumps(updated.to_values(), separators=(",", ":")).encode()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        values = {
            ":form": FORM_VALUE,
            ":version": to_value(updated.version),
            ":key": to_value(key),
            ":summary": to_value(json.dumps(ManifestSummary.of(updated).to_values())),
        }
        if manifest.version:
            values[":before"] = to_value(manifest.version)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.archive(manifest.organization_id),
                UpdateExpression=f"{SET_FORM}, version = :version, #key = :key, summary = :summary",
                ConditionExpression="version = :before" if manifest.version else "attribute_not_exists(version)",
                ExpressionAttributeNames={"#key": "key"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            row = self._row(manifest.organization_id)
            # If the row names this manifest, the update succeeded earlier and its response was lost.
            if row is None or row["key"]["S"] != key:
                raise ManifestConflict from None
        return updated

    def delete(self, object_keys: Sequence[str]) -> None:
        """Deletes objects. A missing object is not an error. Raises OSError if S3 could not delete all of them."""
        for start in range(0, len(object_keys), 1000):
            batch = object_keys[start : start + 1000]
            response = self._s3().delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
            )
            if response.get("Errors"):
                raise OSError(
                    f"{len(response['Errors'])} objects could not be deleted: {response['Errors'][0].get('Code')}"
                )

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _row(self, organization_id: str) -> Any:
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.archive(organization_id), ConsistentRead=True
        )
        item = response.get("Item")
        require_form(item or {})
        return item

    def _pages(self, **request: Any) -> Iterator[Any]:
        return iter(self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **request))

    def _download(self, key_and_path: tuple[str, Path]) -> None:
        key, path = key_and_path
        self._s3().download_file(self._bucket, key, str(path), Config=_SINGLE_THREAD)


class CompactionQueue:
    """The queue of archives that wait for their compaction."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def send(self, organization_id: str) -> None:
        """Sends the message of an archive. Sending it twice compacts the archive twice, which changes nothing."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"organizationId": organization_id}))


def organization_of_message(body: str) -> str:
    """The organization whose archive a message of the queue names."""
    organization_id: str = json.loads(body)["organizationId"]
    return organization_id
