"""What the database itself refuses to do to invoices, their lines and payments."""

import pgtrigger

# Whatever is final was a draft first, and was filled while it was one.
BEGIN_AS_DRAFT = pgtrigger.Trigger(
    name="begins_as_a_draft",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.status <> 'draft'"),
    func="""
        RAISE EXCEPTION 'an invoice begins as a draft: % refused', NEW.status
        USING ERRCODE = 'restrict_violation';
    """,
)
# Only the payment of an open invoice may still move, and once it is paid or void,
# nothing.
FREEZE_FINAL = pgtrigger.Trigger(
    name="frozen_once_final",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    condition=pgtrigger.Condition("OLD.status <> 'draft'"),
    declare=[("living", "text[] := '{}'")],
    func="""
        IF OLD.status = 'open' THEN
            living := ARRAY[
                'status', 'amount_paid', 'paid_at', 'voided_at', 'voided_by'
            ];
        END IF;
        IF TG_OP = 'DELETE' OR to_jsonb(OLD) - living <> to_jsonb(NEW) - living THEN
            RAISE EXCEPTION 'invoice % is final: % refused', OLD.number, TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    """,
)
# Both invoices of a row that is moved are locked, so that neither becomes final
# meanwhile; in id order, so that two moves cannot deadlock.
FREEZE_WITH_INVOICE = pgtrigger.Trigger(
    name="frozen_with_its_invoice",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
    declare=[("parent", "record")],
    func="""
        FOR parent IN
            SELECT status FROM invoices_invoice
            WHERE id IN (OLD.invoice_id, NEW.invoice_id) ORDER BY id FOR SHARE
        LOOP
            IF parent.status <> 'draft' THEN
                RAISE EXCEPTION 'lines of a final invoice are frozen: % refused', TG_OP
                USING ERRCODE = 'restrict_violation';
            END IF;
        END LOOP;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    """,
)
# What its provider says to have given back of it may grow, and fall when that fails.
KEEP_SUCCEEDED = pgtrigger.Trigger(
    name="kept_once_succeeded",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    condition=pgtrigger.Condition("OLD.status = 'succeeded'"),
    declare=[("living", "text[] := ARRAY['refunded_at_provider']")],
    func="""
        IF TG_OP = 'DELETE' OR to_jsonb(OLD) - living <> to_jsonb(NEW) - living THEN
            RAISE EXCEPTION 'payment % succeeded: % refused', OLD.reference, TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    """,
)
# The payment is locked, so that two refunds cannot both find room.
NEVER_ABOVE_PAID = pgtrigger.Trigger(
    name="never_above_what_was_paid",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    condition=pgtrigger.Condition(
        "NEW.status NOT IN ('requested', 'declined', 'failed')"
    ),
    declare=[("paid", "numeric"), ("refunded", "numeric")],
    func="""
        SELECT amount INTO paid FROM invoices_payment
            WHERE id = NEW.payment_id AND status = 'succeeded' FOR UPDATE;
        SELECT coalesce(sum(amount), 0) INTO refunded FROM invoices_refund
            WHERE payment_id = NEW.payment_id AND id <> NEW.id
            AND status NOT IN ('requested', 'declined', 'failed');
        IF paid IS NULL OR refunded + NEW.amount > paid THEN
            RAISE EXCEPTION 'refund of % is more than was paid and not refunded',
                NEW.amount
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'invoices_refund_never_above_what_was_paid';
        END IF;
        RETURN NEW;
    """,
)
# Money that went back may come back, as from a card that was canceled meanwhile.
KEEP_ENDED_REFUND = pgtrigger.Trigger(
    name="kept_once_ended",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    condition=pgtrigger.Condition("OLD.status IN ('succeeded', 'failed', 'declined')"),
    declare=[("living", "text[] := '{}'")],
    func="""
        IF OLD.status = 'succeeded' AND NEW.status = 'failed' THEN
            living := ARRAY['status', 'ended_at', 'failure', 'provider_reference'];
        END IF;
        IF TG_OP = 'DELETE' OR to_jsonb(OLD) - living <> to_jsonb(NEW) - living THEN
            RAISE EXCEPTION 'refund % has ended: % refused', OLD.id, TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    """,
)
NEVER_ABOVE_TOTAL = pgtrigger.Trigger(
    name="never_above_its_invoice",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("invoiced", "numeric"), ("credited", "numeric")],
    func="""
        SELECT total INTO invoiced FROM invoices_invoice
            WHERE id = NEW.invoice_id AND status <> 'draft' FOR UPDATE;
        SELECT coalesce(sum(total), 0) INTO credited FROM invoices_creditnote
            WHERE invoice_id = NEW.invoice_id;
        IF invoiced IS NULL OR credited + NEW.total > invoiced THEN
            RAISE EXCEPTION 'credit notes of % are more than the invoice', NEW.total
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'invoices_creditnote_never_above_its_invoice';
        END IF;
        RETURN NEW;
    """,
)
CANCEL_WHOLE = pgtrigger.Trigger(
    name="cancels_a_whole_credit_note",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.cancels_id IS NOT NULL"),
    func="""
        IF NOT EXISTS (
            SELECT FROM invoices_creditnote AS canceled
            JOIN invoices_refund AS refund ON refund.id = canceled.refund_id
            WHERE canceled.id = NEW.cancels_id
            AND canceled.invoice_id = NEW.invoice_id
            AND canceled.currency = NEW.currency AND canceled.total = -NEW.total
            AND refund.status = 'failed'
        ) THEN
            RAISE EXCEPTION 'credit note % does not take back another as a whole',
                NEW.number
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'invoices_creditnote_cancels_a_whole_credit_note';
        END IF;
        RETURN NEW;
    """,
)
# A provider's event is history, but for when it was acted on, which is said once.
HANDLED_ONCE = pgtrigger.Trigger(
    name="handled_once",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    declare=[("living", "text[] := ARRAY['handled_at']")],
    func="""
        IF TG_OP = 'DELETE' OR OLD.handled_at IS NOT NULL OR NEW.handled_at IS NULL
            OR to_jsonb(OLD) - living <> to_jsonb(NEW) - living
        THEN
            RAISE EXCEPTION 'event % is kept as it was told: % refused',
                OLD.event_id, TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    """,
)


def keep_terms(*columns: str) -> pgtrigger.Trigger:
    """Keep what a row of money was made for as it was, and the row itself, for ever."""
    before, after = (
        ", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW")
    )
    return pgtrigger.Trigger(
        name="made_for_good",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP = 'DELETE' OR ROW({before}) IS DISTINCT FROM ROW({after}) THEN
                RAISE EXCEPTION 'row % of % stays what it was made for: % refused',
                    OLD.id, TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        """,
    )
