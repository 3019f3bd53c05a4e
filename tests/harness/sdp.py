"""SDP bodies of the harness: what our phones offer and answer, and what the other side said.

Here: telephone audio (RTP/AVP) and answers that look like a browser's (UDP/TLS/RTP/SAVPF). Not here: sockets.
Offer and answer: RFC 3264; telephone-event: RFC 4733; the browser's lines: RFC 8829 (BUNDLE, ICE, DTLS, rtcp-mux).
"""

import re
import secrets
from dataclasses import dataclass

from tests.harness.g711 import CODEC_OF_PAYLOAD, PAYLOAD_TYPE, RTP_NAME, Codec
from tests.harness.rtp import EVENT_PAYLOAD


@dataclass(frozen=True)
class Media:
    """The first audio line of an SDP body: where to send, in which of our codecs, and the digits' payload type."""

    host: str
    port: int
    payloads: tuple[int, ...]
    event_payload: int | None
    direction: str

    @property
    def remote(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def codec(self) -> Codec | None:
        """The first G.711 codec of the list, None when there is none."""
        return next((CODEC_OF_PAYLOAD[p] for p in self.payloads if p in CODEC_OF_PAYLOAD), None)


def audio(
    *, host: str, port: int, codecs: tuple[Codec, ...], digits: bool = True, direction: str = "sendrecv"
) -> bytes:
    """A plain telephone's offer or answer; `digits` adds telephone-event 0-16."""
    payloads = [str(PAYLOAD_TYPE[c]) for c in codecs] + ([str(EVENT_PAYLOAD)] if digits else [])
    lines = [
        "v=0", f"o=- {secrets.randbits(31)} 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(payloads)}",
        *(f"a=rtpmap:{PAYLOAD_TYPE[c]} {RTP_NAME[c]}/8000" for c in codecs),
    ]  # fmt: skip
    if digits:
        lines += [f"a=rtpmap:{EVENT_PAYLOAD} telephone-event/8000", f"a=fmtp:{EVENT_PAYLOAD} 0-16"]
    return "\r\n".join([*lines, "a=ptime:20", f"a={direction}", ""]).encode()


def parse(body: bytes) -> Media | None:
    """None when the body has no audio line."""
    text = body.decode("latin-1")
    line = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", text, re.MULTILINE)
    if not line:
        return None
    host = re.findall(r"^c=IN IP[46] (\S+)", text, re.MULTILINE)
    event = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", text, re.MULTILINE)
    return Media(
        host=host[-1] if host else "",
        port=int(line[1]),
        payloads=tuple(int(p) for p in line[2].split()),
        event_payload=int(event[1]) if event else None,
        direction=direction[1] if direction else "sendrecv",
    )


def attribute(body: bytes, name: str) -> str:
    """First a= line of this name, without it: attribute(sdp, 'setup') == 'actpass'; '' when absent."""
    found = re.search(rf"^a={re.escape(name)}:?([^\r\n]*)", body.decode("latin-1"), re.MULTILINE)
    return found[1].strip() if found else ""


def webrtc_answer(offer: bytes, *, host: str = "127.0.0.1", port: int = 9) -> bytes:
    """What a browser would answer to a WebRTC offer of one audio line; the fingerprint belongs to nobody.

    The first G.711 codec of the offer is taken, else its first payload. No media can ever flow: DTLS has no key.
    """
    media = parse(offer)
    payloads = list(media.payloads) if media else [0]
    chosen = next((p for p in payloads if p in CODEC_OF_PAYLOAD), payloads[0])
    event = media.event_payload if media else None
    mid = attribute(offer, "mid") or "0"
    rtpmap = attribute(offer, f"rtpmap:{chosen}")
    lines = [
        "v=0", f"o=- {secrets.randbits(31)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mid}",
        f"a=msid-semantic: WMS {secrets.token_hex(4)}",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {chosen}{f' {event}' if event else ''}",
        f"c=IN IP4 {host}", f"a=rtcp:{port} IN IP4 {host}",
        f"a=candidate:1 1 udp 2113937151 {host} {port} typ host generation 0",
        f"a=ice-ufrag:{secrets.token_hex(2)}", f"a=ice-pwd:{secrets.token_hex(12)}", "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {':'.join(f'{b:02X}' for b in secrets.token_bytes(32))}",
        "a=setup:active", f"a=mid:{mid}", "a=sendrecv", "a=rtcp-mux",
        f"a=rtpmap:{chosen} {rtpmap or RTP_NAME[CODEC_OF_PAYLOAD.get(chosen, 'ulaw')] + '/8000'}",
    ]  # fmt: skip
    if event:
        lines.append(f"a=rtpmap:{event} telephone-event/8000")
    lines.append(f"a=ssrc:{secrets.randbits(31)} cname:{secrets.token_hex(6)}")
    return "\r\n".join([*lines, ""]).encode()


def webrtc_offer(*codecs: Codec, host: str = "127.0.0.1", port: int = 9) -> bytes:
    """What a browser would offer when it calls; as silent as `webrtc_answer`."""
    chosen = codecs or ("alaw", "ulaw")
    payloads = [str(PAYLOAD_TYPE[c]) for c in chosen]
    lines = [
        "v=0", f"o=- {secrets.randbits(31)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {' '.join(payloads)} {EVENT_PAYLOAD}", f"c=IN IP4 {host}",
        f"a=candidate:1 1 udp 2113937151 {host} {port} typ host generation 0",
        f"a=ice-ufrag:{secrets.token_hex(2)}", f"a=ice-pwd:{secrets.token_hex(12)}",
        f"a=fingerprint:sha-256 {':'.join(f'{b:02X}' for b in secrets.token_bytes(32))}",
        "a=setup:actpass", "a=mid:0", "a=sendrecv", "a=rtcp-mux",
        *(f"a=rtpmap:{PAYLOAD_TYPE[c]} {RTP_NAME[c]}/8000" for c in chosen),
        f"a=rtpmap:{EVENT_PAYLOAD} telephone-event/8000", f"a=ssrc:{secrets.randbits(31)} cname:{secrets.token_hex(6)}",
    ]  # fmt: skip
    return "\r\n".join([*lines, ""]).encode()
