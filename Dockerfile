# An image of tern: built with the Swift toolchain, run on Debian's slim image with the three
# libraries that it needs. `docker build -t tern .`; see docs/operations.md.
FROM swift:6.2-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libevent-dev libpcre2-dev libutf8proc-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build --configuration release --product tern --static-swift-stdlib \
    && install -D --strip .build/release/tern /out/tern

FROM debian:12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libevent-2.1-7 libevent-pthreads-2.1-7 libpcre2-8-0 libstdc++6 libutf8proc2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin tern
COPY --from=build /out/tern /usr/bin/tern
COPY Models/telemachus /models/telemachus
COPY LICENSE /usr/share/doc/tern/LICENSE
USER tern
EXPOSE 8000
# SIGTERM drains; give `docker stop --time` more than --shutdown-timeout.
STOPSIGNAL SIGTERM
# bash speaks TCP by itself, so that the image needs no client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["/usr/bin/tern"]
CMD ["serve", "/models/telemachus", "--host", "0.0.0.0"]
