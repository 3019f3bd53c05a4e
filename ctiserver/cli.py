"""The command line: `hollyhock up | serve | doctor | journal | why | replay | sim | phones | site | version`.

Here: arguments, exit codes, one line per fault of the set-up. Not here: any work; `up` is the supervisor's, `serve` the
composition root's. Exit code 2 means: a setting or the machine is at fault, and stderr has one line about it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import signal
import sys
import time
import tomllib
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime import read_instance
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.journal_tool.asking import replay, why
from ctiserver.journal_tool.commands import commands as journal
from ctiserver.settings import BadSetting, Settings, load_settings, prepare_home
from ctiserver.sim_tool.commands import sim

commands = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, secrets among them
    help="Hollyhock, an open call center on Asterisk.",
)
commands.add_typer(journal, name="journal")
commands.command()(why)
commands.command()(replay)
site_commands = typer.Typer(no_args_is_help=True, help="The site's file: check it, load it into the running server.")
commands.add_typer(site_commands, name="site")
commands.command()(sim)


def _refuse(error: Exception) -> NoReturn:
    print(f"hollyhock: {error}", file=sys.stderr)
    raise typer.Exit(2)


def asterisk_of(settings: Settings) -> AriAddress:
    """The ARI to use: the configured one, or that of the Asterisk running for this data folder. Raises BadSetting."""
    if settings.telephony.asterisk is not None:
        return settings.telephony.asterisk
    instance = read_instance(settings.home)
    if instance is None:
        raise BadSetting(f"no Asterisk runs for {settings.home}: use `hollyhock up`, or set HOLLYHOCK_ASTERISK")
    return instance.ari


@commands.command()
def up() -> None:
    """Start Asterisk and the server, and keep both running until Ctrl-C."""
    from ctiserver import supervisor

    raise typer.Exit(supervisor.main(dict(os.environ)))


@commands.command()
def serve() -> None:
    """Run the server alone, on the Asterisk that runs already."""
    try:
        settings = load_settings(os.environ)
        prepare_home(settings.home)
        ari = asterisk_of(settings)
        import uvloop

        from ctiserver import app, journal, site
        from ctiserver.store.database import BadDatabaseUrl

        try:
            uvloop.run(app.serve(settings, ari))
        except (site.BadSite, journal.JournalDamaged, BadDatabaseUrl) as error:
            _refuse(error)
    except (BadSetting, CannotStart) as error:
        _refuse(error)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@commands.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Check this installation, running or not, and say what to do. Exit code 1: there is a fault."""
    from rich.console import Console

    from ctiserver.doctor import report, run

    try:
        found = run.examine(os.environ)
    except BadSetting as error:
        _refuse(error)
    except Exception as error:  # exit code 1 means a fault of the installation; this is one of ours
        _refuse(RuntimeError(f"the doctor could not run: {type(error).__name__}: {error}"))
    if as_json:
        print(report.as_json(found))
    else:
        report.show(found, Console())
    code = 1 if found.worst is report.State.FAULT else 0
    if found.given_up:  # something hangs in a thread, and the interpreter's own end would wait for it
        sys.stdout.flush()
        os._exit(code)
    raise typer.Exit(code)


@commands.command()
def phones() -> None:
    """List the desk phones: what to enter in each of them, and which are registered."""
    try:
        settings = load_settings(os.environ)
        from ctiserver import phones, site

        try:
            known = phones.phones_of(settings)
        except site.BadSite as error:
            _refuse(error)
        if not known:
            print(f"no desk phone in {settings.home / 'site' / 'site.toml'}: add [[phones]]")
            return
        print(phones.table(phones.rows(settings, known, _online(settings))))
    except BadSetting as error:
        _refuse(error)


def _online(settings: Settings) -> tuple[str, ...] | None:
    from ctiserver import phones

    try:
        ari = asterisk_of(settings)
    except BadSetting:
        return None  # none runs: the list is right all the same
    return asyncio.run(phones.online(ari))


@site_commands.command("check")
def check_site() -> None:
    """Check `site.toml` and the flows; every fault on a line of its own. Exit code 1: there is one."""
    _checked_site(_settings())
    print("site.toml and the flows are sound")


@site_commands.command("load")
def load_site() -> None:
    """Check `site.toml` and the flows, then let the running server load them; calls go on."""
    from ctiserver import site_files

    settings = _settings()
    revision = _checked_site(settings)
    pid = site_files.running_server(settings.home)
    if pid is None:
        _refuse(RuntimeError(f"no server of {settings.home} is known to run here: the next start loads it"))
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        _refuse(RuntimeError(f"the server (process {pid}) cannot be told: {error.strerror}"))
    files = site_files.SiteFiles(settings.home / "site", time.time)
    for _ in range(100):
        if [version.revision for version in files.versions()[-1:]] == [revision]:
            print("loaded: in force from now on")
            return
        time.sleep(0.05)
    _refuse(RuntimeError("the server has not loaded it within 5 seconds: look at its log"))


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except BadSetting as error:
        _refuse(error)


def _checked_site(settings: Settings) -> str:
    """The revision of a site that is sound; ends the program with its faults otherwise."""
    from ctiserver import site, site_text
    from ivr.speech.prompts import PromptStore

    folder = settings.home / "site"
    try:
        _, issues = site.read(
            folder / "site.toml", folder / "flows", PromptStore(site.PROMPTS), settings.sounds / "prompts"
        )
        for flow, issue in issues:
            print(f"{issue.severity}: flow {flow}, {issue.node or 'as a whole'}: {issue.code} {issue.detail}")
        return site_text.revision(site.text(folder / "site.toml"))
    except site.BadSite as error:
        for fault in error.faults:
            print(f"{error.file}: {fault}", file=sys.stderr)
        raise typer.Exit(1) from None


@commands.command()
def version() -> None:
    """Print the version."""
    try:
        print(importlib.metadata.version("hollyhock"))
    except importlib.metadata.PackageNotFoundError:  # run from a checkout, where nothing is installed
        project = Path(__file__).resolve().parents[1] / "pyproject.toml"
        print(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def main() -> None:
    commands()


if __name__ == "__main__":
    main()
