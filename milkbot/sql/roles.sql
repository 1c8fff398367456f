-- Who may do what in this database. Run by a superuser, in one transaction, before and after `migrate`; idempotent.
-- Roles are shared by a whole server, so nothing here assumes that this is its only database, or that nobody else runs
-- this script at the same time.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['milkbot_trader', 'milkbot_analytics', 'milkbot_public'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format(
                    'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted
                );
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made elsewhere a moment ago
            END;
        END IF;
    END LOOP;
END $$;

-- This database is entered by its three roles only, and only the trader makes anything new in it.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO milkbot_trader, milkbot_analytics, milkbot_public', current_database()
    );
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO milkbot_trader', current_database());
    -- A visitor's question that takes longer than this is a fault or an attack.
    EXECUTE format(
        'ALTER ROLE milkbot_public IN DATABASE %I SET statement_timeout = ''5s''', current_database()
    );
    EXECUTE format(
        'ALTER ROLE milkbot_public IN DATABASE %I SET default_transaction_read_only = on', current_database()
    );
    EXECUTE format(
        'ALTER ROLE milkbot_public IN DATABASE %I SET idle_in_transaction_session_timeout = ''10s''',
        current_database()
    );
END $$;

-- `public` holds what Django and Celery beat keep: logins, sessions, the schedule. Nobody else makes anything there.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO milkbot_trader;

-- Any role may call these, and they write.
REVOKE EXECUTE ON FUNCTION
    pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
FROM PUBLIC;

DO $$
DECLARE
    schema_name text;
    view_name text;
BEGIN
    -- The trader owns what `migrate` made as that role; where somebody else ran it, the trader may use it all the same.
    FOREACH schema_name IN ARRAY ARRAY['public', 'ops', 'analytics'] LOOP
        CONTINUE WHEN to_regnamespace(schema_name) IS NULL;
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO milkbot_trader', schema_name);
        EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO milkbot_trader', schema_name);
        EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO milkbot_trader', schema_name);
    END LOOP;

    IF to_regnamespace('ops') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA ops TO milkbot_analytics;
        GRANT SELECT ON ALL TABLES IN SCHEMA ops TO milkbot_analytics;
        ALTER DEFAULT PRIVILEGES FOR ROLE milkbot_trader IN SCHEMA ops GRANT SELECT ON TABLES TO milkbot_analytics;
    END IF;

    IF to_regnamespace('analytics') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA analytics TO milkbot_analytics, milkbot_public;
        GRANT ALL ON ALL TABLES IN SCHEMA analytics TO milkbot_analytics;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA analytics TO milkbot_analytics;
        ALTER DEFAULT PRIVILEGES FOR ROLE milkbot_trader IN SCHEMA analytics
            GRANT ALL ON TABLES TO milkbot_analytics;
        ALTER DEFAULT PRIVILEGES FOR ROLE milkbot_trader IN SCHEMA analytics
            GRANT ALL ON SEQUENCES TO milkbot_analytics;

        -- The world sees the views that are named for it, and no table. Views read with their owner's rights.
        REVOKE ALL ON ALL TABLES IN SCHEMA analytics FROM milkbot_public;
        FOR view_name IN
            SELECT viewname FROM pg_views
            WHERE schemaname = 'analytics' AND (viewname LIKE 'v\_public\_%' OR viewname = 'v_health_summary')
        LOOP
            EXECUTE format('GRANT SELECT ON analytics.%I TO milkbot_public', view_name);
        END LOOP;
    END IF;
END $$;
