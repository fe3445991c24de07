# Made from docker/Dockerfile.j2 and docker/stacks.yaml by `orchestrate render`; do not edit.
# Keras 3.15.1 with TensorFlow 2.21.0 (gpu)
# By hand, from the repository's root:
#   docker build -f docker/keras3-tensorflow/gpu.Dockerfile -t keras-orchestrate/keras3-tensorflow:0.1.0-gpu docker/

# debian:bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716

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
        ca-certificates python3.11 python3.11-venv; \
    rm -rf /var/lib/apt/lists/*
# The lock; for hosts behind a proxy that re-signs TLS, its CA; wheels that no index in reach has.
COPY requirements/keras3-tensorflow-gpu.txt ca-bundle.cr[t] wheels/*.wh[l] /build/
ARG PIP_INDEX_URL=
ARG PIP_EXTRA_INDEX_URL=
ARG PIP_FIND_LINKS=
ARG PIP_TRUSTED_HOST=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3.11 -m venv /opt/venv
RUN set -eu; \
    if [ -e /build/ca-bundle.crt ]; then export PIP_CERT=/build/ca-bundle.crt; fi; \
    /opt/venv/bin/pip install --find-links /build --no-deps --require-hashes -r /build/keras3-tensorflow-gpu.txt; \
    cd /opt/venv/lib/python3.11/site-packages; \
    rm nvidia/cusolver/lib/libcusolverMg.so.11 nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12 nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so.12.9
RUN /opt/venv/bin/pip list --format=freeze > /opt/venv/packages.txt
LABEL org.opencontainers.image.title="Keras 3.15.1 with TensorFlow 2.21.0 (gpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras3-tensorflow" \
    org.keras-orchestrate.device="gpu"

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
        python3.11; \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
RUN set -eu; \
    install -d -m 1777 /cache/cuda
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    USER=keras \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    CUDA_CACHE_MAXSIZE=4294967296 \
    CUDA_CACHE_PATH=/cache/cuda \
    TF_CPP_MIN_LOG_LEVEL=2 \
    TF_FORCE_GPU_ALLOW_GROWTH=true
LABEL org.opencontainers.image.title="Keras 3.15.1 with TensorFlow 2.21.0 (gpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras3-tensorflow" \
    org.keras-orchestrate.device="gpu"
USER 65534:65534
CMD ["python"]
