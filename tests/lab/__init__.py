"""The lab: a real Asterisk, callers and phones for it, and truth about what they did.

    folder      the small Debian that Asterisk lives in, made once
    exchange    one Asterisk of its own, on free ports; ``site`` and ``routes`` are what the lab adds to its files
    pace        the same exchange and situations four times faster, for tests of something else than ring timings
    ports       reserved, so that tests may run side by side
    situations  the catalogue of what can happen to a call, and what it must come to (a table: SITUATIONS.md)
    play        makes situations happen: ``sipp`` plays the public's callers; ``stage`` has the phones
                (``station``), the ``desk``, and the ``board`` where each sees what the others did
    listener    a witness on the AMI; ``witness`` puts truth and testimony side by side
    proxy       a network that fails on demand
    postgres    a database to throw away
    prometheus, alertmanager    with the rules and routes that ship; ``receivers`` is what they speak to

What a situation expects is what its callers and phones were told to do: never what an event said.
"""
