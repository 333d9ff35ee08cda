# The server as an image: nothing but Python and the package, no shell needed, no write to its root file system.
#   docker build -t greenlake-backup-mcp .
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/server
COPY pyproject.toml README.md ./
COPY server ./server
RUN /opt/server/bin/pip install --no-cache-dir --disable-pip-version-check ".[redis,otel]" \
 && /opt/server/bin/python -m compileall -q /opt/server/lib

FROM python:3.12-slim
COPY --from=build /opt/server /opt/server
ENV PATH=/opt/server/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GREENLAKE_MCP_HTTP=0.0.0.0:8080 \
    GREENLAKE_MCP_LOG_LEVEL=info \
    GREENLAKE_MCP_LOG_JSON=true
# Volumes mounted here begin with this owner (GREENLAKE_MCP_AUDIT_LOG=/audit/<replica>.jsonl, GREENLAKE_MCP_CATALOG=/catalog).
RUN mkdir /audit /catalog && chown 10001:10001 /audit /catalog && chmod 700 /audit /catalog
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["greenlake-backup-mcp"]
CMD ["serve"]
