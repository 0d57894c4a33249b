"""Every recorded call, cut between every two of its moments: what callmon says of it is true, or less.

    python -m tests.model.exam                 a sample of all recordings
    python -m tests.model.exam --whole         every pair of moments of every recording: 160,000 in some 10 min
    python -m tests.model.exam --only pickup   of one recording (with --whole: all its pairs)

A moment lies before each message of the call that callmon reads, and after the last. Between the two moments of a
pair nothing is heard: the connection was lost, or callmon was killed. The listing comes at once, or three messages
later. Each is judged as it was heard, and again when CEL has filled it.

The truth is what people did (the truth files), and for times what callmon says when it hears the whole call, which
is checked against the truth files. Mixed runs are examined call by call, each with the messages of its own.
"""

from tests.support.environment import remove_given

remove_given()  # what its commands and tests start has none of them
