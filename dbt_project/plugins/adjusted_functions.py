"""The SQL function behind adjusted effects: lists of exact sums in, effect and error out.

In: nothing but numbers and the names of columns. Out: `adjusted_effect` on every connection that dbt opens. The
algebra lives in cluster_robust_grams; which sums go in is decided in the models.
"""

import duckdb
from cluster_robust_grams import PARAMETERS, RETURNS, adjusted_effect
from dbt.adapters.duckdb.plugins import BasePlugin


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers the function on a connection."""
    connection.create_function(
        "adjusted_effect", adjusted_effect, PARAMETERS, RETURNS, type="arrow", null_handling="special"
    )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the function on dbt's connection."""
        register(conn)
