"""Operations that put tables and views where they belong: `ops` for facts, `analytics` for what is told of them."""

from pathlib import Path

from django.db.migrations.operations import RunSQL

_REFUSE = "ops.refuse_change"


def in_schema(schema: str) -> RunSQL:
    """First operation of every migration that creates tables: they land in `schema`.

    LOCAL ends with the migration's transaction. Model names stay plain because connections run with
    `search_path=public,ops,analytics`; going backwards finds the tables by that path.
    """
    path = "ops, public" if schema == "ops" else f"{schema}, ops, public"
    return RunSQL(f"SET LOCAL search_path TO {path}", RunSQL.noop)


def append_only(table: str) -> RunSQL:
    """History: rows of `ops.<table>` can be added, never changed or removed. TRUNCATE passes in test databases only."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON ops.{table}
            FOR EACH ROW EXECUTE FUNCTION {_REFUSE}();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON ops.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION {_REFUSE}();
        """,
        f"""
        DROP TRIGGER {table}_no_truncate ON ops.{table};
        DROP TRIGGER {table}_append_only ON ops.{table};
        """,
    )


def create_view(sql_file: Path) -> RunSQL:
    """A view in `analytics` from its file; the file holds the SELECT, its stem is the view's name."""
    return RunSQL(
        f"CREATE VIEW analytics.{sql_file.stem} AS\n{_select(sql_file)}",
        f"DROP VIEW analytics.{sql_file.stem}",
    )


def replace_view(sql_file: Path) -> RunSQL:
    """The view's new text where the old one stands already; its columns and grants stay as they are."""
    return RunSQL(f"CREATE OR REPLACE VIEW analytics.{sql_file.stem} AS\n{_select(sql_file)}", RunSQL.noop)


def _select(sql_file: Path) -> str:
    return sql_file.read_text(encoding="utf-8").rstrip().rstrip(";")
