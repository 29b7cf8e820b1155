"""Let a lot pay only for what happened while it lasted, and expire only at its end.

The services choose the lots; this refuses what they would never do. It is a trigger of
its own, with the rights of who inserts: it reads, and moves nothing.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION ledger_lots_pay_in_their_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    pays_outside boolean;
    expires_early boolean;
BEGIN
    SELECT bool_or(entry.amount < 0 AND entry.kind IN ('usage', 'true_up', 'settlement')
            AND (entry.occurred_at < lot.starts_at
                OR entry.occurred_at >= lot.expires_at)),
        bool_or(entry.kind = 'expiry'
            AND (lot.expires_at IS NULL OR entry.occurred_at < lot.expires_at))
    INTO pays_outside, expires_early
    FROM new_entries AS entry JOIN ledger_creditlot AS lot ON lot.id = entry.lot_id;
    IF pays_outside THEN
        RAISE EXCEPTION 'a lot pays for what it does not cover'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_lot_covers_its_time';
    END IF;
    IF expires_early THEN
        RAISE EXCEPTION 'a lot expires before its end'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_expires_at_the_end';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER ledger_lots_pay_in_their_time AFTER INSERT ON ledger_entry
REFERENCING NEW TABLE AS new_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_lots_pay_in_their_time();
"""

DROP = """
DROP TRIGGER ledger_lots_pay_in_their_time ON ledger_entry;
DROP FUNCTION ledger_lots_pay_in_their_time();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_lot_reasons")]

    operations = [migrations.RunSQL(CREATE, DROP)]
