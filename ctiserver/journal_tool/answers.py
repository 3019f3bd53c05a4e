"""An answer of `hollyhock why` in English, for a terminal: sentences first, then one line for each agent.

Here: words and columns alone. The page of the team leads has its own, in both languages. Times are UTC.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ctiserver.journal_tool.lines import stamp
from ctiserver.model.explanation import AgentAnswer, Ahead, Explanation, Obstacle, Step
from ctiserver.model.work_events import Why
from ctiserver.why import Answer, Happened

VERDICTS = {
    "offered": "it is being offered to an agent",
    "connected": "an agent talks to the caller",
    "scheduled": "its customer did not answer; he is called again when the next try is due",
    "ended": "it is over",
    "switch_down": "Asterisk is away: nobody can be rung",
    "caller_away": "the caller hears the dialplan's apology and is not back yet",
    "no_queue": "its queue is no longer there",
    "served_next": "an agent is free for it: it is offered with the next turn",
    "waits_for_agent": "it waits for one agent alone",
    "nobody_fits": "no agent of the site could ever take it as it is asked for now",
    "all_busy": "every agent who could take it now is at work",
    "delay": "the agents who are free see it only after their group's delay",
    "avoided": "the agents who are free have just let it pass",
    "unreachable": "the agents who could take it cannot be rung: no phone or no desktop",
    "not_ready": "the agents who could take it are not ready",
    "nobody_signed_in": "nobody who could take it is signed in",
}
AHEAD = {
    "queue_priority": "its queue is served first",
    "came_back": "it was offered before and came back",
    "waits_longer": "has waited {seconds:.0f} s longer",
    "head_start": "has a head start; {seconds:.0f} s ahead",
    "objective": "has a shorter service objective; {seconds:.0f} s ahead",
    "order": "came first",
}


def lines(answer: Answer) -> Iterator[str]:
    """The whole answer, line by line."""
    told = answer.told
    if answer.subject == "offer":
        yield f"offer     {answer.reservation} of contact {answer.contact}, queue {answer.queue}"
    else:
        yield f"contact   {answer.contact}, queue {answer.queue}"
    if answer.record is not None and (answer.subject == "offer" or told is None):
        yield from _record(answer.record)
    if told is not None:
        yield from _contact(told, offer=answer.subject == "offer")
        yield from _agents(told)
    elif answer.untold:
        yield f"agents    cannot be listed: {answer.untold}"
    yield ""
    yield "what happened (UTC)"
    yield from (_happened(one) for one in answer.history)


def _record(why: Why) -> Iterator[str]:
    among = len(why.candidates) + why.excluded.get("ranked_lower", 0)
    yield f"chosen    {', '.join(why.chosen)} of {among} who could have it, by {why.rule}"
    if why.tie_break:
        yield f"          before the next by: {why.tie_break}"
    parts = [f"step {why.step + 1}", f"asks for {why.requires or 'anybody'}"]
    parts += [f"rules {', '.join(why.rules)}"] if why.rules else []
    parts += [f"prefers {why.prefer}"] if why.prefer else []
    parts += ["his own contact"] if why.priority == 0 else [f"queue priority {why.priority}"]
    yield f"          {'; '.join(parts)}"
    if why.excluded:
        yield f"others    {_counts(why.excluded)}"


def _contact(told: Explanation, *, offer: bool) -> Iterator[str]:
    if not offer:
        waited = f"for {told.at - told.entered_at:.0f} s, since {_time(told.entered_at)}; offered {told.offers} times"
        yield f"state     as of {_time(told.at)}: {told.state}, in its queue {waited}"
        yield f"why       {VERDICTS.get(told.verdict, told.verdict)}"
    yield f"asks for  {told.requires or 'anybody'}"
    if told.step is not None:
        yield f"          {_step(told.step)}"
    if told.opening is not None:
        names = ", ".join(told.opening.agents) or "nobody who fits"
        yield f"          from {_time(told.opening.at)} also groups with {told.opening.delay:.0f} s delay: {names}"
    for part in told.parts if told.requires else ():
        if part.free == 0:
            yield f"          {part.requires}: {part.agents or 'no'} agents of the queue, none of them free"
    if told.only_agent or told.prefer:
        until = f", alone until {_time(told.prefer_until)}" if told.prefer_until else ""
        yield f"          {'only' if told.only_agent else 'first'} for {told.only_agent or told.prefer}{until}"
    yield (
        f"due       {_time(told.due)} = {_time(told.queued_at)} + objective {told.objective:g} s"
        f" - queue's priority {told.queue_priority:g} s - head start {told.head_start:g} s"
    )
    if told.place:
        yield f"place     {told.place} of {told.queue_length} in its queue; {told.ahead_count} go first with somebody"
        yield from (f"          {_ahead(one)}" for one in told.ahead)
    if told.nearest and not offer:
        agents = {one.agent: one for one in told.agents}
        yield "soonest   one thing only keeps them from it:"
        yield from (f"          {name}: {_obstacle(agents[name].obstacles[0])}" for name in told.nearest)


def _step(step: Step) -> str:
    if step.number > step.of:
        return f"after the last of {step.of} steps"
    ends = [f"ends at {_time(step.ends_at)}"] if step.ends_at else []
    ends += [f"ends below {step.ends_below_available} free agents"] if step.ends_below_available else []
    ends += [f"ends over {step.ends_over_predicted:g} s predicted wait"] if step.ends_over_predicted else []
    more = f"{step.next_count} more agents, {step.next_free} of them free"
    then = f"then {step.next_requires or 'anybody'}: {more}"
    return f"step {step.number} of {step.of}, {', '.join(ends) or 'does not end by itself'}; {then}"


def _ahead(one: Ahead) -> str:
    return f"{one.contact} in {one.queue}: {AHEAD[one.by].format(seconds=one.seconds)} ({one.agents} agents)"


def _agents(told: Explanation) -> Iterator[str]:
    yield ""
    out = _counts(told.excluded) or "nobody"
    yield f"agents    {told.eligible} could have it at once; others: {out}"
    width = max((len(one.agent) for one in told.agents), default=0)
    names = told.names
    for one in told.agents:
        place = f"{one.place:>4}." if one.place else "    -"
        said = _keys(names, one) if one.place else "; ".join(_obstacle(each) for each in one.obstacles)
        skills = " ".join(f"{skill} {level}" for skill, level in one.skills.items())
        yield f"{place}  {one.agent:<{width}}  {said}{f'  [{skills}]' if skills else ''}"


def _keys(names: tuple[str, ...], one: AgentAnswer) -> str:
    return "  ".join(f"{name} {_key(name, value)}" for name, value in zip(names, one.keys, strict=True))


def _key(name: str, value: float) -> str:
    if name in ("idle_since", "offered_at"):
        return _time(value) if value else "never"
    if name == "turn":
        return {0.0: "asked first", 1.0: "in turn", 2.0: "has let it pass"}.get(value, f"{value:g}")
    return f"{-value:g}" if name == "level" else f"{value:.4g}"


def _obstacle(one: Obstacle) -> str:
    left = f", {one.left:.0f} s left" if one.left else ""
    since = f" since {_time(one.since)}" if one.since else ""
    match one.reason:
        case "other_agent":
            return f"it is for {one.about} alone"
        case "queue":
            return "does not serve the queue"
        case "skill":
            return f"lacks {' and '.join(one.missing)}"
        case "delay":
            return f"his group's delay{left}"
        case "avoided":
            return f"has let it pass{left}"
        case "not_ready":
            return f"not ready{f' ({one.about})' if one.about else ''}{since}"
        case "wrap_up":
            return f"wrap-up{left}"
        case "busy" | "reserved":
            return f"{'talks' if one.reason == 'busy' else 'is offered'} {one.about}{since}"
        case _:
            return one.reason.replace("_", " ")


def _happened(one: Happened) -> str:
    who = f"  {', '.join(one.agents)}" if one.agents else ""
    offer = f"  {one.reservation}" if one.reservation else ""
    about = f"  {one.about}" if one.about else ""
    return f"  {stamp(one.at).partition(' ')[2]}  {one.event}{who}{offer}{about}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason.replace('_', ' ')} {n}" for reason, n in counts.items())


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%H:%M:%S")
