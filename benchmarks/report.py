"""A run's result as tables for the terminal, as JSON, and as the tables and plots of docs/benchmarks. Makes no figures
but ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.figures import NOTHING, Spread
from benchmarks.plan import Condition, Kind
from benchmarks.result import Result, Row
from ctiserver import plot

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
FIGURES, CPU, TIMES = "figures.json", "cpu.svg", "times.svg"
Rows = list[tuple[str, ...]]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the first of `rows` is its head."""

    title: str
    rows: Rows


def _by(result: Result) -> dict[Condition, dict[Kind, Row]]:
    found: dict[Condition, dict[Kind, Row]] = {}
    for row in result.rows:
        found.setdefault(row.condition, {})[row.kind] = row
    return found


def ratio(kinds: dict[Kind, Row]) -> float | None:
    """Server and Asterisk of the queue-and-talk part against app_queue's Asterisk."""
    if Kind.STRAIGHT not in kinds or Kind.YARDSTICK not in kinds or not kinds[Kind.YARDSTICK].asterisk_ms:
        return None
    ours = kinds[Kind.STRAIGHT]
    return (ours.server_ms + ours.asterisk_ms) / kinds[Kind.YARDSTICK].asterisk_ms


def sections(result: Result) -> Iterator[Section]:
    """In reading order."""
    yield Section(title="What was wanted", rows=aims(result))
    yield Section(title="CPU, ms a call", rows=cpu(result))
    yield Section(title="Waiting times, ms: p50 / p99", rows=_times(result))
    if result.in_menus:
        yield Section(title="Callers in the menus", rows=_menus(result))
    if result.profiles:
        yield Section(title="Where the server's CPU goes, ms a call", rows=_areas(result))
    yield Section(title="The run", rows=_facts(result))


def aims(result: Result) -> Rows:
    by = _by(result)
    ours = [kinds[kind] for kinds in by.values() for kind in (Kind.STRAIGHT, Kind.WHOLE) if kind in kinds]
    straight = [one for one in ours if one.kind is Kind.STRAIGHT]
    whole = [one for one in ours if one.kind is Kind.WHOLE]
    ratios = [found for kinds in by.values() if (found := ratio(kinds)) is not None]
    pops = [row.times.get("queued_to_shown", NOTHING).p99 for row in ours if row.condition.rate >= 20]
    digits = [
        f"{one.digit_to_sound.p99:g} until it begins, {one.digit_to_prompt.p99:g} until it is asked for"
        f"{' (recorded)' * one.record}"
        for one in result.in_menus
    ]
    desktops = result.plan.agents + result.plan.idle
    return [
        ("aim", "reached"),
        ("server: 3 ms CPU a call", f"queue and talk {_range(straight, _server)}, whole call {_range(whole, _server)}"),
        ("server + Asterisk: 1.5 x app_queue", _span(ratios, ".2f") + " x"),
        (f"pop p99 50 ms at 20 calls/s, {desktops} desktops", _span(pops, ".1f") + " ms"),
        (f"digit -> prompt p99 20 ms, {result.plan.in_ivr} callers in menus", "; ".join(digits) + " ms"),
        ("no failed call", f"{result.failures} of {sum(one.callers.made for one in result.windows)}"),
    ]


def _server(row: Row) -> float:
    return row.server_ms


def _range(rows: list[Row], value: Callable[[Row], float]) -> str:
    return _span([value(row) for row in rows], ".1f")


def _span(values: list[float], form: str) -> str:
    if not values:
        return "-"
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} - {high}"


def cpu(result: Result) -> Rows:
    rows: Rows = [
        (
            "",
            "queue and talk: server",
            "+ Asterisk",
            "app_queue",
            "ratio",
            "of it Asterisk",
            "whole call: server",
            "+ Asterisk",
            "calls",
            "failed",
            "windows agree to",
        )
    ]
    for condition, kinds in _by(result).items():
        ours, theirs, whole = (kinds.get(kind) for kind in (Kind.STRAIGHT, Kind.YARDSTICK, Kind.WHOLE))
        found = ratio(kinds)
        rows.append(
            (
                str(condition),
                _number(ours.server_ms if ours else None),
                _number(ours.asterisk_ms if ours else None),
                _number(theirs.asterisk_ms if theirs else None),
                f"{found:.2f}" if found is not None else "-",
                f"{ours.asterisk_ms / theirs.asterisk_ms:.2f}" if ours and theirs and theirs.asterisk_ms else "-",
                _number(whole.server_ms if whole else None),
                _number(whole.asterisk_ms if whole else None),
                str(sum(row.calls for row in kinds.values())),
                str(sum(row.failures for row in kinds.values())),
                _agree(max(row.off_by for row in kinds.values())),
            )
        )
    return rows


