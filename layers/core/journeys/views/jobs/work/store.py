"""The objects that attempts at jobs write to the archive bucket."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from journeys import jsontext
from journeys.aws import error_code
from journeys.errors import NotFound, ServiceUnavailable
from journeys.views.jobs.model import Job
from journeys.views.jobs.spec import JobSpec

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_KEYS = 1000
"""Objects that S3 deletes in one request."""


class WorkStore:
    """The objects that attempts write to the archive bucket.

    Each attempt has its own object keys, so attempts do not overwrite each other's objects:

    - `work/{organization}/{job}/{attempt}/order.json`: the `JobSpec`. A lifecycle rule deletes `work/`.
    - `work/{organization}/{job}/{attempt}/parts/{number}.json`: a partial result.
    - `results/{organization}/{job}/{attempt}.json`: the result. Only that of the completing attempt is ever read.
    - `results/{organization}/{job}/{attempt}-customers.json` and `...-customers-index.json`: who is behind its figures.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def put_spec(self, spec: JobSpec) -> None:
        self._put(_work(spec.organization_id, spec.job_id, spec.attempt, "order"), spec.to_values())

    def spec(self, organization_id: str, job_id: str, attempt: int) -> JobSpec:
        """The specification of an attempt."""
        return JobSpec.from_values(self._get(_work(organization_id, job_id, attempt, "order")))

    def put_part(self, spec: JobSpec, number: int, values: Mapping[str, Any]) -> None:
        """Store the values of a partial result. Parts are numbered from 0."""
        name = f"parts/{number}"
        self._put(_work(spec.organization_id, spec.job_id, spec.attempt, name), values)

    def parts(self, spec: JobSpec) -> Iterator[Mapping[str, Any]]:
        """The values of the partial results of all parts, in order."""
        for number in range(len(spec.parts)):
            name = f"parts/{number}"
            yield self._get(_work(spec.organization_id, spec.job_id, spec.attempt, name))

    def put_result(self, spec: JobSpec, text: bytes) -> None:
        """Store the JSON text of an attempt's result."""
        self._put_text(_result(spec.organization_id, spec.job_id, spec.attempt), text)

    def result(self, job: Job) -> dict[str, Any]:
        """The result of a complete job. Raises NotFound if it has expired."""
        result = self._find(_result(job.organization_id, job.job_id, job.attempt))
        if result is None:
            raise NotFound("The results of the job have expired. Create a new job.", code="results.expired")
        return result

    def put_customers(self, spec: JobSpec, index: bytes, lists: bytes) -> None:
        """Store the lists of the customers behind an attempt's figures, and where each of them begins."""
        for suffix, text in ((_LISTS, lists), (_INDEX, index)):
            self._put_text(_result(spec.organization_id, spec.job_id, spec.attempt, suffix), text)

    def customers_index(self, job: Job) -> dict[str, Any]:
        """The index of the lists of a complete job. Raises NotFound if the job has none, or if they have expired."""
        index = self._find(_result(job.organization_id, job.job_id, job.attempt, _INDEX))
        if index is None:
            self.result(job)
            raise NotFound(
                "The job was computed before customers were listed. Create a new job.", code="customers.not.listed"
            )
        return index

    def customers(self, job: Job, start: int, length: int) -> list[list[str]]:
        """One list of a complete job, at the place that the index names: the keys of each customer's identifiers."""
        key = _result(job.organization_id, job.job_id, job.attempt, _LISTS)
        response = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{start + length - 1}")
        customers: list[list[str]] = jsontext.loads(response["Body"].read())
        return customers

    def delete_results(self, jobs: Iterable[Job]) -> None:
        """Delete the results and lists of all attempts at these jobs. Raises ServiceUnavailable if some are left."""
        results = [
            _result(job.organization_id, job.job_id, attempt, suffix)
            for job in jobs
            for attempt in range(1, job.attempt + 1)
            for suffix in ("", _LISTS, _INDEX)
        ]
        for start in range(0, len(results), MAX_KEYS):
            objects: Any = [{"Key": key} for key in results[start : start + MAX_KEYS]]
            response = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            if response.get("Errors"):
                raise ServiceUnavailable("Some results of the view could not be deleted. Send the request again.")

    def _put(self, key: str, value: Any) -> None:
        self._put_text(key, jsontext.dumps(value).encode())

    def _put_text(self, key: str, text: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=text, ContentType="application/json")

    def _find(self, key: str) -> dict[str, Any] | None:
        """An object that may have expired; None if it does not exist."""
        try:
            found: dict[str, Any] = self._get(key)
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            return None
        return found

    def _get(self, key: str) -> Any:
        return jsontext.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())


def _work(organization_id: str, job_id: str, attempt: int, name: str) -> str:
    return f"work/{quote(organization_id, safe='')}/{job_id}/{attempt}/{name}.json"


_LISTS, _INDEX = "-customers", "-customers-index"


def _result(organization_id: str, job_id: str, attempt: int, suffix: str = "") -> str:
    return f"results/{quote(organization_id, safe='')}/{job_id}/{attempt}{suffix}.json"
