"""`python -m tools.local_stack --home FOLDER down`."""

import sys
from pathlib import Path

from tools.local_stack.stack import LocalStack

if __name__ == "__main__":
    local = LocalStack(Path(sys.argv[2]).resolve() if sys.argv[1] == "--home" else None)
    (local.down if sys.argv[-1] == "down" else local.up)()
