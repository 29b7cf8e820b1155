# One image for web, worker, beat and the migrations: compose.yaml says which it is.
FROM python:3.11-slim AS libraries

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock .
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock


FROM python:3.11-slim

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production
# A fixed number, so that a cluster can check that it is not root.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tollgate
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /opt/tollgate
COPY . .
# The settings refuse to start without addresses; collecting files uses none of them.
RUN SECRET_KEY=unused ALLOWED_HOSTS=unused EMAIL_URL=consolemail:// \
    DATABASE_URL=postgresql://unused/unused REDIS_URL=redis://unused \
    PAYMENT_PROVIDER=unused \
    python manage.py collectstatic --no-input

USER tollgate
EXPOSE 8000
# The number of processes and of their threads: GRANIAN_WORKERS, GRANIAN_BLOCKING_THREADS.
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--no-ws", "--respawn-failed-workers", "config.wsgi:application"]
