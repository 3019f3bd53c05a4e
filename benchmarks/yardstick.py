"""The yardstick: the same calls through Asterisk's own app_queue, in the Asterisk that the server uses.

Here: what is added to that Asterisk's configuration, as text. Pure. The members ring at the same phones as our agents;
the caller is answered, waits with the same music, and the call ends with the agent's hang-up. MixMonitor records from
the answer to the end, as the server's tracks do.
"""

from __future__ import annotations

from collections.abc import Sequence

NUMBER = "95590"
"""What a caller dials to reach app_queue without a recording."""
RECORDED = "95591"
"""The same with MixMonitor."""

_MODULES = """\
load = app_queue.so
load = app_mixmonitor.so
"""
_QUEUES = """\
[general]
persistentmembers = no
autofill = yes

[bench]
strategy = leastrecent
autofill = yes
ringinuse = no
timeout = 20
retry = 1
wrapuptime = 0
musicclass = default
"""
_DIALPLAN = f"""\
[hollyhock-in]
exten => {NUMBER},1,Answer(,i)
 same => n,Queue(bench)
 same => n,Hangup()
exten => {RECORDED},1,Answer(,i)
 same => n,MixMonitor(${{UNIQUEID}}.wav)
 same => n,Queue(bench)
 same => n,Hangup()
"""
_PHONES = """\
[bench-phone](!)
type = endpoint
context = hollyhock-forward
disallow = all
allow = alaw,ulaw
dtmf_mode = auto
direct_media = no
allow_transfer = no
allow_subscribe = no
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
"""


def additions(users: Sequence[str], phones: tuple[str, int]) -> dict[str, str]:
    """File name -> text. One member a user; `phones`: host and port where all of them ring, told apart by user part."""
    host, port = phones
    members = "".join(f"member => PJSIP/q{user}\n" for user in users)
    endpoints = "".join(
        f"\n[q{user}](bench-phone)\naors = q{user}\n\n[q{user}]\ntype = aor\ncontact = sip:{user}@{host}:{port}\n"
        for user in users
    )
    return {
        "modules.conf": _MODULES,
        "queues.conf": _QUEUES + members,
        "extensions.conf": _DIALPLAN,
        "pjsip.conf": _PHONES + endpoints,
    }
