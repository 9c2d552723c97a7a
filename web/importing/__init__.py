"""Reading logs of other systems: files in, things to do out. `deedbook load` is made of it.

Own actions, AWS CloudTrail records and Kubernetes audit events are told apart one by one, so that a file may
hold all of them. From the file up: `source` (bytes to lines), `framing` (lines to JSON values), `recognition`
(values to records of a kind), a reader for each kind (records to commands), `reading` (all of it in a row).
"""

from deedbook.web.importing.items import Item, NotALog, Unreadable
from deedbook.web.importing.reading import read

__all__ = ["Item", "NotALog", "Unreadable", "read"]
