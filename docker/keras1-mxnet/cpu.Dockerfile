# Made from docker/Dockerfile.j2 and docker/stacks.yaml by `orchestrate render`; do not edit.
# Keras 1.2.2 with MXNet 0.11.0 (cpu)
# By hand, from the repository's root:
#   docker build -f docker/keras1-mxnet/cpu.Dockerfile -t keras-orchestrate/keras1-mxnet:0.1.0-cpu docker/

# debian:bullseye-slim
ARG BASE_IMAGE=debian:bullseye-slim@sha256:f313b4bd62667092a59b3a664d7d3ab8b5e65f41675f48e81455a15dc5abe792

FROM ${BASE_IMAGE} AS build
# Another Debian mirror, such as http://archive.debian.org/debian; its security archive is <mirror>-security.
ARG DEBIAN_MIRROR=
RUN set -eu; options=; \
    if [ -n "$DEBIAN_MIRROR" ]; then \
        find /etc/apt -name '*.list' -o -name '*.sources' | xargs sed -i \
            -e "s|http://deb.debian.org/debian|$DEBIAN_MIRROR|" \
            -e "s|http://security.debian.org/debian-security|$DEBIAN_MIRROR-security|"; \
        options="-o Acquire::Check-Valid-Until=false"; \
    fi; \
    apt-get $options update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates python2.7 python3-pip python3-virtualenv; \
    rm -rf /var/lib/apt/lists/*
# The lock; for hosts behind a proxy that re-signs TLS, its CA; wheels that no index in reach has.
COPY requirements/python2-tools.txt requirements/keras1-mxnet-cpu.txt ca-bundle.cr[t] wheels/*.wh[l] /build/
ARG PIP_INDEX_URL=
ARG PIP_EXTRA_INDEX_URL=
ARG PIP_FIND_LINKS=
ARG PIP_TRUSTED_HOST=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN set -eu; \
    if [ -e /build/ca-bundle.crt ]; then export PIP_CERT=/build/ca-bundle.crt; fi; \
    python3 -m pip download --no-deps --only-binary=:all: --python-version=2.7 --require-hashes \
        -d /build/tools -r /build/python2-tools.txt; \
    python3 -m virtualenv -p python2.7 --no-pip --no-setuptools --no-wheel /opt/venv; \
    PYTHONPATH=$(echo /build/tools/pip-*.whl) /opt/venv/bin/python -m pip install \
        --no-deps --no-index /build/tools/*.whl
RUN set -eu; \
    if [ -e /build/ca-bundle.crt ]; then export PIP_CERT=/build/ca-bundle.crt; fi; \
    /opt/venv/bin/pip install --find-links /build --no-deps --require-hashes -r /build/keras1-mxnet-cpu.txt
RUN /opt/venv/bin/pip list --format=freeze > /opt/venv/packages.txt
LABEL org.opencontainers.image.title="Keras 1.2.2 with MXNet 0.11.0 (cpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras1-mxnet" \
    org.keras-orchestrate.device="cpu"

FROM ${BASE_IMAGE}
ARG DEBIAN_MIRROR=
RUN set -eu; options=; \
    if [ -n "$DEBIAN_MIRROR" ]; then \
        find /etc/apt -name '*.list' -o -name '*.sources' | xargs sed -i \
            -e "s|http://deb.debian.org/debian|$DEBIAN_MIRROR|" \
            -e "s|http://security.debian.org/debian-security|$DEBIAN_MIRROR-security|"; \
        options="-o Acquire::Check-Valid-Until=false"; \
    fi; \
    apt-get $options update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libgomp1 python2.7; \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    USER=keras \
    PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="Keras 1.2.2 with MXNet 0.11.0 (cpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras1-mxnet" \
    org.keras-orchestrate.device="cpu"
USER 65534:65534
CMD ["python"]
