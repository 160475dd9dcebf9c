"""A database whose every write, sync and removal of a file is recorded, so that crashes can be replayed."""

import random
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

SECTOR = 512


class Write(NamedTuple):
    """Bytes at a place of a file."""

    file: str
    offset: int
    data: bytes


class Truncate(NamedTuple):
    """A file cut to a size."""

    file: str
    size: int


class Sync(NamedTuple):
    """All earlier writes of a file are on the disk."""

    file: str


class Remove(NamedTuple):
    """A file that is gone."""

    file: str


class Told(NamedTuple):
    """A change that returned."""

    number: int


class Recorder(apsw.VFS):
    """Hands everything on to the files of the system, and keeps a list of it."""

    def __init__(self):
        self.log = []
        super().__init__("recording", "")

    def xOpen(self, name, flags):
        return Recorded(self.log, name, flags)

    def xDelete(self, name, sync_folder):
        super().xDelete(name, sync_folder)
        self.log.append(Remove(Path(name).name))


class Recorded(apsw.VFSFile):
    """A file of the database."""

    def __init__(self, log, name, flags):
        self.log = log
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary").name
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        super().xWrite(data, offset)
        self.log.append(Write(self.name, offset, bytes(data)))

    def xTruncate(self, size):
        super().xTruncate(size)
        self.log.append(Truncate(self.name, size))

    def xSync(self, flags):
        super().xSync(flags)
        self.log.append(Sync(self.name))


class Connection:
    """An apsw connection with the few methods of sqlite3's that the store uses."""

    def __init__(self, path):
        self._db = apsw.Connection(str(path), vfs="recording")
        self._db.set_busy_timeout(5000)

    def execute(self, query, values=()):
        # A statement that is not read to its end stays open, and keeps a transaction from its commit.
        rows = self._db.execute(query, values).fetchall()
        return Rows(rows, self._db.last_insert_rowid())

    def executemany(self, query, many):
        self._db.executemany(query, list(many)).fetchall()

    def executescript(self, script):
        self._db.execute(script).fetchall()

    def close(self):
        self._db.close()


class Rows(list):
    """What a query gave."""

    def __init__(self, rows, lastrowid):
        super().__init__(rows)
        self.lastrowid = lastrowid

    def fetchone(self):
        return self[0] if self else None

    def fetchall(self):
        return list(self)


@contextmanager
def recorded(monkeypatch, connection=Connection):
    """Within the block writers of corpora are recorded; gives the list of what they do."""
    recorder = Recorder()

    def connect(path):
        db = connection(path)
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            db.execute(f"PRAGMA {pragma}")
        return db

    with monkeypatch.context() as patch:
        patch.setattr("hybrid.corpus.schema.connect_writer", connect)
        yield recorder.log
    recorder.unregister()


def files_after(before, log, loss):
    """The files of the database when the machine stopped after the last entry of a log.

    Args:
        before: name → content when recording began.
        log: what happened until then.
        loss: what became of writes that were not synced: ``none`` is lost, ``all`` are, or a number, by which
            each is drawn to be kept, lost or torn at a sector.
    """
    files = {name: bytearray(content) for name, content in before.items()}
    synced = {}
    for place, entry in enumerate(log):
        if isinstance(entry, Sync):
            synced[entry.file] = place
    draw = random.Random(loss)
    for place, entry in enumerate(log):
        if isinstance(entry, Write):
            data = entry.data
            if place > synced.get(entry.file, -1):
                data = kept_of(data, loss, draw)
            content = files.setdefault(entry.file, bytearray())
            content.extend(bytes(max(0, entry.offset + len(data) - len(content))) if data else b"")
            content[entry.offset : entry.offset + len(data)] = data
        elif isinstance(entry, Truncate):
            del files.setdefault(entry.file, bytearray())[entry.size :]
        elif isinstance(entry, Remove):
            files.pop(entry.file, None)
    return {name: bytes(content) for name, content in files.items() if name != "temporary"}


def kept_of(data, loss, draw):
    """What a crash leaves of a write that was not synced."""
    fate = {"none": "kept", "all": "lost"}.get(loss) or draw.choice(("kept", "lost", "torn"))
    if fate == "torn":
        return data[: draw.randrange(0, len(data) + 1, SECTOR)]
    return data if fate == "kept" else b""
