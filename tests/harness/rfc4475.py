"""The 49 torture messages of RFC 4475 as a table: what the RFC asks of whoever gets one, what may be answered.

Here: `MESSAGES`, by the RFC's names, and how a message is made to be sent. Not here: the texts (rfc4475_*.py), sending.
The answers that may come were measured with Asterisk 22.10.1 and judged by hand: where it is not what the RFC asks for,
`note` says so. Silence is 0: to a message that cannot be read, or that is a response nobody waits for.
"""

import re
import secrets
from dataclasses import dataclass

from tests.harness import rfc4475_invalid as bad, rfc4475_upper as upper, rfc4475_valid as valid
from tests.harness.rfc4475_valid import wire

SILENCE = 0


@dataclass(frozen=True)
class Torture:
    """One message. `answers` are the final answers that may come, `called` those when it dials a number of ours."""

    section: str
    text: str
    asks: str
    answers: tuple[int, ...]
    called: tuple[int, ...] = ()
    note: str = ""

    @property
    def as_in_the_rfc(self) -> bytes:
        return wire(self.text)

    def fresh(self) -> bytes:
        """With transaction and call ids of its own: the RFC repeats them, and a repeat is no new request."""
        mine = secrets.token_hex(4)
        data = re.sub(rb"(z9hG4bK|branch=390|branch=very)(?=[^\r\n])", rb"\g<1>" + mine.encode(), self.as_in_the_rfc)
        return re.sub(rb"(?mi)^((?:Call-ID|i) *: *)", rb"\g<1>" + mine.encode(), data)

    def calling(self, number: str) -> bytes:
        """Fresh, and the user in the request line is this number."""
        line, _, rest = self.fresh().partition(b"\r\n")
        return re.sub(rb"sip:[^@ ]*@", b"sip:%s@" % number.encode(), line, count=1) + b"\r\n" + rest


NOT_FOUND, NONE = (404,), (SILENCE,)

