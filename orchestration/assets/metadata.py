"""What a materialisation says of a table in Dagster's UI: counts and column types, never a value.

In: table facts or receipts. Out: Dagster metadata.
"""

from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration.warehouse import TableFacts


def table_metadata(facts: TableFacts) -> dict[str, Any]:
    """Row count (tables only) and column schema of a table in the warehouse."""
    columns = [dg.TableColumn(name, data_type) for name, data_type in facts.columns]
    schema = {"dagster/column_schema": dg.TableSchema(columns)}
    return schema if facts.row_count is None else {**schema, "dagster/row_count": facts.row_count}


def arrow_metadata(table: pa.Table) -> dict[str, Any]:
    """Row count and column schema of a table in memory."""
    columns = tuple((field.name, str(field.type)) for field in table.schema)
    return table_metadata(TableFacts(table.num_rows, columns))
