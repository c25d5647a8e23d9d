"""Problems of an endpoint's settings, collected so that one error reports all of them."""

from journeys.errors import BadRequest, Detail
from journeys.messages import join_messages


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
        if self._sentences:
            raise BadRequest(join_messages(self._sentences), code=self._code, details=self._details)
