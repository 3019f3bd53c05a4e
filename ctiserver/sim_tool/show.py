"""What a simulation gives, for people: table, plot, JSON. Figures in, text out."""

from __future__ import annotations

import msgspec
from rich.table import Table

from acd.sim.calls import clock
from acd.sim.figures import Figures, Interval, Row
from acd.sim.staffing import Staffed
from ctiserver import plot


def number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"


_COLUMNS = ("calls", "answered", "abandoned", "other", "here", "service level", "mean wait", "median", "p90", "longest")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.calls),
        str(row.answered),
        str(row.abandoned),
        str(row.other),
        str(row.here),
        percent(row.service_level),
        number(row.mean_wait),
        number(row.median_wait),
        number(row.p90_wait),
        number(row.longest_wait),
    )


def by_interval(figures: Figures) -> Table:
    """Intervals without a call and without an agent are left out."""
    table = Table("from", "agents", "occupied", *_COLUMNS, title="By interval (waits in seconds, of all calls)")
    for interval in figures.intervals:
        if interval.all.calls or interval.agents:
            table.add_row(
                clock(interval.begin), number(interval.agents), percent(interval.occupancy), *_cells(interval.all)
            )
    table.add_section()
    table.add_row("all", "", percent(figures.occupancy), *_cells(figures.all))
    return _right(table, 1)


def by_queue(figures: Figures) -> Table:
    table = Table("queue", *_COLUMNS, title="By queue, where the call was last")
    for name, row in figures.queues.items():
        table.add_row(name, *_cells(row))
    return _right(table, 1)


def staff(found: Staffed) -> Table:
    """The agents that were found, beside Erlang's guess."""
    pools = [pool.like.id for pool in found.scenario.pools]
    table = Table("from", "to", "Erlang", "agents", *pools, title="Fewest agents for the target")
    for row in found.rows:
        if row.guess or sum(row.counts):
            counts = (str(count) for count in row.counts)
            table.add_row(clock(row.begin), clock(row.end), str(row.guess), str(sum(row.counts)), *counts)
    return _right(table, 2)


def _right(table: Table, since: int) -> Table:
    for column in table.columns[since:]:
        column.justify = "right"
    return table


def chart(figures: Figures, title: str) -> str:
    """Waiting, service level, occupancy and agents over the day, as SVG; queues apart when there are several."""
    names = list(figures.queues)
    several = 1 < len(names) <= len(plot.COLOURS)
    begin, end = figures.intervals[0].begin / 3600.0, figures.intervals[-1].end / 3600.0
    span = ((begin, 0.0), (end, 0.0))  # keeps all panels as wide as the day

    def rows(interval: Interval, name: str) -> Row | None:
        return interval.queues.get(name) if several else interval.all

    def lines(value: str, factor: float) -> tuple[plot.Line, ...]:
        found = []
        for name in names if several else ["all calls"]:
            points = []
            for interval in figures.intervals:
                row = rows(interval, name)
                at = getattr(row, value) if row is not None else None
                if at is not None:
                    points.append(((interval.begin + interval.end) / 7200.0, at * factor))
            found.append(plot.Line(name=name, points=tuple(points) or span))
        return tuple(found)

    middle = [(i.begin + i.end) / 7200.0 for i in figures.intervals]
    occupied = tuple(
        (at, interval.occupancy * 100.0)
        for at, interval in zip(middle, figures.intervals, strict=True)
        if interval.occupancy is not None and interval.agents >= 1  # not the last one who still talks
    )
    agents = tuple((at, i.agents) for at, i in zip(middle, figures.intervals, strict=True))
    panels = (
        plot.Panel(title="Waiting, mean of all calls", lines=lines("mean_wait", 1.0), y_label="s"),
        plot.Panel(title="Service level", lines=lines("service_level", 100.0), y_label="%", y_most=100.0),
        plot.Panel(
            title="Occupancy",
            lines=(plot.Line(name="all agents", points=occupied or span),),
            y_label="%",
            y_most=100.0,
        ),
        plot.Panel(title="Agents", lines=(plot.Line(name="all agents", points=agents),), y_label="agents"),
    )
    return plot.figure(title, "hour of the day", "", panels, x_from=begin)


def as_json(figures: Figures, found: Staffed | None) -> bytes:
    """Everything, in the field names of `acd.sim.figures`; `staffing`: `acd.sim.staffing.Found`."""
    whole = msgspec.to_builtins(figures)
    if found is not None:
        whole["staffing"] = msgspec.to_builtins(found.rows)
    return msgspec.json.format(msgspec.json.encode(whole), indent=1)
