"""``newt doctor``: what works on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import download_display

if TYPE_CHECKING:
    from newt_core.doctor.check import Check

app = command_app()


@app.command()
def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Download the weights and assets that are missing.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Say what works on this machine, and what to do where something does not.

    \b
    newt doctor
    newt doctor --fix
    newt doctor --json

    Every simulator is tried out in a process of its own, and training for a few seconds. The exit
    code is 1 if something fails that Newt needs, and 0 if only optional things are missing.
    """
    from newt_core.doctor.examine import examine

    checks: list[Check] = []
    for check in examine():
        checks.append(check)
        _tell(check, console.notice if as_json else console.write)
    mended = _mend(checks) if fix else []
    if as_json:
        document = {
            "checks": {
                each.name: {
                    "ok": each.ok,
                    "needed": each.needed,
                    "detail": each.detail,
                    "remedy": each.remedy,
                }
                for each in checks
            }
        }
        console.write_json(document | {"fixed": mended})
    else:
        console.write(_summary(checks))
    if any(each.state == "fails" for each in checks):
        raise typer.Exit(1)


def _mend(checks: list[Check]) -> list[str]:
    """Fetch what can be fetched, look again, and return what was done, a line each."""
    from newt_core.doctor.downloads import look_again, mend

    done = []
    for place, check in enumerate(checks):
        if check.ok or check.item is None:
            continue
        with console.quiet_stdout(), download_display(check.item) as progress:
            done.append(mend(check, progress))
        checks[place] = look_again(check)
        console.notice(done[-1])
    if not done:
        console.notice("there is nothing that --fix can do; the remedies above are left to you")
    return done


def _tell(check: Check, say: Callable[[str], None]) -> None:
    say(f"{check.state:8} {check.name}: {check.detail}")
    if check.remedy is not None:
        say(f"{'':8} {check.remedy}")


def _summary(checks: list[Check]) -> str:
    names = {
        state: [each.name for each in checks if each.state == state]
        for state in ("fails", "missing")
    }
    if names["fails"]:
        return f"\nNewt needs what fails here: {', '.join(names['fails'])}"
    if names["missing"]:
        return f"\nAll that Newt needs works. Optional and missing: {', '.join(names['missing'])}"
    return "\nEverything works."
