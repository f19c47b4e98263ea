# The producer's image, built from the repository's root:
#   docker build -f deploy/docker/producer.Dockerfile -t vl-producer:0.1.0 .
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0.401-noble
ARG DOTNET_IMAGE=mcr.microsoft.com/dotnet/runtime:10.0.12-noble
ARG BASE_IMAGE=debian:12.12-slim

FROM ${SDK_IMAGE} AS build
WORKDIR /work
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
COPY Directory.Build.props Directory.Packages.props global.json ./
COPY src/Contracts/Contracts.csproj src/Contracts/packages.lock.json src/Contracts/
COPY src/Producer/Producer.csproj src/Producer/packages.lock.json src/Producer/
RUN dotnet restore src/Producer --locked-mode
COPY src/Contracts src/Contracts
COPY src/Producer src/Producer
COPY src/Worker/Security/TlsFiles.cs src/Worker/Security/
COPY .editorconfig LICENSE NOTICE.md ./
RUN dotnet publish src/Producer -c Release --no-restore -o /out \
    && if [ -d /out/runtimes ]; then find /out/runtimes -mindepth 1 -maxdepth 1 ! -name linux ! -name linux-x64 ! -name unix -exec rm -r {} +; fi \
    && mkdir /own && mv /out/vl-producer* /out/VlWorker.* /own/ && cp LICENSE NOTICE.md /own/

FROM ${DOTNET_IMAGE} AS dotnet

FROM ${BASE_IMAGE} AS producer
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 libstdc++6 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vlworker \
    && install -d -o 10001 -g 10001 /var/lib/vlworker
COPY --from=dotnet /usr/share/dotnet /usr/share/dotnet
COPY --from=build /out /app
COPY --from=build /own /app
ENV DOTNET_ROOT=/usr/share/dotnet DOTNET_EnableDiagnostics=0
# Job files and results that are written to files.
WORKDIR /var/lib/vlworker
USER 10001:10001
VOLUME ["/var/lib/vlworker"]
STOPSIGNAL SIGTERM
# It runs a command and ends: there is no health to ask for.
HEALTHCHECK NONE
ENTRYPOINT ["/app/vl-producer"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="vl-producer" \
      org.opencontainers.image.description="Publishes requests to VlWorker and reads its results" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="docker.io/library/debian:12.12-slim" \
      vlworker.sbom.packages="/app/vl-producer.deps.json" \
      vlworker.sbom.notices="/app/NOTICE.md"
