"""Let the application ask for the partitions of a month, though it owns no table.

The function runs with the owner's rights and can do nothing else with them.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION create_month_partitions(month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', month);
    next_first_day date := first_day + interval '1 month';
    parent record;
    is_taken boolean;
    made integer := 0;
BEGIN
    -- Two callers at once would both find a partition missing.
    PERFORM pg_advisory_xact_lock(hashtext('create_month_partitions'));
    FOR parent IN
        SELECT class.relname AS name, attribute.attname AS key
        FROM pg_partitioned_table AS partitioned
        JOIN pg_class AS class ON class.oid = partitioned.partrelid
        JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
            AND attribute.attnum = partitioned.partattrs[0]
        WHERE class.relnamespace = 'public'::regnamespace
        ORDER BY class.relname
    LOOP
        CONTINUE WHEN to_regclass(
            format('%I', parent.name || to_char(first_day, '_YYYY_MM'))) IS NOT NULL;
        -- Rows that fell into the default partition keep their month out of reach.
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I WHERE %I >= %L AND %I < %L)',
            parent.name || '_default', parent.key, first_day, parent.key, next_first_day
        ) INTO is_taken;
        IF is_taken THEN
            RAISE WARNING '% has rows of % in its default partition',
                parent.name, to_char(first_day, 'YYYY-MM');
            CONTINUE;
        END IF;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            parent.name || to_char(first_day, '_YYYY_MM'), parent.name,
            first_day || ' 00:00+00', next_first_day || ' 00:00+00'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
-- `grant_privileges` lets the application call it.
REVOKE EXECUTE ON FUNCTION create_month_partitions(date) FROM PUBLIC;
"""

DROP = "DROP FUNCTION create_month_partitions(date);"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_entries_advance_wallets")]

    operations = [migrations.RunSQL(CREATE, DROP)]
