# The image of seq-exporter: a virtual environment in /opt/seq-exporter, based on Python's slim image.
#
#     docker build --tag seq-exporter .
#
# A release pins the base by its digest: --build-arg BASE=docker.io/library/python@sha256:...
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS environment
WORKDIR /src
COPY *.lock ./
# Install only what the two locks name, each file by its hash: a replaced package is refused. Only
# wheels: to build a package from source, pip would fetch build tools that no lock names. The base's
# pip fills both environments: they have none, so nothing in the image can install packages.
# `--secret id=pip.conf,src=...` passes the address of your own package index.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv --without-pip /build \
    && python3 -m venv --without-pip /opt/seq-exporter \
    && python3 -m pip --python /build/bin/python3 install --no-cache-dir --no-deps \
        --require-hashes --only-binary=:all: --requirement build.lock \
    && python3 -m pip --python /opt/seq-exporter/bin/python3 install --no-cache-dir --no-deps \
        --require-hashes --only-binary=:all: --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY seq_exporter seq_exporter
# Without isolation, the build uses the setuptools of build.lock: isolated, pip would fetch the newest
# one without a hash.
RUN python3 -m pip --python /build/bin/python3 wheel --no-cache-dir --no-deps --no-index \
        --no-build-isolation --wheel-dir /wheels . \
    && python3 -m pip --python /opt/seq-exporter/bin/python3 install \
        --no-cache-dir --no-index --no-deps /wheels/*.whl \
    && install --directory --owner=65532 --group=65532 /var/lib/seq-exporter

FROM ${BASE}
ARG BASE
ARG VERSION=0.1.0
ARG REVISION
LABEL org.opencontainers.image.title="seq-exporter" \
      org.opencontainers.image.description="Prometheus exporter for SendGrid Engagement Quality (SEQ) scores" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=environment /opt/seq-exporter /opt/seq-exporter
COPY --from=environment --chown=65532:65532 /var/lib/seq-exporter /var/lib/seq-exporter
# The image already contains the bytecode, and its file system may be read-only.
ENV PATH=/opt/seq-exporter/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    SEQ_EXPORTER_CONFIG_FILE=/etc/seq-exporter/config.yaml
# A number, because Kubernetes cannot check that a user name is not root.
USER 65532:65532
WORKDIR /var/lib/seq-exporter
EXPOSE 10737
# No shell, so signals reach the process, and SIGTERM stops it within a second.
ENTRYPOINT ["/opt/seq-exporter/bin/seq-exporter"]
CMD ["serve"]