def _agree(share: float) -> str:
    """One window of a kind has nothing to agree with."""
    return f"{share:.0%}" if share else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


_NAMES = {
    "queued_to_shown": "queued -> pop",
    "queued_to_ring": "queued -> INVITE",
    "answer_to_talk": "answer -> talk",
    "digit_to_prompt": "digit -> prompt",
    "event_to_turn": "event -> turn",
    "dial_to_ring": "dial -> ring",
}


def _times(result: Result) -> Rows:
    rows: Rows = [("", "call", *_NAMES.values())]
    for condition, kinds in _by(result).items():
        for kind, row in kinds.items():
            if kind is Kind.WHOLE:  # its dial -> ring is the menu's length
                times = {name: found for name, found in row.times.items() if name != "dial_to_ring"}
            else:
                times = row.times
            rows.append((str(condition), kind.value, *(_spread(times.get(name)) for name in _NAMES)))
    return rows


def _spread(value: Spread | None) -> str:
    return f"{value.p50:.1f} / {value.p99:.1f}" if value is not None and value.count else "-"


def _menus(result: Result) -> Rows:
    rows: Rows = [
        (
            "",
            "digits a second",
            "digit -> prompt asked for: p50 / p99 / worst",
            "digit -> it begins: the same",
            "event -> turn p50 / p99",
            "CPU",
            "failed",
        )
    ]
    for one in result.in_menus:
        digit, sound = one.digit_to_prompt, one.digit_to_sound
        rows.append(
            (
                f"{one.callers} callers, {'' if one.record else 'not '}recorded",
                f"{one.digits_a_second:g}",
                f"{digit.p50:.1f} / {digit.p99:.1f} / {digit.worst:.1f} ms",
                f"{sound.p50:.1f} / {sound.p99:.1f} / {sound.worst:.1f} ms",
                f"{_spread(one.event_to_turn)} ms",
                f"server {one.cores['server']:.0%}, Asterisk {one.cores['asterisk']:.0%} of a core",
                str(one.failures),
            )
        )
    return rows


def _areas(result: Result) -> Rows:
    """Without load there is no call: shares."""
    names = list(dict.fromkeys(name for profile in result.profiles.values() for name in profile.by_area))
    rows: Rows = [("", *result.profiles)]
    for name in names:
        cells = []
        for profile in result.profiles.values():
            share = profile.by_area.get(name, 0.0)
            cells.append(f"{share * profile.ms_a_call:.1f}" if profile.ms_a_call else f"{share:.0%}")
        rows.append((name, *cells))
    rows.append(("all", *(f"{one.ms_a_call:.1f}" if one.ms_a_call else "100%" for one in result.profiles.values())))
    return rows


