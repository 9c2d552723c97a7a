"""An estimate of a timeline: from blocks of actions that follow each other in the log, spread evenly over all of it.

A burst is so in the sample as it is in the log, while a sample of moments would miss it or take it for more. Which
blocks are looked at depends on the log's length only: to ask again is to be told the same.
"""

from collections import Counter
from typing import NamedTuple

from sqlite_utils import Database

from deedbook.projections import tally
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.selection import Selection, matching
from deedbook.projections.tally import Counts, Scale, by_row

#: Positions that follow each other in a block, and blocks: measured, 12 to 25 ms.
LENGTH, BLOCKS = 64, 560

#: Where a part of the time is asked for, there are so many times more blocks, at the most: most of them are outside.
CLOSER = 1.5

#: Spreads the beginnings of the blocks, so that nothing that comes at a beat is met every time: a part of the golden
#: ratio, whose multiples are spread as evenly as can be.
_GOLDEN = 0.6180339887498949


class Estimate(NamedTuple):
    """How many actions are in each bucket and state, about, and which part of the log was looked at."""

    counts: Counts
    sampled: float


def estimate(db: Database, query: ActionQuery, selection: Selection, scale: Scale, part: float) -> Estimate | None:
    """Estimate how many actions of a query are in each bucket and state.

    part: which of all actions are in the time that is asked for, about; more than 0. Returns None where the log is no
    longer than the sample, or where a query can't be checked on one action.
    """
    last = tally.last(db, query)
    blocks = int(BLOCKS * min(CLOSER, 1 / part))
    if last < 2 * LENGTH * blocks:
        return None
    starts = ", ".join(f"({position})" for position in spread(last, blocks))
    table = f"(SELECT column1 AS first FROM (VALUES {starts})) CROSS JOIN actions AS a NOT INDEXED"
    branch = matching(query, selection, table, f"a.id BETWEEN first AND first + {LENGTH - 1}")
    if branch is None:
        return None
    counts = by_row(db, [branch], scale)
    sampled = LENGTH * blocks / last
    return Estimate([Counter({state: round(n / sampled) for state, n in one.items()}) for one in counts], sampled)


def spread(last: int, blocks: int) -> list[int]:
    """Return where the blocks begin, of which each part of the log up to `last` has one."""
    stride = last / blocks
    return [int(stride * block + (stride - LENGTH) * (block * _GOLDEN % 1)) for block in range(blocks)]
