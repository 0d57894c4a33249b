"""The lab: a real Asterisk, callers and phones for it, and the truth about what they did.

    folder      the small Debian that contains Asterisk, made once
    exchange    an Asterisk for one test, on free ports; ``site`` and ``routes`` are the lab's additions
    pace        the same exchange and situations four times faster, for tests of something else than ring timings
    ports       reserved, so that tests may run side by side
    situations  the catalogue of situations of a call, with the required results (`situations_*.toml`, which
                `situation_files` reads; a table: SITUATIONS.md)
    play        makes situations happen: ``sipp`` plays the public's callers; ``stage`` has the phones
                (``station``), the ``desk``, and the ``board`` where each sees what the others did
    wire        what the caller received: 180, 183, the answer; ``tones`` hears the ringing of an answered line
    listener    an independent AMI client; ``witness`` compares truth and AMI events
    proxy       a network that fails on demand
    postgres    a temporary database
    prometheus, alertmanager    with the shipped rules and routes; ``receivers`` are their counterparts

A situation expects what its callers and phones were scripted to do: never what an event said.
"""
