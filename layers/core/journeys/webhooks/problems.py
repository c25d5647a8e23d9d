"""Problems of an endpoint's settings, collected so that one error reports all of them."""

from journeys.errors import BadRequest, Detail

MAX_PROBLEMS = 10
"""Problems that a message describes. The details list all of them."""
MAX_NAME = 100
"""Characters of a field's name that a message or a detail repeats."""


class Problems:
    """Collects problems. `code` is the code of the error, such as `invalid.mapping`."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._details: list[Detail] = []
        self._sentences: list[str] = []

    def add(self, error_code: str, field_name: str, sentence: str) -> None:
        """Add a problem of one field; `sentence` says what is wrong and what is allowed."""
        self._details.append(Detail(error_code, field_name))
        self._sentences.append(sentence)

    def raise_if_any(self) -> None:
        """Raise BadRequest if there are problems."""
        if not self._sentences:
            return
        message = " ".join(self._sentences[:MAX_PROBLEMS])
        more = len(self._sentences) - MAX_PROBLEMS
        raise BadRequest(
            f"{message} ... and {more} more." if more > 0 else message, code=self._code, details=self._details
        )


def shorten(name: object) -> str:
    """Return a name that a caller sent, at most MAX_NAME characters long."""
    text = str(name)
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"
