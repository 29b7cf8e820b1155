from decimal import Decimal

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import billing.models.fields
import ledger.models
from ledger.append_only import PartitionByMonth


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("ledger", "0001_initial"),
        ("ratelimits", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "prefix",
                    models.CharField(editable=False, max_length=16, unique=True),
                ),
                ("hashed_key", models.CharField(editable=False, max_length=150)),
                ("name", models.CharField(max_length=100)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        default=list,
                        size=None,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
            },
        ),
        migrations.CreateModel(
            name="ContextBand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("model", models.CharField(max_length=200)),
                ("max_tokens", models.PositiveBigIntegerField()),
                (
                    "multiplier",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=6, max_digits=12
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("external_id", models.CharField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("email", models.EmailField(max_length=254)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "closed_until",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FundingRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("amount", ledger.models.SumField(decimal_places=18, max_digits=100)),
            ],
        ),
        migrations.CreateModel(
            name="IdempotencyClaim",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("occurred_at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("billing", "Billing"),
                            ("developer", "Developer"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=16,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("code", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "monthly_fee",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("prepaid", "Prepaid"),
                            ("postpaid", "Postpaid"),
                            ("hybrid", "Hybrid"),
                        ],
                        default="prepaid",
                        max_length=16,
                    ),
                ),
                (
                    "at_zero",
                    models.CharField(
                        choices=[
                            ("block", "Block"),
                            ("warn", "Warn"),
                            ("overage", "bill the overage"),
                        ],
                        default="block",
                        max_length=16,
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="QuarantinedEvent",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("idempotency_key", models.CharField(max_length=255)),
                ("event_name", models.CharField(max_length=100)),
                ("occurred_at", models.DateTimeField()),
                ("properties", billing.models.fields.ExactJSONField()),
                ("reason", models.CharField(max_length=64)),
                ("detail", models.TextField()),
                (
                    "resolved_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("model", models.CharField(max_length=200)),
                ("dimension", models.CharField(max_length=64)),
                ("unit", models.PositiveBigIntegerField()),
                ("unit_name", models.CharField(max_length=32)),
                (
                    "price",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=12, max_digits=24
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RateCard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("code", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RateCardVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("effective_from", models.DateTimeField(blank=True, null=True)),
                ("published_at", models.DateTimeField(editable=False, null=True)),
                (
                    "published_by",
                    models.CharField(blank=True, editable=False, max_length=200),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Stream",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("last_chunk_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("is_cut", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="StreamChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("sequence", models.PositiveIntegerField()),
                ("is_final", models.BooleanField()),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("event_name", models.CharField(max_length=100)),
                ("occurred_at", models.DateTimeField()),
                ("properties", billing.models.fields.ExactJSONField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("idempotency_key", models.CharField(max_length=255)),
                ("event_name", models.CharField(max_length=100)),
                ("model", models.CharField(max_length=200)),
                ("occurred_at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                ("properties", billing.models.fields.ExactJSONField()),
                (
                    "amount",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                (
                    "balance_after",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                ("period_start", models.DateTimeField()),
                ("first_entry", models.BigIntegerField(null=True)),
                ("last_entry", models.BigIntegerField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        PartitionByMonth("billing_usageevent", column="occurred_at"),
        migrations.CreateModel(
            name="UsageRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("day", models.DateField()),
                ("model", models.CharField(max_length=200)),
                ("calls", models.BigIntegerField()),
                ("quantity", ledger.models.SumField(decimal_places=18, max_digits=100)),
                ("amount", ledger.models.SumField(decimal_places=18, max_digits=100)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last login"
                    ),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={
                            "unique": "A user with that username already exists."
                        },
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[
                            django.contrib.auth.validators.UnicodeUsernameValidator()
                        ],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(
                        blank=True, max_length=150, verbose_name="first name"
                    ),
                ),
                (
                    "last_name",
                    models.CharField(
                        blank=True, max_length=150, verbose_name="last name"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, max_length=254, verbose_name="email address"
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("model", models.CharField(max_length=200)),
                ("dimension", models.CharField(max_length=64)),
                (
                    "quantity",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                ("unit", models.PositiveBigIntegerField()),
                ("unit_name", models.CharField(max_length=32)),
                (
                    "unit_price",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=12, max_digits=24
                    ),
                ),
                (
                    "multiplier",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=6, max_digits=12
                    ),
                ),
                (
                    "amount",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                ("period_start", models.DateTimeField()),
                ("occurred_at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "band",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.contextband",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        PartitionByMonth("billing_charge", column="occurred_at"),
        migrations.CreateModel(
            name="CreditPack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("code", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "price",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                (
                    "credits",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                (
                    "bonus_credits",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                ("validity_days", models.PositiveIntegerField(blank=True, null=True)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bonus_credits__gte", 0),
                            ("credits__gt", 0),
                            ("price__gt", 0),
                            ("price__lt", Decimal("10000000000000000000")),
                            ("credits__lt", Decimal("10000000000000000000")),
                            ("bonus_credits__lt", Decimal("10000000000000000000")),
                        ),
                        name="billing_creditpack_amounts_positive",
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="creditpack",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."price" IS DISTINCT FROM (NEW."price") OR OLD."credits" IS DISTINCT FROM (NEW."credits") OR OLD."bonus_credits" IS DISTINCT FROM (NEW."bonus_credits") OR OLD."validity_days" IS DISTINCT FROM (NEW."validity_days") OR OLD."currency" IS DISTINCT FROM (NEW."currency"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="aba262e9c93c06e76c8f8e12404188e1931ade30",
                    operation="UPDATE",
                    pgid="pgtrigger_terms_stay_26b02",
                    table="billing_creditpack",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="wallet",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, to="ledger.wallet"
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="customer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="customer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="fundingrollup",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="fundingrollup",
            name="lot",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.creditlot",
            ),
        ),
        migrations.AddField(
            model_name="idempotencyclaim",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.customer"
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="members",
            field=models.ManyToManyField(
                through="billing.Membership", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="rate_limit_policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                to="ratelimits.ratelimitpolicy",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="customers",
                to="billing.plan",
            ),
        ),
        migrations.AddField(
            model_name="quarantinedevent",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quarantined_events",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="rate",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.rate",
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="rate_card",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.ratecard"
            ),
        ),
        migrations.AddField(
            model_name="ratecardversion",
            name="rate_card",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="billing.ratecard",
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rates",
                to="billing.ratecardversion",
            ),
        ),
        migrations.AddField(
            model_name="contextband",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bands",
                to="billing.ratecardversion",
            ),
        ),
        migrations.AddField(
            model_name="stream",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="streamchunk",
            name="stream",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="chunks",
                to="billing.stream",
            ),
        ),
        migrations.AddField(
            model_name="usageevent",
            name="customer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="usageevent",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.ratecardversion",
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.usageevent",
            ),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="band",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.contextband",
            ),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="rate",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingrollup",
            constraint=models.UniqueConstraint(
                fields=("customer", "period_start", "lot"),
                name="billing_fundingrollup_one_per_period_and_lot",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotencyclaim",
            constraint=models.UniqueConstraint(
                fields=("customer", "key"),
                name="billing_idempotencyclaim_key_unique_per_customer",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="idempotencyclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="1f4e49bbda097957cbe950e508dc473b98bc83cf",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c1f85",
                    table="billing_idempotencyclaim",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("customer", "user"),
                name="billing_membership_one_per_customer_and_user",
            ),
        ),
        migrations.AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(("external_id__regex", "^[A-Za-z0-9_.:-]{1,64}$")),
                name="billing_customer_external_id_is_printable",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="customer",
            trigger=pgtrigger.compiler.Trigger(
                name="closed_periods_stay_closed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.closed_until < OLD.closed_until OR NEW.closed_until IS NULL AND OLD.closed_until IS NOT NULL)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="18388b9914fc659bd536abf6cebaa9475c9455ee",
                    operation="UPDATE",
                    pgid="pgtrigger_closed_periods_stay_closed_91543",
                    table="billing_customer",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="quarantinedevent",
            index=models.Index(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=["id"],
                name="billing_quarantine_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monthly_fee__gte", 0),
                    ("monthly_fee__lt", Decimal("10000000000000000000")),
                ),
                name="billing_plan_monthly_fee_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratecardversion",
            constraint=models.UniqueConstraint(
                fields=("rate_card", "number"),
                name="billing_ratecardversion_number_unique_per_card",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratecardversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("published_at__isnull", False)),
                fields=("rate_card", "effective_from"),
                name="billing_ratecardversion_one_published_per_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratecardversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("published_at__isnull", True),
                    ("effective_from__isnull", False),
                    _connector="OR",
                ),
                name="billing_ratecardversion_published_has_a_date",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ratecardversion",
            trigger=pgtrigger.compiler.Trigger(
                name="frozen_once_published",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.published_at IS NOT NULL)",
                    func="\n        RAISE EXCEPTION 'a published rate card version is frozen: % refused', TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="1560dae80ec8bedf1181fefd34b556c8ea547777",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_frozen_once_published_432f5",
                    table="billing_ratecardversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.UniqueConstraint(
                fields=("version", "model", "dimension"),
                name="billing_rate_one_per_model_and_dimension",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("price__gte", 0), ("price__lt", 1000000000000)),
                name="billing_rate_price_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit__gt", 0)), name="billing_rate_unit_positive"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rate",
            trigger=pgtrigger.compiler.Trigger(
                name="frozen_with_its_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE frozen boolean;",
                    func="\n        -- Both: a price may no more be moved into a published version than out of it.\n        SELECT bool_or(published_at IS NOT NULL) INTO frozen\n        FROM billing_ratecardversion WHERE id IN (OLD.version_id, NEW.version_id);\n        IF frozen THEN\n            RAISE EXCEPTION 'prices of a published version are frozen: % refused', TG_OP\n            USING ERRCODE = 'restrict_violation';\n        END IF;\n        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;\n    ",
                    hash="900cc38ffd58b8adcacb1862c4c3a250e06f03bf",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_frozen_with_its_version_62fcb",
                    table="billing_rate",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="contextband",
            constraint=models.UniqueConstraint(
                fields=("version", "model", "max_tokens"),
                name="billing_contextband_bound_unique_per_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="contextband",
            constraint=models.CheckConstraint(
                condition=models.Q(("multiplier__gt", 0), ("multiplier__lt", 1000000)),
                name="billing_contextband_multiplier_positive",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contextband",
            trigger=pgtrigger.compiler.Trigger(
                name="frozen_with_its_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE frozen boolean;",
                    func="\n        -- Both: a price may no more be moved into a published version than out of it.\n        SELECT bool_or(published_at IS NOT NULL) INTO frozen\n        FROM billing_ratecardversion WHERE id IN (OLD.version_id, NEW.version_id);\n        IF frozen THEN\n            RAISE EXCEPTION 'prices of a published version are frozen: % refused', TG_OP\n            USING ERRCODE = 'restrict_violation';\n        END IF;\n        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;\n    ",
                    hash="1e5937e69866c23881e47fbb6fcf2c3525653bf8",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_frozen_with_its_version_69774",
                    table="billing_contextband",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="stream",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["last_chunk_at"],
                name="billing_stream_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="stream",
            constraint=models.UniqueConstraint(
                fields=("customer", "key"), name="billing_stream_unique_per_customer"
            ),
        ),
        migrations.AddConstraint(
            model_name="stream",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True),
                    ("closed_at__gte", models.F("last_chunk_at")),
                    _connector="OR",
                ),
                name="billing_stream_closes_after_its_last_chunk",
            ),
        ),
        migrations.AddConstraint(
            model_name="streamchunk",
            constraint=models.UniqueConstraint(
                fields=("stream", "sequence"),
                name="billing_streamchunk_sequence_unique_per_stream",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="streamchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="fbd300a8a16659814a35ae7095361adf61427a97",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_7087c",
                    table="billing_streamchunk",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="usageevent",
            index=models.Index(
                fields=["customer", "occurred_at", "id"],
                name="billing_event_by_customer",
            ),
        ),
        migrations.AddConstraint(
            model_name="usageevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", 0), ("amount__lt", Decimal("10000000000000000000"))
                ),
                name="billing_usageevent_amount_not_negative",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usageevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="a6b1cceaee0fde64ff31adb6f12758730a9795e6",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fc4d3",
                    table="billing_usageevent",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                fields=[
                    "customer",
                    "rate",
                    "band",
                    "period_start",
                    "occurred_at",
                    "event",
                ],
                name="billing_charge_by_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", 0),
                    ("quantity__gte", 0),
                    ("amount__lt", Decimal("10000000000000000000")),
                    ("quantity__lt", Decimal("10000000000000000000")),
                ),
                name="billing_charge_amount_not_negative",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="charge",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="fa514c583538c82997bfc7d2b7a051c85944edbf",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2005e",
                    table="billing_charge",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="usagerollup",
            constraint=models.UniqueConstraint(
                fields=("customer", "period_start", "day", "model", "rate", "band"),
                name="billing_usagerollup_one_per_day_rate_and_band",
                nulls_distinct=False,
            ),
        ),
    ]
