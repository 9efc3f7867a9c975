"""How a list is said as Parquet: the columns of the CSV with their types, a row group a few chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.errors import NotAcceptable
from app.formats import Chunk, Format
from app.formats.columns import columns, values
from app.query.fields import Resource
from app.query.whole import Joined, Same
from app.settings import preset

GROUP_ROWS = 7_500  # rows that are held before they are written: half as many make a file that is 8 % larger


class Sink:
    """A file that only grows, whose bytes are taken away as they come."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.written = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self.parts.append(part)
        self.written += len(part)
        return len(part)

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        """Nothing to do: the parts are taken by `take`."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        """What came since the last time."""
        data, self.parts = b"".join(self.parts), []
        return data


def write(resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...]) -> Iterator[bytes]:
    """The file, a row group at a time. Raises NotAcceptable where pyarrow is not installed."""
    # Its own allocator keeps what was let go of: 20 MB more at the end of a large file.
    preset(ARROW_DEFAULT_MEMORY_POOL="system")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise NotAcceptable(
            "Parquet needs the extra `chancery[parquet]`, which is not installed here; ask for ndjson or csv."
        ) from None
    types = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    table = columns(resource, fields)
    schema = pa.schema([(column.name, types[column.type]) for column in table])
    return _groups(pa, pq, schema, table, chunks)


def _groups(pa: Any, pq: Any, schema: Any, table: list[Any], chunks: Iterable[Chunk]) -> Iterator[bytes]:
    sink = Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        held: list[Any] = []
        for chunk in chunks:
            held.append(_batch(pa, schema, table, chunk))
            if sum(batch.num_rows for batch in held) >= GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held))
                held = []
                yield sink.take()
        if held:
            writer.write_table(pa.Table.from_batches(held))
    yield sink.take()


def _batch(pa: Any, schema: Any, table: list[Any], chunk: Chunk) -> Any:
    arrays = [_array(pa, column, field.type) for column, field in zip(values(chunk, table), schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _array(pa: Any, column: Any, type: Any) -> Any:
    if isinstance(column, Same):
        return pa.repeat(pa.scalar(column.value, type), len(column))
    return pa.array(list(column) if isinstance(column, Joined) else column, type=type)


FORMAT = Format("parquet", "application/vnd.apache.parquet", "parquet", write)
