"""A run's result as a table for the terminal, as JSON, and as the table of docs/benchmarks.md. Makes no figures."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Spread
from benchmarks.run import Result

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def rows(result: Result) -> list[tuple[str, str]]:
    """Name and value, in reading order."""
    o, cpu, t, m = result.options, result.cpu, result.latencies, result.memory
    sound = "callers send RTP" if o.rtp else "callers send no RTP"
    return [
        ("load", f"{o.rate:g} calls/s for {result.window_seconds:g} s, {o.agents} agents, talk {o.talk:g} s"),
        ("sound", f"{sound}; agents none; recording on"),
        ("calls ended in the window", str(result.counted.ended)),
        ("calls of the whole run: made / talked / failed", _calls(result)),
        ("server CPU", f"{cpu.server_ms_per_call:g} ms a call ({cpu.server_core:.1%} of a core)"),
        ("Asterisk CPU", f"{cpu.asterisk_ms_per_call:g} ms a call ({cpu.asterisk_core:.1%} of a core)"),
        ("idle, everybody ready: server / Asterisk", f"{cpu.idle_server_core:.1%} / {cpu.idle_asterisk_core:.1%}"),
        ("queued -> offer on the agent's link", _spread(t.queued_to_offer_shown)),
        ("queued -> INVITE on the agent's socket", _spread(t.queued_to_invite)),
        ("agent's 200 OK -> in the talk bridge", _spread(t.answer_to_talk)),
        ("digit in Asterisk -> next prompt asked for", _spread(t.digit_to_prompt_asked)),
        ("event in Asterisk -> its turn", _spread(t.event_to_turn)),
        ("a turn's decide + apply (replayed offline)", _spread(result.replayed.turns)),
        ("cores alone (the same, a call)", f"{result.replayed.core_ms / max(1, result.counted.ended):.2f} ms"),
        ("journal", f"{result.records_per_call:g} records, {result.journal_bytes_per_call / 1000:.1f} kB a call"),
        ("server memory: before / under load / after", _memory(m.server_before, m.server_window_end, m.server_after)),
        ("Asterisk memory: the same", _memory(m.asterisk_before, m.asterisk_window_end, m.asterisk_after)),
        ("lateness of the measuring client itself", _spread(result.client_lag)),
        ("also on this machine: agents / SIPp / others", _also(result)),
        ("machine", f"{result.machine['cores']} x {result.machine['model']}, Linux {result.machine['kernel']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("when", result.at),
    ]


def _calls(result: Result) -> str:
    return f"{result.sipp.made} / {result.counted.connected} / {result.failures}"


def _also(result: Result) -> str:
    cpu = result.cpu
    quiet = "" if result.quiet_machine else " (NOT QUIET: do not publish)"
    return f"{cpu.agents_core:.0%} / {cpu.callers_core:.0%} / {cpu.others_core:.0%} of a core{quiet}"


def _memory(*megabytes: float) -> str:
    return " / ".join(f"{one:.1f}" for one in megabytes) + " MB"


def _spread(value: Spread) -> str:
    return f"p50 {value.p50:.1f}, p99 {value.p99:.1f}, max {value.worst:.1f} ms"


def show(result: Result, console: Console) -> None:
    table = Table(title="hollyhock bench", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows(result):
        table.add_row(name, value)
    console.print(table)
    if result.profile is not None:
        _show_profile(result, console)
    for trouble in result.troubles:
        console.print(f"trouble: {trouble}", style="red", markup=False)


def _show_profile(result: Result, console: Console) -> None:
    assert result.profile is not None
    each = result.cpu.server_ms_per_call
    for title, part in (("with what it calls", result.profile.by_cumulative), ("itself", result.profile.by_own)):
        table = Table(title=f"server CPU by function, {title}")
        for column in ("function", "ms a call, cumulative", "ms a call, own"):
            table.add_column(column, overflow="fold")
        for row in part:
            table.add_row(row.function, f"{row.cumulative * each:.2f}", f"{row.own * each:.2f}")
        console.print(table)
    table = Table(title="server CPU by area")
    for column in ("area", "ms a call", "share"):
        table.add_column(column)
    for name, share in result.profile.by_area.items():
        table.add_row(name, f"{share * each:.2f}", f"{share:.0%}")
    console.print(table)


def write(result: Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


def write_page(page: Path, folder: Path) -> None:
    """Replace the figures between the marks of the page by those of the folder's JSON files, one column each."""
    text = page.read_text("utf-8")
    if BEGIN not in text or END not in text:
        return
    files = sorted(folder.glob("*.json"))
    results = [(path.stem, msgspec.json.decode(path.read_bytes(), type=Result)) for path in files]
    if not results:
        return
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    columns = [dict(rows(result)) for _, result in results]
    lines = ["| | " + " | ".join(name for name, _ in results) + " |", "|---" * (len(results) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in columns[0]]
    page.write_text(before + BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + END + after, "utf-8")
