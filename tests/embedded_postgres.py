"""Early pytest plugin: makes sure the session has a PostgreSQL, before Django's settings are read."""

import os

os.environ.setdefault("DATABASE_URL", "postgresql://postgres@/postgres?host=/tmp/pgq")
