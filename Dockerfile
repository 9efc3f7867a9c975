# Chancery in a container: one image, for a SQLite file in /data or for a PostgreSQL named by CHANCERY_DATABASE.
#
#   docker build -t chancery .
#   docker run --rm -p 127.0.0.1:8000:8000 -v chancery-data:/data chancery
#
# No container engine was at hand where this file was written: it is linted, and its start script and its layout are
# tested outside a container, but the image itself has not been built by its authors.

FROM python:3.11-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

# Only wheels, so the image needs no compiler. The bundled SQLite has none for ARM: build there with
# `--platform linux/amd64`, as compose.yaml does.
COPY requirements.txt /build/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /build/requirements.txt

WORKDIR /srv/chancery
COPY LICENSE THIRD_PARTY.md ./
COPY app app
COPY migrations migrations
COPY seed seed
COPY scripts/link.py scripts/
COPY deploy/start.sh deploy/wait_for_database.py deploy/
# Compiled here, since the served image can write nothing.
RUN /opt/venv/bin/python scripts/link.py \
 && /opt/venv/bin/python -m compileall -q app migrations


FROM python:3.11-slim

LABEL org.opencontainers.image.title="Chancery" \
      org.opencontainers.image.description="A knowledge base of policy events with a citation behind every fact" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/chancery /srv/chancery
# A number, not a name: Kubernetes can then see that it is not root.
RUN install --directory --owner=10001 --group=10001 --mode=0750 /data

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHANCERY_DATA=/data \
    CHANCERY_HOST=0.0.0.0 \
    CHANCERY_PORT=8000 \
    CHANCERY_LOG=json

WORKDIR /srv/chancery
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
# Liveness only. Whether the database is there is /readyz: restarting this container does not bring a database back.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"CHANCERY_PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["/srv/chancery/deploy/start.sh"]
