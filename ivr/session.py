"""What a session knows: its flow, its language, who calls; and which secret comes next.

Lives here: questions about one session, without a run. Not here: what moves it (`ivr.runtime`).
"""

from __future__ import annotations

from ctiserver.model.facts import Customer
from ctiserver.model.ivr import IvrSession, Value
from ctiserver.model.site import FlowConfig, SiteConfig
from ctiserver.model.talk import Conversation
from ivr.flow.document import Flow, FlowError, published
from ivr.nodes.callback import Callback
from ivr.nodes.collect import Collect
from ivr.nodes.condition import Condition
from ivr.nodes.play import Play
from ivr.nodes.set import Set


def flow_of(site: SiteConfig, session: IvrSession) -> Flow | None:
    """The pinned revision, or None if the site does not have it or it cannot be read."""
    found: FlowConfig | None = next(
        (flow for flow in site.flows if flow.id == session.flow and flow.revision == session.revision), None
    )
    try:
        return published(found) if found is not None else None
    except FlowError:
        return None


def secret_ahead(flow: Flow, name: str) -> bool:
    """Whether this node takes a masked entry, or leads to one that does without a word from the caller."""
    seen: list[str] = []
    ahead = [name]
    while ahead:
        name = ahead.pop()
        node = flow.nodes.get(name)
        if node is None or name in seen:
            continue
        seen.append(name)
        if isinstance(node, Collect) and node.masked:
            return True
        if isinstance(node, Play | Set | Condition | Callback):
            ahead.extend(target for target in node.targets().values() if target is not None)
    return False


def language_of(flow: Flow, customer: Customer | None) -> str:
    own = customer.language if customer is not None and flow.follow_customer else ""
    return own if own in flow.languages else flow.languages[0]


def call_variables(conversation: Conversation) -> dict[str, Value]:
    """`call.*`: what the network told us."""
    return {
        "call.dialled": conversation.dialled,
        "call.number": conversation.caller_number,
        "call.name": conversation.caller_name,
    }


def customer_variables(customer: Customer | None) -> dict[str, Value]:
    """`customer.*`; for a stranger all texts are empty, so that a flow can ask without failing."""
    return {
        "customer.known": customer is not None,
        "customer.id": customer.id if customer else "",
        "customer.code": customer.code if customer else "",
        "customer.name": customer.name if customer else "",
        "customer.language": customer.language if customer else "",
        "customer.manager": customer.manager if customer else "",
        "customer.classes": ",".join(customer.classes) if customer else "",
    }
