# callmon's image: the program and what it needs, nothing to build with, no root.
#
#     docker build -t callmon .
#     docker build -t callmon --build-context wheels=dist/wheels .      from the wheels of `make archive`, no registry asked
#
# Configuration in /etc/callmon/callmon.toml (listen = "0.0.0.0:10469", url = "sqlite:////var/lib/callmon/callmon.db"),
# what it keeps in /var/lib/callmon.

# Empty, unless --build-context puts something in its place.
FROM scratch AS wheels

FROM python:3.13.9-slim-trixie AS builder
# requirements-extras.txt: with OpenID Connect, FreePBX's database, Parquet, and PDF (for which Pango is to be added).
ARG REQUIREMENTS=requirements.txt
WORKDIR /build
COPY requirements.txt .ci/requirements-*.txt ./
RUN --mount=type=bind,from=wheels,target=/wheels \
    if [ -d /wheels/build ]; then export PIP_NO_INDEX=1 PIP_FIND_LINKS="/wheels/3.13 /wheels/build"; fi \
    && for purpose in "callmon:${REQUIREMENTS}" build:requirements-build.txt; do \
        python -m venv "/opt/${purpose%%:*}" \
        && "/opt/${purpose%%:*}/bin/python" -m pip install --no-cache-dir --disable-pip-version-check \
            --require-hashes -r "${purpose#*:}" || exit 1; \
    done
COPY pyproject.toml README.md LICENSE ./
COPY callmon callmon
COPY docs/man docs/man
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation -w own . \
    && /opt/callmon/bin/python -m pip install --no-cache-dir --no-deps --no-index own/*.whl \
    && /opt/callmon/bin/python -m pip uninstall --yes --quiet pip

FROM python:3.13.9-slim-trixie
RUN useradd --system --uid 10001 --home-dir /var/lib/callmon --shell /usr/sbin/nologin callmon \
    && install -d -o callmon -g callmon -m 0700 /var/lib/callmon
COPY --from=builder /opt/callmon /opt/callmon
ENV PATH=/opt/callmon/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/callmon
VOLUME /var/lib/callmon
EXPOSE 10469
# It reads web.listen and web.config_file, so TLS and passwords are no fault.
HEALTHCHECK --interval=10s --timeout=8s --start-period=30s \
    CMD ["callmon", "status", "--alive", "--config", "/etc/callmon/callmon.toml"]
ENTRYPOINT ["callmon"]
CMD ["run", "--config", "/etc/callmon/callmon.toml"]
