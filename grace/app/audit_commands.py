"""`grace audit`: verify the log, and give others what they need to verify it without Grace."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from grace.app.commands import AsJson, Data, InWorkspace, fail, on_installation, print_json, read_settings, report

app = typer.Typer(no_args_is_help=True, help="The tamper-evident log.")


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export, receipt or proof; without one, the log in the database.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="A checkpoint, or a file of them, kept outside.")] = None,
    key: Annotated[str | None, typer.Option(help="The log's public key as known from elsewhere; with FILE.")] = None,
    consistency: Annotated[
        Path | None, typer.Option(help="A proof from the outside checkpoint to that of a receipt; with FILE.")
    ] = None,
    data: Data = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the whole log, or a file of it; exit code 1 when anything was changed, removed or reordered."""
    if file is not None:
        _run_verifier(file, against, key, consistency, as_json)
    if key is not None or consistency is not None:
        fail("--key and --consistency are for a FILE.")
    from grace.app.checks import verify_log

    settings = read_settings(data, workspace)
    if against is not None and not against.is_file():
        fail(f"{against} is not a file.")
    outside = against.read_bytes() if against else None
    report(on_installation(settings, lambda known: verify_log(known, settings.workspace, outside=outside)), as_json)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; gzipped when the name ends in .gz.")],
    data: Data = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole sealed log to a file that anybody can verify with docs/verify.py. It holds personal data."""
    from grace.app import strangers

    settings = read_settings(data, workspace)
    if not file.parent.is_dir() or file.is_dir():
        fail(f"{file} cannot be written: it is a folder, or its folder is not there.")
    with strangers.bar(file) as told:
        done = on_installation(settings, lambda known: strangers.export_log(known, settings.workspace, file, told=told))
    if as_json:
        print_json({"file": str(file), "size": done.size, "checkpoints": done.checkpoints})
    else:
        print(f"{done.size} entries under {done.checkpoints} checkpoints are in {file}.")
        print(f"Verify it anywhere: python {strangers.VERIFIER.name} {file}")


@app.command()
def receipt(
    noun: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a payment, refund, proposal, invoice, decision, …")
    ],
    since: Annotated[
        int | None, typer.Option(help="Prove also that the log continues a checkpoint of so many entries.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; default: here.")] = None,
    data: Data = None,
    workspace: InWorkspace = None,
) -> None:
    """Give one noun as a file that anybody can verify with docs/verify.py. It holds personal data."""
    from grace.app import strangers

    settings = read_settings(data, workspace)
    if out is not None and (not out.parent.is_dir() or out.is_dir()):
        fail(f"{out} cannot be written: it is a folder, or its folder is not there.")
    text = on_installation(settings, lambda known: strangers.receipt(known, settings.workspace, noun, since=since))
    if out is None:
        print(text, end="")
    else:
        strangers.keep(out, text)
        print(f"The receipt is in {out}. Verify it anywhere: python {strangers.VERIFIER.name} {out}")


def _run_verifier(file: Path, against: Path | None, key: str | None, consistency: Path | None, as_json: bool) -> None:
    """Become the stand-alone verifier: it alone judges a file, here as anywhere."""
    from grace.app.strangers import VERIFIER

    options = {"--against": against, "--key": key, "--consistency": consistency}
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    sys.stdout.flush()
    command = [sys.executable, str(VERIFIER), *given, *["--json"] * as_json, "--", str(file)]
    os.execv(sys.executable, command)  # noqa: S606
