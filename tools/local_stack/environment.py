"""Prints shell variables for the local stack: API, TOKEN_URL, CLIENT_ID, CLIENT_SECRET and AWS_ENDPOINT_URL."""

import json
import shlex
import sys

from tools.local_stack.stack import HOME


def main() -> None:
    """Prints them, for `. <(python -m tools.environment)`."""
    file = HOME / "stack.json"
    if not file.exists():
        sys.exit("The local stack is not running; start it with `make run`.")
    described = json.loads(file.read_text())
    client = described["organizations"][0]["clients"][0]
    for name, value in {
        "API": f"{described['apiUrl']}/api/v2/journey",
        "TOKEN_URL": described["tokenUrl"],
        "CLIENT_ID": client["clientId"],
        "CLIENT_SECRET": client["clientSecret"],
        "AWS_ENDPOINT_URL": described["endpointUrl"],
    }.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
