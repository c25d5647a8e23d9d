"""`python -m tools.local_stack`."""

from tools.local_stack.stack import main

main()