MESSAGES: dict[str, Torture] = {
    "wsinv": Torture("3.1.1.1", valid.WSINV, "accept; in no dialog: 481", (481,), (481,)),
    "intmeth": Torture("3.1.1.2", valid.INTMETH, "501 with Allow", (501,)),
    "esc01": Torture("3.1.1.3", valid.ESC01, "accept; an unknown user: 404", NOT_FOUND, (200,)),
    "escnull": Torture("3.1.1.4", valid.ESCNULL, "accept; nobody to register: 404", NOT_FOUND),
    "esc02": Torture("3.1.1.5", valid.ESC02, "501: an unknown method, no REGISTER", (501,)),
    "lwsdisp": Torture("3.1.1.6", valid.LWSDISP, "accept", NOT_FOUND),
    "longreq": Torture(
        "3.1.1.7", valid.LONGREQ, "accept", (404, SILENCE), (200, SILENCE),
        note="silence when the same 34 Vias came before: without a cookie the transaction is known by its headers",
    ),
    "dblreq": Torture(
        "3.1.1.8", valid.DBLREQ, "UDP: one REGISTER, the rest ignored; TCP: two requests", (404, 400),
        note="by TCP the INVITE is answered 400: it has no Contact",
    ),
    "semiuri": Torture("3.1.1.9", valid.SEMIURI, "accept; the user is 'user;par=u@example.net'", NOT_FOUND),
    "transports": Torture("3.1.1.10", valid.TRANSPORTS, "accept", NOT_FOUND),
    "mpart01": Torture("3.1.1.11", valid.MPART01, "accept, or 501 without MESSAGE", (501,)),
    "unreason": Torture("3.1.1.12", valid.UNREASON, "a response: nobody waits for it", NONE),
    "noreason": Torture("3.1.1.13", valid.NOREASON, "a response: nobody waits for it", NONE),
    "badinv01": Torture("3.1.2.1", bad.BADINV01, "400", NONE, NONE, note="thrown away: its Via cannot be read"),
    "clerr": Torture(
        "3.1.2.2", bad.CLERR, "400 by UDP; by TCP the rest is waited for", (404, SILENCE), (200, SILENCE),
        note="by UDP the length is ignored",
    ),
    "ncl": Torture("3.1.2.3", bad.NCL, "400", NONE, NONE, note="thrown away"),
    "scalar02": Torture("3.1.2.4", bad.SCALAR02, "400", NONE, note="thrown away"),
    "scalarlg": Torture("3.1.2.5", bad.SCALARLG, "a response: thrown away", NONE),
    "quotbal": Torture("3.1.2.6", bad.QUOTBAL, "400", NONE, NONE, note="thrown away"),
    "ltgtruri": Torture("3.1.2.7", bad.LTGTRURI, "400, or accept", NONE, NONE, note="thrown away"),
    "lwsruri": Torture("3.1.2.8", bad.LWSRURI, "400", NONE, NONE, note="thrown away"),
    "lwsstart": Torture("3.1.2.9", bad.LWSSTART, "400, or accept", NOT_FOUND, (200,)),
    "trws": Torture("3.1.2.10", bad.TRWS, "400, or accept", NOT_FOUND),
    "escruri": Torture("3.1.2.11", bad.ESCRURI, "400, or ignore the header in the URI", NOT_FOUND, (200,)),
    "baddate": Torture("3.1.2.12", bad.BADDATE, "ignore the date, or 400", NOT_FOUND, (200,)),
    "regbadct": Torture("3.1.2.13", bad.REGBADCT, "400", NONE, note="thrown away"),
    "badaspec": Torture("3.1.2.14", bad.BADASPEC, "400, or accept", NOT_FOUND),
    "baddn": Torture("3.1.2.15", bad.BADDN, "400, or accept", NOT_FOUND),
    "badvers": Torture("3.1.2.16", bad.BADVERS, "505", NONE, note="thrown away"),
    "mismatch01": Torture("3.1.2.17", bad.MISMATCH01, "400", NONE, note="thrown away"),
    "mismatch02": Torture("3.1.2.18", bad.MISMATCH02, "501, or 400", (501,)),
    "bigcode": Torture("3.1.2.19", bad.BIGCODE, "a response: thrown away", NONE),
    "badbranch": Torture("3.2.1", upper.BADBRANCH, "answer; match it by its headers", (404, SILENCE)),
    "insuf": Torture("3.3.1", upper.INSUF, "400", NONE, NONE, note="thrown away: there is nothing to answer with"),
    "unkscm": Torture("3.3.2", upper.UNKSCM, "416", NONE, note="seen by nobody: no answer"),
    "novelsc": Torture("3.3.3", upper.NOVELSC, "416", NONE, note="seen by nobody: no answer"),
    "unksm2": Torture("3.3.4", upper.UNKSM2, "404 or 403, never a binding", (416, SILENCE)),
    "bext01": Torture(
        "3.3.5", upper.BEXT01, "420 with Unsupported", NOT_FOUND, note="the user is looked up first, and there is none"
    ),
    "invut": Torture("3.3.6", upper.INVUT, "415 with Accept", (415,), (415,)),
    "regaut01": Torture("3.3.7", upper.REGAUT01, "401", NONE, note="thrown away: the scheme cannot be read"),
    "multi01": Torture("3.3.8", upper.MULTI01, "400", NOT_FOUND, (200,), note="the first of each is taken"),
    "mcl01": Torture("3.3.9", upper.MCL01, "400; close a TCP connection", NOT_FOUND, note="the first length is taken"),
    "bcast": Torture("3.3.10", upper.BCAST, "a response: nobody waits for it; never sent on", NONE),
    "zeromf": Torture("3.3.11", upper.ZEROMF, "answer (a proxy: 483)", NOT_FOUND),
    "cparam01": Torture("3.3.12", upper.CPARAM01, "accept; nobody to register: 404", NOT_FOUND),
    "cparam02": Torture("3.3.13", upper.CPARAM02, "accept; nobody to register: 404", NOT_FOUND),
    "regescrt": Torture("3.3.14", upper.REGESCRT, "accept; nobody to register: 404", NOT_FOUND),
    "sdp01": Torture(
        "3.3.15", upper.SDP01, "406, or accept when no body is sent back", NOT_FOUND, (200,),
        note="Accept is not looked at",
    ),
    "inv2543": Torture(
        "3.4.1", upper.INV2543, "accept a caller of RFC 2543", NONE, NONE,
        note="no answer: it has no Contact, which INVITE needs since RFC 3261",
    ),
}  # fmt: skip
