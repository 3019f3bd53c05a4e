"""The one table of node types. A new type is one file beside this one and one line here."""

from __future__ import annotations

from ivr.nodes.callback import Callback
from ivr.nodes.collect import Collect
from ivr.nodes.condition import Condition
from ivr.nodes.hangup import Hangup
from ivr.nodes.menu import Menu
from ivr.nodes.play import Play
from ivr.nodes.queue import Queue
from ivr.nodes.set import Set
from ivr.nodes.transfer import Transfer

AnyNode = Play | Menu | Collect | Set | Condition | Queue | Callback | Transfer | Hangup

NODE_TYPES: tuple[type[AnyNode], ...] = (
    Play,
    Menu,
    Collect,
    Set,
    Condition,
    Queue,
    Callback,
    Transfer,
    Hangup,
)
