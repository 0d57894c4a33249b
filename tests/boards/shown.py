"""The six boards, in the order of the menu."""

from tests.boards import callbacks, disruptions, itself, live, parity, profile

BOARDS = (live.BOARD, profile.BOARD, callbacks.BOARD, parity.BOARD, disruptions.BOARD, itself.BOARD)
