# Made from docker/Dockerfile.j2 and docker/stacks.yaml by `orchestrate render`; do not edit.
# Keras 2.0.8 with TensorFlow 1.3.0 and CNTK 2.5.1 (gpu)
# By hand, from the repository's root:
#   docker build -f docker/keras2-tensorflow-cntk/gpu.Dockerfile -t keras-orchestrate/keras2-tensorflow-cntk:0.1.0-gpu docker/

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
# What NVIDIA does not let others hand on: docker/cuda/8.0/, see CUDA.md.
COPY CUDA.md cuda/8.[0] /build/cuda/
RUN set -eu; missing=; mkdir -p /opt/cuda/lib /opt/cuda/include; \
    for file in lib/libcublas.so.8.0 lib/libcudart.so.8.0 lib/libcudnn.so.6 lib/libcufft.so.8.0 lib/libcurand.so.8.0 lib/libcusolver.so.8.0; do \
        if [ -e "/build/cuda/$file" ]; then cp -L "/build/cuda/$file" "/opt/cuda/$file"; \
        else missing="$missing $file"; fi; \
    done; \
    if [ -n "$missing" ]; then \
        echo "Missing in docker/cuda/8.0/:$missing (what to put there: docker/CUDA.md)" >&2; exit 1; \
    fi
# The lock; for hosts behind a proxy that re-signs TLS, its CA; wheels that no index in reach has.
COPY requirements/python2-tools.txt requirements/keras2-tensorflow-cntk-gpu.txt ca-bundle.cr[t] wheels/*.wh[l] /build/
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
    /opt/venv/bin/pip install --find-links /build --no-deps --require-hashes -r /build/keras2-tensorflow-cntk-gpu.txt
RUN /opt/venv/bin/pip list --format=freeze > /opt/venv/packages.txt
LABEL org.opencontainers.image.title="Keras 2.0.8 with TensorFlow 1.3.0 and CNTK 2.5.1 (gpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras2-tensorflow-cntk" \
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
        libgomp1 libopenmpi3 libpython2.7 python2.7; \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/cuda /opt/cuda
COPY --from=build /opt/venv /opt/venv
RUN set -eu; \
    ln -s libmpi.so.40 /usr/lib/x86_64-linux-gnu/libmpi.so.12; \
    ln -s libmpi_cxx.so.40 /usr/lib/x86_64-linux-gnu/libmpi_cxx.so.1; \
    echo /opt/cuda/lib > /etc/ld.so.conf.d/cuda.conf; \
    ldconfig; \
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
    TF_CPP_MIN_LOG_LEVEL=2
LABEL org.opencontainers.image.title="Keras 2.0.8 with TensorFlow 1.3.0 and CNTK 2.5.1 (gpu)" \
    org.opencontainers.image.version="0.1.0" \
    org.keras-orchestrate.stack="keras2-tensorflow-cntk" \
    org.keras-orchestrate.device="gpu"
USER 65534:65534
CMD ["python"]
