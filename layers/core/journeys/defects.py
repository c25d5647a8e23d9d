"""Tells defects from errors that a retry can solve.

A defect is an error of this application or of its deployment: an unexpected exception, a denied access, a missing table
or an invalid call to AWS. It recurs until somebody fixes it, so no caller is told to retry.
"""

from journeys.aws import is_temporary, is_throttled
from journeys.errors import JourneysError, ServerError, ServiceUnavailable, TooManyRequests
from journeys.telemetry import emit_count, log_error


def report(message: str, error: Exception) -> JourneysError:
    """Logs an error under a message, counts it if it is a defect, and returns the error to respond with."""
    log_error(message, error)
    if isinstance(error, JourneysError):
        return error
    if is_throttled(error):
        return TooManyRequests("The service is busy. Send the request again in a few seconds.")
    if is_temporary(error):
        return ServiceUnavailable("The service is temporarily unavailable. Send the request again in a few seconds.")
    emit_count("Defects")
    return ServerError("The request failed because of a server error. Report the contextId to the operator.")