def _facts(result: Result) -> Rows:
    plan, replayed = result.plan, result.replayed
    worst = max((window.client_late.p99 for window in result.windows), default=0.0)
    said = [window.server_says for window in result.windows]
    lag, turn = (max((getattr(one, name) for one in said), default=0.0) for name in ("lag", "turn"))
    strangers = max((window.cores["others"] for window in result.windows), default=0.0)
    busiest = {
        name: max((window.cores.get(name, 0.0) for window in result.windows), default=0.0)
        for name in ("server", "asterisk", "desktops", "callers", "phones")
    }
    rows: Rows = [
        ("", ""),
        ("connected", f"{plan.agents} agents at SIP phones, {plan.idle} more desktops; talk {plan.talk:g} s"),
        ("idle, of a core", _shares(result.idle_cores)),
        ("the server's idle work is in its CPU a call", _idle(result)),
        ("busiest window, of a core", _shares(busiest)),
        ("strangers on the machine at most", f"{strangers:.0%} of a core{'' if result.quiet else ' (NOT QUIET)'}"),
        ("lateness of the desktops' process", f"p99 {worst:.1f} ms in the worst window"),
        ("the server of itself", f"lag at most {lag:.1f} ms, mean turn {turn:.2f} ms in the worst window"),
        ("deltas", f"{max((w.deltas_a_second for w in result.windows), default=0.0):,.0f} a second at most"),
        ("memory before / after", "; ".join(f"{n} {a:g} / {b:g} MB" for n, (a, b) in result.memory_mb.items())),
    ]
    if replayed is not None:
        rows.append(
            (
                "decided once more, offline",
                f"{replayed.ms_a_call:.2f} ms a call; a turn p99 {replayed.turns.p99:g} ms; "
                f"{'the same records' if replayed.same else 'OTHER RECORDS'}",
            )
        )
    rows += [
        ("machine", f"{result.machine['cores']} x {result.machine['model']}, Linux {result.machine['kernel']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("when", result.at),
    ]
    return rows


def _idle(result: Result) -> str:
    rates = sorted({row.condition.rate for row in result.rows})
    each = ", ".join(f"{result.idle_cores['server'] * 1000 / rate:.1f} at {rate:g} calls/s" for rate in rates)
    return f"{each} (ms)" if each else "-"


def _shares(cores: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in cores.items())


def show(result: Result, console: Console) -> None:
    for section in sections(result):
        console.print(table(section))
    for name, profile in result.profiles.items():
        each = profile.ms_a_call
        functions = Table(title=f"{name}: server CPU by function")
        for column in ("function", "with what it calls", "itself"):
            functions.add_column(column, overflow="fold")
        for one in profile.by_cumulative if each else ():
            functions.add_row(one.function, f"{one.cumulative * each:.2f} ms", f"{one.own * each:.2f} ms")
        if each:
            console.print(functions)
    for trouble in result.troubles:
        console.print(f"trouble: {trouble}", style="red", markup=False)


def table(section: Section) -> Table:
    found = Table(title=section.title, show_header=any(section.rows[0]))
    for number, name in enumerate(section.rows[0]):
        found.add_column(name, overflow="fold", style="bold" if not number else None)
    for row in section.rows[1:]:
        found.add_row(*row)
    return found


def write(result: Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def publish(result: Result, page: Path, folder: Path) -> None:
    """The JSON, the plots, and the tables between the marks of the page."""
    write(result, folder / FIGURES)
    (folder / CPU).write_text(cpu_plot(result), "utf-8")
    (folder / TIMES).write_text(times_plot(result), "utf-8")
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join(markdown(section) for section in sections(result))
    name = folder.name
    plots = f"![CPU]({name}/{CPU})\n\n![Waiting times]({name}/{TIMES})\n\nAs data: [{FIGURES}]({name}/{FIGURES})."
    page.write_text(f"{before}{BEGIN}\n\n{plots}\n\n{tables}\n\n{END}{after}", "utf-8")


def markdown(section: Section) -> str:
    head, *rest = section.rows
    lines = [f"### {section.title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rest]
    return "\n".join(lines)


def _panels(result: Result, lines: Callable[[list[dict[Kind, Row]]], tuple[plot.Line, ...]]) -> list[plot.Panel]:
    """One a pair of sound and recording, with the rates as x."""
    by = _by(result)
    pairs = dict.fromkeys((one.rtp, one.record) for one in by)
    panels = []
    for pair in pairs:
        mine = sorted((one for one in by if (one.rtp, one.record) == pair), key=lambda one: one.rate)
        title = str(mine[0]).partition(", ")[2]
        panels.append(plot.Panel(title=title, lines=lines([by[one] for one in mine])))
    return panels


def _line(
    name: str, kinds: list[dict[Kind, Row]], kind: Kind, value: Callable[[Row], float], *, dashed: bool = False
) -> plot.Line:
    points = tuple((one[kind].condition.rate, value(one[kind])) for one in kinds if kind in one)
    return plot.Line(name=name, points=points, dashed=dashed)


def cpu_plot(result: Result) -> str:
    def lines(kinds: list[dict[Kind, Row]]) -> tuple[plot.Line, ...]:
        def both(row: Row) -> float:
            return row.server_ms + row.asterisk_ms

        return (
            _line("server + Asterisk", kinds, Kind.STRAIGHT, both),
            _line("server", kinds, Kind.STRAIGHT, _server, dashed=True),
            _line("app_queue", kinds, Kind.YARDSTICK, lambda row: row.asterisk_ms),
            _line("whole call: server + Asterisk", kinds, Kind.WHOLE, both),
        )

    return plot.figure("CPU of the queue-and-talk part", "calls a second", "ms a call", _panels(result, lines))


def times_plot(result: Result) -> str:
    def lines(kinds: list[dict[Kind, Row]]) -> tuple[plot.Line, ...]:
        found = []
        for name, kind, key in (
            ("queued -> pop", Kind.WHOLE, "queued_to_shown"),
            ("dial -> ring", Kind.STRAIGHT, "dial_to_ring"),
            ("app_queue dial -> ring", Kind.YARDSTICK, "dial_to_ring"),
        ):
            for share in ("p50", "p99"):
                found.append(
                    _line(
                        f"{name} {share}",
                        kinds,
                        kind,
                        lambda row, key=key, share=share: getattr(row.times.get(key, NOTHING), share),  # type: ignore[misc]
                        dashed=share == "p99",
                    )
                )
        return tuple(found)

    return plot.figure("Waiting times", "calls a second", "ms", _panels(result, lines))
