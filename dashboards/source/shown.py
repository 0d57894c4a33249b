"""The eight boards, in the order of the menu. All but the last show callmon's metrics alone."""

from dashboards.source import callbacks, calls, disruptions, itself, live, parity, planning, standards

BOARDS = (
    live.BOARD,
    standards.BOARD,
    callbacks.BOARD,
    parity.BOARD,
    disruptions.BOARD,
    planning.BOARD,
    itself.BOARD,
    calls.BOARD,
)
