"""The stores of jobs: the registry table, the job queue, and the state machine."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, jsontext, keys
from journeys.aws import (
    IN_FORM,
    ConditionsFailed,
    Item,
    backoff,
    delete_all,
    error_code,
    from_item,
    get_all,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, NotFound
from journeys.registry.limits import WAITING_JOBS
from journeys.views.jobs.model import ATTEMPT_DEADLINE_MS, UNFINISHED, Job, JobError, Kind, Status, lowest_id
from journeys.views.jobs.options import Applied, applied
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.jobs.spec import JobSpec
from journeys.views.model import View, ViewDefinition
from journeys.views.paths.model import PathDefinition
from journeys.views.store import require_view

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


class ShareUsed(Exception):
    """The organization has as many jobs computed as its share of the slots allows."""


MAX_JOB_ID = 100
"""Characters. No job has a longer id, and DynamoDB refuses keys that are too long."""


class JobStore:
    """The jobs of organizations, in the registry table.

    A job has two items: its own, and a reference from the view's version to it, or the definition of its paths. Both
    expire.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._shares = ShareStore(dynamodb, table)

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, job_id: str) -> Job:
        """The job as of now. Raises NotFound, also if the job has expired."""
        job = self.read(organization_id, job_id)
        if job is None or job.expires <= dates.now_ms():
            raise NotFound("There is no job with this id.")
        return job

    def read(self, organization_id: str, job_id: str) -> Job | None:
        """The job as of now, also if it has expired, or None."""
        if len(job_id) > MAX_JOB_ID:
            return None
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.job(organization_id, job_id), ConsistentRead=True
        )
        return _job(organization_id, response["Item"]) if "Item" in response else None

    def find(self, organization_id: str, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that exist, in any order, also expired ones."""
        wanted = [keys.job(organization_id, job_id) for job_id in job_ids]
        items = get_all(self._dynamodb, self._table, wanted, consistent=True)
        return [_job(organization_id, item) for item in items]

    def view(self, job: Job) -> View:
        """The view as it was when the job was accepted. Raises NotFound if the view was deleted since then."""
        place = (job.organization_id, job.view_id, job.version)
        possible = [keys.view_version(*place), keys.view_revision(*place, job.revision)]
        for item in get_all(self._dynamodb, self._table, possible, consistent=True):
            view = View.from_values(from_item(item))
            if view.revision == job.revision:
                return view
        raise NotFound("The view of the job was deleted.", code="view.deleted")

    def applied(self, job: Job) -> Applied[ViewDefinition | PathDefinition]:
        """What a job computes. Raises NotFound if the view was deleted since the job was accepted."""
        if job.kind is Kind.PATHS:
            return Applied(self.paths(job), job.date_created)
        return self.applied_view(job)

    def applied_view(self, job: Job) -> Applied[ViewDefinition]:
        """What a job of a view computes. Raises NotFound if the view was deleted since the job was accepted."""
        return applied(job.options, self.view(job).definition, job.date_created)

    def paths(self, job: Job) -> PathDefinition:
        """The definition of a job of paths."""
        key = keys.paths(job.organization_id, job.job_id)
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)["Item"]
        return PathDefinition.model_validate(jsontext.loads(from_item(item)["definition"].encode()))

    def latest(self, organization_id: str, view_id: str, version: int) -> Job:
        """The most recently accepted job of a version without options. Raises NotFound if there is none."""
        response = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :jobs)",
            ExpressionAttributeValues={
                ":pk": to_value(keys.view_parts(organization_id, view_id)),
                ":jobs": to_value(keys.version_jobs(version)),
            },
            ProjectionExpression="sk",
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        if not response["Items"]:
            raise NotFound("This version of the view has no job.")
        return self.get(organization_id, keys.split(response["Items"][0]["sk"]["S"])[-1])

    def newest_first(
        self, organization_id: str, since: int | None, until: int | None, *, after: str | None, limit: int
    ) -> tuple[list[Job], bool]:
        """Up to `limit` jobs that follow the job `after`, also expired ones, and whether no others follow.

        Only jobs accepted at or after `since` and before `until`, in milliseconds since 1970; None means no limit.
        """
        low, high = lowest_id(since or 0), lowest_id(until) if until is not None else "g"
        if low >= high or (after is not None and not low <= after < high):
            return [], True  # DynamoDB refuses a start that is outside the range.
        start = {} if after is None else {"ExclusiveStartKey": keys.job(organization_id, after)}
        response = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",  # no id equals `high`
            ExpressionAttributeValues={
                ":pk": to_value(keys.jobs(organization_id)),
                ":low": to_value(low),
                ":high": to_value(high),
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
        return [_job(organization_id, row) for row in response["Items"]], "LastEvaluatedKey" not in response

    # -- from acceptance to the end ------------------------------------------------------------------------------------

    def create(self, job: Job, most_waiting: int, paths: PathDefinition | None = None) -> bool:
        """Store a new job, of a view or of `paths`. Returns False if a job with this id exists.

        Raises NotFound if the view was deleted, and TooManyWaiting if `most_waiting` jobs of the organization wait.
        """
        own = keys.job(job.organization_id, job.job_id) | to_item(job.to_values())
        writes = [self._shares.wait(job.organization_id, job.job_id, most_waiting), self._put_new(own)]
        if paths is not None:
            beside = keys.paths(job.organization_id, job.job_id)
            beside |= to_item({"definition": jsontext.dumps(paths.to_values())})
        else:
            reference = keys.version_job if job.options is None else keys.version_job_with_options
            beside = reference(job.organization_id, job.view_id, job.version, job.job_id) | IN_FORM
            writes.append(require_view(self._table, job.organization_id, job.view_id))
        writes.append(self._put_new(beside | {"expires": own["expires"]}))
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed as failed:
            if paths is None and 2 in failed.failed:
                raise NotFound("There is no view with this id.") from None
            if failed.failed == {0}:
                raise WAITING_JOBS.reached(most_waiting, most_waiting) from None
            return False
        return True

    def _put_new(self, item: Item) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    def claim(
        self, organization_id: str, job_id: str, *, repeated: bool = True, share: int | None = None
    ) -> Job | None:
        """Start an attempt, which supersedes earlier ones. Returns None if the job has ended or is missing.

        Without `repeated`, also returns None if the job has an attempt already. With `share`, raises ShareUsed if that
        many other jobs of the organization are being computed.
        """

        def begun(job: Job) -> Job | None:
            if job.status is not Status.ACCEPTED and not repeated:
                return None
            deadline = dates.now_ms() + ATTEMPT_DEADLINE_MS
            return replace(job, status=Status.EXECUTING, attempt=job.attempt + 1, deadline=deadline)

        return self._change(organization_id, job_id, begun, self._shares.start(organization_id, job_id, share))

    def is_current(self, spec: JobSpec) -> bool:
        """Whether the attempt can still complete its job: the job is executing, and no later attempt has started."""
        job = self.get(spec.organization_id, spec.job_id)
        return job.status is Status.EXECUTING and job.attempt == spec.attempt

    def complete(self, spec: JobSpec) -> Job | None:
        """Complete a job with an attempt's result. Returns None, without a change, if the attempt is not current."""
        return self._end(
            spec.organization_id, spec.job_id, Status.COMPLETE, attempt=spec.attempt, received=spec.snapshot.received
        )

    def fail(self, organization_id: str, job_id: str, error: JobError, attempt: int | None = None) -> Job | None:
        """Mark a job as failed; with `attempt`, only if that is the current attempt.

        Returns None, without a change, if the job has ended or is missing, or if another attempt is current.
        """
        return self._end(organization_id, job_id, Status.FAILED, attempt=attempt, error=error)

    def cancel(self, organization_id: str, job_id: str) -> Job:
        """Cancel a job; a canceled one is left unchanged. Raises NotFound, and Conflict if the job ended otherwise."""
        job = self._end(organization_id, job_id, Status.CANCELLED) or self.get(organization_id, job_id)
        if job.status is not Status.CANCELLED:
            raise Conflict(
                f"The status of the job is {job.status}. Only an unfinished job can be canceled.",
                code="job.ended",
                params={"status": job.status},
            )
        return job

    def _end(
        self, organization_id: str, job_id: str, status: Status, *, attempt: int | None = None, **changes: Any
    ) -> Job | None:
        """End a job; with `attempt`, only if that is the current attempt. Returns None if nothing changed."""

        def ended(job: Job) -> Job | None:
            if attempt not in (None, job.attempt):
                return None
            return replace(job, status=status, date_completed=dates.now_ms(), **changes)

        remove = self._shares.cancel if status is Status.CANCELLED else self._shares.end
        job = self._change(organization_id, job_id, ended, remove(organization_id, job_id))
        if job is not None:
            self._shares.tidy(organization_id)
        return job

    def release(self, organization_id: str, job_id: str) -> None:
        """Release the slot of a job whose attempt has ended, if it was canceled or its view was deleted."""
        job = self.read(organization_id, job_id)
        if job is None or job.status is Status.CANCELLED:
            self._shares.remove(organization_id, [job_id])

    def end(self, job: Job) -> None:
        """Cancel a job unless it has ended."""
        if job.status in UNFINISHED:
            with suppress(Conflict, NotFound):
                self.cancel(job.organization_id, job.job_id)

    def delete(self, organization_id: str, job_ids: Sequence[str]) -> None:
        """Delete the items of jobs, without the references to them."""
        delete_all(self._dynamodb, self._table, [keys.job(organization_id, job_id) for job_id in job_ids])

    def _change(
        self, organization_id: str, job_id: str, change: Callable[[Job], Job | None], share: Mapping[str, Any]
    ) -> Job | None:
        """Store what `change` makes of an unfinished job, and its share, in one transaction.

        Returns the changed job, or None if the job has ended or is missing, or if `change` returns None. Raises
        ShareUsed if the condition of the share does not hold.
        """
        for wait in backoff():
            job = self.read(organization_id, job_id)
            changed = change(job) if job is not None and job.status in UNFINISHED else None
            if job is None or changed is None:
                return None
            try:
                transact(self._dynamodb, [self._update(job, changed), share])
                return changed
            except ConditionsFailed as failed:
                if 0 not in failed.failed:
                    raise ShareUsed from None
                time.sleep(wait)  # The job was changed, or its deadline passed: read again.
        raise AssertionError("backoff ends by raising")

    def _update(self, job: Job, changed: Job) -> dict[str, Any]:
        """Store the changes of a job, on the condition that its status, attempt and deadline hold."""
        before = job.to_values()
        values = {name: value for name, value in changed.to_values().items() if value != before[name]}
        known = {":before": before["status"], ":number": job.attempt, ":now": dates.now_ms()}
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.job(job.organization_id, job.job_id),
                "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
                "ConditionExpression": "#status = :before AND #attempt = :number AND #deadline > :now",
                "ExpressionAttributeNames": {f"#{name}": name for name in (*values, "status", "attempt", "deadline")},
                "ExpressionAttributeValues": {f":{name}": to_value(value) for name, value in values.items()}
                | {name: to_value(value) for name, value in known.items()},
            }
        }


