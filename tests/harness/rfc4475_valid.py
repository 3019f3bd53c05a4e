"""RFC 4475, 3.1.1: the valid torture messages (SIP torture test messages, section by section as in the RFC).

Here: their text; `wire` makes the bytes: `\\n` becomes CRLF, other characters are single bytes. Not here: what is
expected of whoever gets one (rfc4475.py), the other messages (rfc4475_invalid.py, rfc4475_upper.py).
Byte for byte as in the RFC, but for `mpart01`: its signatures and certificate number are bytes of our own, as many.
"""

import base64
import random

BARE_LF = "\u240a"
"""A line feed that stays one on the wire."""


def wire(text: str) -> bytes:
    """The bytes of one of the texts below."""
    return text.replace("\n", "\r\n").replace(BARE_LF, "\n").encode("latin-1")


def audio_and_video(origin: str, media: str = "", *, start: int = 0) -> str:
    """The session description of most of the RFC's messages."""
    return (
        f"v=0\no=mhandley 29739 7272939 IN IP4 {origin}\ns=-\nc=IN IP4 {media or origin}\nt={start} 0\n"
        "m=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"
    )


WSINV = r"""INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

""" + audio_and_video("192.0.2.3", "192.0.2.4")

def octets(text: str) -> str:
    """The UTF-8 of a text, one character for each byte."""
    return text.encode().decode("latin-1")


_UNUSUAL = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
_WORKING, _POWER_CUT = octets("работающий"), octets("\ufeff大停電")
_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
INTMETH = f"""{_METHOD} {_UNUSUAL}:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <{_UNUSUAL}@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;\
fromParam''~+*_!.-%="{_WORKING}";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}}{{
CSeq: 139122385 {_METHOD}
Max-Forwards: 255
extensionHeader-!.%*+_`'~:{_POWER_CUT}
Content-Length: 0

"""

ESC01 = """INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

""" + audio_and_video("192.0.2.1")

ESCNULL = """REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

"""

ESC02 = """RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

"""

LWSDISP = """OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

"""

_VIAS = (
    "Via: |v: |V: |Via: |ViA: |VIa: |VIA: |via: |viA: |vIa: |vIA: |V :  |v :  |V  : |v  : |Via : |Via  : ".split("|")
    + ["Via: "] * 16
)
_ROUTE = "".join(f"{via}SIP/2.0/TCP sip{33 - number}.example.com\n" for number, via in enumerate(_VIAS))
_CALLER = "amazinglylongcallername" * 5
_NAME, _VALUE = f"unknown-long{'long' * 19}", f"Unknown-Long{'Long' * 19}"
LONGREQ = f"""INVITE sip:user@example.com SIP/2.0
To: "I have a user name of {'extreme' * 10} proportion"<sip:user@example.com:6000;\
unknownparam1=very{'long' * 20}value;longparam{'name' * 25}=shortvalue;very{'long' * 25}ParameterNameWithNoValue>
F: sip:{_CALLER}@example.net;tag=12{'982' * 50}424;unknownheaderparam{'name' * 20}=unknowheaderparam{'value' * 15};\
unknownValueless{'paramname' * 10}
Call-ID: longreq.one{'really' * 20}longcallid
CSeq: 3882340 INVITE
{_VALUE}-Name: {_NAME}-value; {_NAME}-parameter-name = {_NAME}-parameter-value
{_ROUTE}\
Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very{'long' * 50}branchvalue
Max-Forwards: 70
Contact: <sip:{_CALLER}@host5.example.net>
Content-Type: application/sdp
l: 150

""" + audio_and_video("192.0.2.1")

DBLREQ = """REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234
Content-Type: application/sdp
Content-Length: 150

""" + audio_and_video("192.0.2.15").replace("m=video", "m =video") + "\n"

SEMIURI = """OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

"""

TRANSPORTS = """OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

"""


def _mpart01() -> str:
    """Text and a signature in DER, side by side; bytes that are no text, NUL among them, stand in the body."""
    chance = random.Random(4475)
    # SignedData with one signer: versions, algorithms (SHA-1, RSA) and the issuer are the RFC's.
    issuer = "".join(
        f"1{chr(len(value) + 11)}0{chr(len(value) + 9)}\x06\x03U\x04{kind}\x13{chr(len(value))}{value}"
        for kind, value in (
            ("\x06", "US"), ("\x08", "California"), ("\x07", "San Jose"), ("\n", "sipit"),
            ("\x0b", "Sipit Test Certificate Authority"),
        )
    )  # fmt: skip
    rsa = "\x06\t*\x86H\x86\xf7\r\x01"
    sha1 = "0\x07\x06\x05+\x0e\x03\x02\x1a"
    signed_data = f"0\x82\x01R{rsa}\x07\x02\xa0\x82\x01C0\x82\x01?\x02\x01\x011\t{sha1}"
    signer = f"0\x0b{rsa}\x07\x011\x82\x01 0\x82\x01\x1c\x02\x01\x010|0p{issuer}"
    number = "\x02\x08\x01" + "".join(chr(chance.randrange(256)) for _ in range(7))
    algorithms = f"{sha1}0\r{rsa}\x01\x01\x05\x00\x04\x81\x80"
    signature = "".join(chr(chance.randrange(256)) for _ in range(128))
    der = f"{signed_data}{signer}{number}{algorithms}{signature}".replace("\n", BARE_LF)
    boundary = "7a9cbec02ceef655"
    identity = base64.b64encode(chance.randbytes(128)).decode()
    return f"""MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport
Max-Forwards: 70
Route: <sip:127.0.0.1:5080>
Identity: {identity}
Contact: <sip:fluffy@127.0.0.1:5070>
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0dcc9
Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary={boundary}
Date: Sat, 15 Oct 2005 04:44:56 GMT
User-Agent: SIPimp.org/0.2.5 (curses)
Content-Length: 553

--{boundary}
Content-Type: text/plain
Content-Transfer-Encoding: binary

Hello
--{boundary}
Content-Type: application/octet-stream
Content-Transfer-Encoding: binary

{der}
--{boundary}--
"""


MPART01 = _mpart01()

UNREASON = f"""SIP/2.0 200 = 2**3 * 5**2 {octets("но сто девяносто девять - простое")}
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

""" + audio_and_video("192.0.2.198")

NOREASON = """SIP/2.0 100\x20
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"""
