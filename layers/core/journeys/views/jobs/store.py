"""Jobs in the registry table, their orders and results in the bucket, their queue, and the machine for big ones."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from journeys import dates, jsontext, keys
from journeys.aws import ConditionsFailed, error_code, from_item, is_condition_failure, query_all, to_item, to_value
from journeys.aws import transact as write_all
from journeys.errors import Conflict, NotFound
from journeys.views.computation.part import Part
from journeys.views.jobs.model import EXECUTING_MS, Job, JobError, Status, lowest_id
from journeys.views.jobs.order import Order
from journeys.views.model import View

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_UNFINISHED = "#status IN (:accepted, :executing) AND deadline > :now"


class JobStore:
    """An organisation's jobs. A job is a row of its own; the view as it was at acceptance is beside the view."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, job_id: str) -> Job:
        """The job as it is now. Raises NotFound."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.job(organization_id, job_id), ConsistentRead=True
        )
        if "Item" not in answer:
            raise _not_found()
        return _job(organization_id, answer["Item"])

    def view(self, job: Job) -> View:
        """The view as it was when the job was accepted. Raises NotFound where the view was deleted since."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_beside_the_view(job), ConsistentRead=True)
        if "Item" not in answer:
            raise NotFound("The view was deleted.", code="view.deleted")
        return View.from_values(from_item(answer["Item"]))

    def latest(self, organization_id: str, view_id: str, version: int) -> Job:
        """The job of that version that was accepted last. Raises NotFound where it never had one."""
        answer = self._dynamodb.query(
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
        if not answer["Items"]:
            raise NotFound("This version of the view has no job.")
        return self.get(organization_id, keys.split(answer["Items"][0]["sk"]["S"])[-1])

    def newest_first(self, organization_id: str, since: int | None, until: int | None) -> Iterator[Job]:
        """The jobs accepted from `since` up to and without `until`, as they are now."""
        low, high = lowest_id(since or 0), lowest_id(until) if until is not None else "g"
        if low >= high:
            return
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",  # no id is as short as `high`
            ExpressionAttributeValues={
                ":pk": to_value(keys.jobs(organization_id)),
                ":low": to_value(low),
                ":high": to_value(high),
            },
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        for row in rows:
            yield _job(organization_id, row)

    # -- from acceptance to the end ------------------------------------------------------------------------------------

    def create(self, job: Job, view: View) -> bool:
        """Writes a new job; False where there is one of that id already."""
        beside = _beside_the_view(job) | to_item(view.to_values())
        own = keys.job(job.organization_id, job.job_id) | to_item(job.to_values())
        try:
            write_all(
                self._dynamodb,
                [
                    {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
                    for item in (own, beside)
                ],
            )
        except ConditionsFailed:
            return False
        return True

    def claim(self, organization_id: str, job_id: str) -> Job | None:
        """Begins a try, which makes those before it count no more; None where the job has ended, or is not there."""
        return self._change(
            organization_id,
            job_id,
            "SET #status = :executing, attempt = attempt + :one, deadline = :deadline",
            _UNFINISHED,
            {":one": 1, ":deadline": dates.now_ms() + EXECUTING_MS},
        )

    def is_current(self, order: Order) -> bool:
        """Whether the order's try may still complete its job: it is neither cancelled, nor failed, nor superseded."""
        job = self.get(order.organization_id, order.job_id)
        return job.status is Status.EXECUTING and job.attempt == order.attempt

    def complete(self, order: Order) -> Job | None:
        """Ends a job with the result of the order's try; None where that try may not complete it any more."""
        return self._change(
            order.organization_id,
            order.job_id,
            "SET #status = :complete, dateCompleted = :when, received = :received",
            "#status = :executing AND attempt = :attempt AND deadline > :now",
            {":complete": str(Status.COMPLETE), ":attempt": order.attempt, ":received": order.snapshot.received},
        )

    def fail(self, organization_id: str, job_id: str, error: JobError, attempt: int | None = None) -> Job | None:
        """Ends a job, or only that try of it, as failed; None where it has ended, or is not there."""
        return self._change(
            organization_id,
            job_id,
            "SET #status = :failed, dateCompleted = :when, #error = :error",
            _UNFINISHED if attempt is None else f"attempt = :attempt AND {_UNFINISHED}",
            {":failed": str(Status.FAILED), ":error": {"code": error.code, "message": error.message}}
            | ({} if attempt is None else {":attempt": attempt}),
            {"#error": "error"},
        )

    def cancel(self, organization_id: str, job_id: str) -> Job:
        """Cancels a job, once or again. Raises NotFound, and Conflict where it has ended otherwise."""
        job = self._change(
            organization_id,
            job_id,
            "SET #status = :cancelled, dateCompleted = :when",
            _UNFINISHED,
            {":cancelled": str(Status.CANCELLED)},
        ) or self.get(organization_id, job_id)
        if job.status is not Status.CANCELLED:
            raise Conflict(
                f"The job has ended already; it is {job.status}.", code="job.ended", params={"status": job.status}
            )
        return job

    def _change(
        self,
        organization_id: str,
        job_id: str,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> Job | None:
        now = dates.now_ms()
        known = {
            ":accepted": str(Status.ACCEPTED),
            ":executing": str(Status.EXECUTING),
            ":now": now,
            ":when": dates.text(now),
        }
        used = {name: value for name, value in known.items() if name in f"{update} {condition}"}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.job(organization_id, job_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status", **(names or {})},
                ExpressionAttributeValues={name: to_value(value) for name, value in {**used, **values}.items()},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if is_condition_failure(error):
                return None
            raise
        return _job(organization_id, answer["Attributes"])


def _beside_the_view(job: Job) -> keys.Key:
    return keys.version_job(job.organization_id, job.view_id, job.version, job.job_id)


def _job(organization_id: str, item: Mapping[str, Any]) -> Job:
    return Job.from_values(organization_id, from_item(item)).seen_at(dates.now_ms())


def _not_found() -> NotFound:
    return NotFound("There is no such job.")


class WorkStore:
    """What tries of jobs leave in the bucket. Each try has names of its own, so none writes over another's.

    work/{org}/{job}/{attempt}/order.json, parts/{n}.json    while it is at work; swept after some days
    results/{org}/{job}/{attempt}.json                        the result, of the one try that completed the job
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def put_order(self, order: Order) -> None:
        self._put(_work(order.organization_id, order.job_id, order.attempt, "order"), order.to_values())

    def order(self, organization_id: str, job_id: str, attempt: int) -> Order:
        """The order of a try."""
        return Order.from_values(self._get(_work(organization_id, job_id, attempt, "order")))

    def put_part(self, order: Order, number: int, part: Part) -> None:
        """Keeps the part of that number, from 0."""
        name = f"parts/{number}"
        self._put(_work(order.organization_id, order.job_id, order.attempt, name), part.to_values())

    def parts(self, order: Order) -> Iterator[Part]:
        """Every part of an order."""
        for number in range(len(order.parts)):
            name = f"parts/{number}"
            yield Part.from_values(self._get(_work(order.organization_id, order.job_id, order.attempt, name)))

    def put_result(self, order: Order, text: bytes) -> None:
        """Keeps the JSON text of a try's result."""
        self._put_text(_result(order.organization_id, order.job_id, order.attempt), text)

    def result(self, job: Job) -> dict[str, Any]:
        """The result of a job that is complete."""
        found: dict[str, Any] = self._get(_result(job.organization_id, job.job_id, job.attempt))
        return found

    def _put(self, key: str, value: Any) -> None:
        self._put_text(key, jsontext.dumps(value).encode())

    def _put_text(self, key: str, text: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=text, ContentType="application/json")

    def _get(self, key: str) -> Any:
        return jsontext.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())


def _work(organization_id: str, job_id: str, attempt: int, name: str) -> str:
    return f"work/{quote(organization_id, safe='')}/{job_id}/{attempt}/{name}.json"


def _result(organization_id: str, job_id: str, attempt: int) -> str:
    return f"results/{quote(organization_id, safe='')}/{job_id}/{attempt}.json"


class JobQueue:
    """The queue of jobs that wait to be computed."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def send(self, organization_id: str, job_id: str) -> None:
        """Puts a job in the queue; twice does no harm."""
        body = json.dumps({"organizationId": organization_id, "jobId": job_id})
        self._sqs.send_message(QueueUrl=self._url, MessageBody=body)

    def hand_out_again(self, receipt: str, seconds: int) -> None:
        """Has a message come again so soon, rather than when its time of invisibility is over."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


class Machine:
    """The state machine that computes a job in parts."""

    def __init__(self, stepfunctions: "SFNClient", arn: str) -> None:
        self._stepfunctions, self._arn = stepfunctions, arn

    def start(self, order: Order) -> None:
        """Starts it on an order; once, however often it is told to."""
        run = {"organizationId": order.organization_id, "jobId": order.job_id, "attempt": order.attempt}
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._arn,
                name=f"{order.job_id}-{order.attempt}",
                input=json.dumps(run | {"parts": list(range(len(order.parts)))}),
            )
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
