"""`grace insight`: the figures' own tables."""

import typer

from grace.app.commands import AsJson, Data, InWorkspace, on_installation, print_json, read_settings

app = typer.Typer(no_args_is_help=True, help="The figures.")


@app.callback()
def insight() -> None:
    """The figures."""


@app.command()
def rebuild(data: Data = None, workspace: InWorkspace = None, as_json: AsJson = False) -> None:
    """Fold the facts and the ledger anew from the beginning; the result is the same to the byte."""
    from grace.insight import folding

    settings = read_settings(data, workspace)
    handle = settings.workspace
    rows = on_installation(settings, lambda workspaces: folding.rebuild(workspaces, handle))
    fingerprint = on_installation(settings, lambda workspaces: folding.fingerprint(workspaces, handle))
    if as_json:
        print_json({"workspace": handle, "rows": rows, "fingerprint": fingerprint})
    else:
        print(f"{handle}: {rows} rows. Fingerprint {fingerprint}.")
