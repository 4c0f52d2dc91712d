"""`python -m grace.app` is `grace`."""

from grace.app.cli import main

main()
