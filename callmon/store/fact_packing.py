"""The stored form of the facts of a call that has ended: their JSON, compressed with text that facts share."""

import zlib

# Text that facts share. It belongs to the stored form: a change of it needs another, with the first kept to read.
SHARED_TEXT = (
    b'"by":"exchange"}]"queue":"","language":"en"}"found":true"slack":"PT0.5S""kind":"blind","to":"outside"'
    b'"answered":true}"mailbox":"","rings":"message":true"early_media":true"number":"outside""hung_up":true},'
    b'{"type":"VoicemailTook"{"type":"VoicemailEnded"{"type":"QueueEntered"{"type":"QueueLeft"{"type":"MusicPlayed"'
    b'{"type":"SentOff"{"type":"Transferred"{"type":"PersonJoined"{"type":"PersonLeft"{"type":"Resumed"{"type":"Held"'
    b'{"type":"LanguageChosen"{"type":"NumberWithheld"[{"type":"Arrived","call":"17","at":"2026-11-24T15:56:01.9Z",'
    b'"direction":"inbound","line":"general","dialled":"","caller":null,"withheld":null,"channel":"PJSIP/trunk-0000000"},'
    b'{"type":"LineOpened","call":"17{"type":"PhoneDialled","call":"17","at":"2026-11-24T15:56:01.9Z","phone":"10",'
    b'"channel":"PJSIP/10-0000000"},{"type":"PhoneRang","call":"17","at":"2026-11-24T15:56:01.9Z","phone":"10","channel":'
    b'"PJSIP/10-0000000"},{"type":"PhoneStopped","call":"17","at":"2026-11-24T15:56:01.9Z","phone":"10","channel":'
    b'"PJSIP/10-0000000","why":"no_answer","rang":true},{"type":"Answered","call":"17","at":"2026-11-24T15:56:01.9Z",'
    b'"phone":"10","channel":"PJSIP/10-0000000","rang":"2026-11-24T15:56:01.9Z"},{"type":"Ended","call":"17",'
    b'"at":"2026-11-24T15:56:01.9Z","by":"caller"}]'
)
# of zlib: for some kilobytes
LEVEL = 3
WINDOW_BITS = 12
MEMORY = 5
_primed = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY, zlib.Z_DEFAULT_STRATEGY, SHARED_TEXT)


def pack_facts(data: str) -> bytes:
    """Compresses the JSON of a call's facts (zlib, RFC 1950, with SHARED_TEXT), to about a seventh."""
    packing = _primed.copy()  # a new one would read SHARED_TEXT again
    return packing.compress(data.encode()) + packing.flush()


def unpack_facts(data: bytes) -> bytes:
    """The JSON of a call's facts. Raises zlib.error when it is damaged."""
    return zlib.decompressobj(zdict=SHARED_TEXT).decompress(data)
