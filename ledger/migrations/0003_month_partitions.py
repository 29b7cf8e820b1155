"""Let the application ask for the partition of a month, though it owns no table.

The function runs with the owner's rights and can do nothing else with them.
"""

from django.db import migrations

# Its lock keeps every writer of the table waiting: so it is one table at a time, which
# cannot deadlock with a batch, and it gives up after two seconds behind a long reader.
CREATE = """
CREATE FUNCTION create_month_partition(parent regclass, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    first_day date := date_trunc('month', month);
    next_first_day date := first_day + interval '1 month';
    name text;
    key text;
    is_taken boolean;
BEGIN
    SELECT class.relname, attribute.attname INTO STRICT name, key
    FROM pg_partitioned_table AS partitioned
    JOIN pg_class AS class ON class.oid = partitioned.partrelid
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
        AND attribute.attnum = partitioned.partattrs[0]
    WHERE class.oid = parent AND class.relnamespace = 'public'::regnamespace;
    -- Two callers at once would both find the partition missing.
    PERFORM pg_advisory_xact_lock(hashtext('create_month_partition'));
    IF to_regclass(format('%I', name || to_char(first_day, '_YYYY_MM'))) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Rows that fell into the default partition keep their month out of reach.
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %I WHERE %I >= %L AND %I < %L)',
        name || '_default', key, first_day, key, next_first_day
    ) INTO is_taken;
    IF is_taken THEN
        RAISE WARNING '% has rows of % in its default partition',
            name, to_char(first_day, 'YYYY-MM');
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        name || to_char(first_day, '_YYYY_MM'), name,
        first_day || ' 00:00+00', next_first_day || ' 00:00+00'
    );
    RETURN true;
END
$$;

-- `grant_privileges` lets the application call it.
REVOKE EXECUTE ON FUNCTION create_month_partition(regclass, date) FROM PUBLIC;
"""

DROP = "DROP FUNCTION create_month_partition(regclass, date);"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_entries_advance_wallets")]

    operations = [migrations.RunSQL(CREATE, DROP)]
