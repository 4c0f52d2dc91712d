"""`grace example load` and `grace example drop`."""

from typing import TYPE_CHECKING, Annotated

import typer

from grace.app.commands import AsJson, Data, print_json, read_settings

if TYPE_CHECKING:
    from grace.app.example.loading import Loaded

app = typer.Typer(no_args_is_help=True, help="The example business: a year of a small studio.")


@app.command()
def load(
    data: Data = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same year.")] = 1,
    small: Annotated[bool, typer.Option("--small", help="A tenth of it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load the example business into the test workspace `example`, over HTTP. Interrupted, it begins anew."""
    import sys

    from grace.app.example import loading

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr if as_json else sys.stdout, flush=True)

    loaded = loading.load(read_settings(data), seed=seed, size="small" if small else "whole", say=say)
    if as_json:
        print_json(_told(loaded))
    elif loaded is None:
        print("The example is there; `grace example drop` removes it.")
    else:
        say(f"Example   is there after {loaded.seconds} s. Sign in: {loaded.sign_in_url}  (once, within 15 minutes)")


@app.command()
def drop(data: Data = None) -> None:
    """Remove the example business with all that is in it; no other workspace is ever touched."""
    import asyncio

    from grace.app.example import loading

    dropped = asyncio.run(loading.drop(read_settings(data)))
    print("The example is dropped." if dropped else "There is no example.")


def _told(loaded: "Loaded | None") -> dict[str, object]:
    if loaded is None:
        return {"loaded": False}
    return {"loaded": True, "seconds": loaded.seconds, "sign_in_url": loaded.sign_in_url, **vars(loaded.tally)}
