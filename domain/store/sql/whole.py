"""A whole store at one moment as SQL reads it for `verify`: all of its `Snapshot` but the faults of the database."""

from collections.abc import Iterator, Sequence

from deedbook.domain.log import Stored
from deedbook.domain.store.sql.events import SqlEvents
from deedbook.domain.store.sql.rows import EVENTS, KEPT, KEYS
from deedbook.domain.store.verify.snapshot import StoredAnswer, StoredKey, StoredLine


class SqlWhole(SqlEvents):
    """See `verify.snapshot.Snapshot`."""

    def history(self, aggregate: bytes) -> Sequence[Stored]:
        """See `Snapshot.history`."""
        rows = self._sql.all(f"{EVENTS} WHERE aggregate = ? ORDER BY version", (aggregate,))
        return [Stored(*row) for row in rows]

    def line_count(self) -> int:
        """See `Snapshot.line_count`."""
        return int(self._sql.all("SELECT count(*) FROM output")[0][0])

    def lines(self) -> Iterator[StoredLine]:
        """See `Snapshot.lines`."""
        rows = self._sql.each("SELECT action, line, timestamp, text, digest FROM output ORDER BY action, line")
        return (
            StoredLine(action, line, timestamp, self._sql.text(text), digest)
            for action, line, timestamp, text, digest in rows
        )

    def missing_sequences(self) -> Iterator[tuple[int, int]]:
        """See `Snapshot.missing_sequences`."""
        ((count, last),) = self._sql.all("SELECT count(*), coalesce(max(sequence), 0) FROM output WHERE sequence > 0")
        if count != last:
            yield from self._sql.each(
                "SELECT before + 1, sequence - 1 FROM"
                " (SELECT sequence, lag(sequence, 1, 0) OVER (ORDER BY sequence) AS before FROM output) AS pairs"
                " WHERE sequence > before + 1"
            )

    def answers(self) -> Iterator[StoredAnswer]:
        """See `Snapshot.answers`."""
        text = self._sql.text
        rows = self._sql.each(f"{KEPT} ORDER BY namespace, key")
        return (StoredAnswer(text(row[0]), text(row[1]), *row[2:]) for row in rows)

    def api_keys(self) -> Iterator[StoredKey]:
        """See `Snapshot.api_keys`."""
        return (StoredKey(row[0], self._sql.text(row[1]), *row[2:]) for row in self._sql.each(KEYS))
