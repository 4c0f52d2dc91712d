"""`python -m grace_sandbox --port N --state FILE`."""

from grace_sandbox.server import main

main()
