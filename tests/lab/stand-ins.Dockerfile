# Where no registry can be reached: Debian's packages under the names, paths and users of the images that
# docker-compose.yml pulls. `base` is the lab's Debian sid (every server is in it), `trixie` the engine's own Debian.
FROM callmon-lab/sid AS base

FROM callmon-lab/trixie AS python
RUN ln -s /usr/bin/python3 /usr/local/bin/python

FROM base AS postgres
RUN usermod --non-unique --uid 999 postgres && groupmod --non-unique --gid 999 postgres \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data /docker-entrypoint-initdb.d \
    && ln -sf /usr/lib/postgresql/*/bin/* /usr/local/bin/
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]

FROM base AS mosquitto
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto-clients \
    && usermod --uid 1883 mosquitto && groupmod --gid 1883 mosquitto \
    && install -d -o mosquitto -g mosquitto /mosquitto/config /mosquitto/data /mosquitto/log
VOLUME /mosquitto/data /mosquitto/log

FROM base AS prometheus
RUN install -d -o nobody -g nogroup /prometheus
ENTRYPOINT ["prometheus"]

FROM base AS alertmanager
RUN install -d -o nobody -g nogroup /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
