"""Make inserting entries the one way to move a balance.

The function runs with the rights of the tables' owner: the application's role may
insert entries, but has no right to write a balance, a sequence or a remainder itself.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION ledger_advance_wallets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moved bigint;
BEGIN
    -- On a table of its own making, a caller could feed this any rows.
    IF TG_TABLE_SCHEMA <> 'public' OR TG_TABLE_NAME <> 'ledger_entry' THEN
        RAISE EXCEPTION 'only ledger_entry moves balances'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- The entries of a wallet must follow its last one without a gap, and each of them
    -- must say the balance that it leads to.
    UPDATE ledger_wallet AS wallet
    SET balance = wallet.balance + added.amount,
        sequence = added.last_sequence,
        digest = added.last_digest
    FROM (
        SELECT wallet_id,
            min(sequence - place) AS least_before,
            max(sequence - place) AS most_before,
            min(balance_after - moved_so_far) AS least_balance,
            max(balance_after - moved_so_far) AS most_balance,
            max(sequence) AS last_sequence,
            sum(amount) AS amount,
            (array_agg(digest ORDER BY sequence DESC))[1] AS last_digest
        FROM (
            SELECT *, row_number() OVER numbered AS place,
                sum(amount) OVER numbered AS moved_so_far
            FROM new_entries
            WINDOW numbered AS (PARTITION BY wallet_id ORDER BY sequence ROWS
                BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        ) AS entry GROUP BY wallet_id
    ) AS added
    WHERE wallet.id = added.wallet_id
        AND added.least_before = wallet.sequence
        AND added.most_before = wallet.sequence
        AND added.least_balance = wallet.balance
        AND added.most_balance = wallet.balance;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> (SELECT count(DISTINCT wallet_id) FROM new_entries) THEN
        RAISE EXCEPTION 'entries do not continue their wallet'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_continues_wallet';
    END IF;

    UPDATE ledger_creditlot AS lot
    SET remaining = lot.remaining + added.amount,
        expired_at = CASE WHEN added.expires THEN now() ELSE lot.expired_at END
    FROM (
        SELECT wallet_id, lot_id,
            sum(amount) AS amount,
            bool_or(kind = 'expiry') AS expires
        FROM new_entries WHERE lot_id IS NOT NULL GROUP BY wallet_id, lot_id
    ) AS added
    WHERE lot.id = added.lot_id AND lot.wallet_id = added.wallet_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> (
        SELECT count(DISTINCT lot_id) FROM new_entries WHERE lot_id IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'entries name a lot of another wallet'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_lot_is_the_wallets';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER ledger_advance_wallets AFTER INSERT ON ledger_entry
REFERENCING NEW TABLE AS new_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_advance_wallets();

REVOKE EXECUTE ON FUNCTION ledger_advance_wallets() FROM PUBLIC;
"""

DROP = """
DROP TRIGGER ledger_advance_wallets ON ledger_entry;
DROP FUNCTION ledger_advance_wallets();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