def _job(organization_id: str, item: Mapping[str, Any]) -> Job:
    return Job.from_values(organization_id, from_item(item)).seen_at(dates.now_ms())


class JobQueue:
    """The queue of jobs that wait for the compute function."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def send(self, organization_id: str, job_id: str, delay_seconds: int = 0) -> None:
        """Send a job's message, to be delivered after a delay. A second message for a job changes nothing."""
        body = json.dumps({"organizationId": organization_id, "jobId": job_id})
        self._sqs.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)

    def retry_in(self, receipt: str, seconds: int) -> None:
        """Deliver a received message again after `seconds`, instead of after the queue's visibility timeout."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


class ComputationStateMachine:
    """The Step Functions state machine that computes a job in parts and merges them."""

    def __init__(self, stepfunctions: "SFNClient", arn: str) -> None:
        self._stepfunctions, self._arn = stepfunctions, arn

    def start(self, spec: JobSpec) -> None:
        """Start the state machine for an attempt. Starting it again for the same attempt changes nothing."""
        attempt = {"organizationId": spec.organization_id, "jobId": spec.job_id, "attempt": spec.attempt}
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._arn,
                name=f"{spec.job_id}-{spec.attempt}",
                input=json.dumps(attempt | {"parts": list(range(len(spec.parts)))}),
            )
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
