# The worker's images, built from the repository's root:
#   docker build -f deploy/docker/worker.Dockerfile --target cpu -t vl-worker:0.1.0-cpu .
#   docker build -f deploy/docker/worker.Dockerfile --target gpu -t vl-worker:0.1.0-gpu .
# Layers go from what changes seldom to what changes often: system, .NET, packages, models, the worker's own assemblies.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0.401-noble
ARG DOTNET_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0.12-noble
ARG CPU_IMAGE=debian:12.12-slim
ARG GPU_IMAGE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04

FROM ${SDK_IMAGE} AS projects
WORKDIR /work
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
COPY Directory.Build.props Directory.Packages.props global.json ./
COPY src/Contracts/Contracts.csproj src/Contracts/packages.lock.json src/Contracts/
COPY src/ModelKit/ModelKit.csproj src/ModelKit/packages.lock.json src/ModelKit/
COPY src/Worker/Worker.csproj src/Worker/packages.lock.json src/Worker/

# A restore is repeated only when a project or a lock file changes.
FROM projects AS build-cpu
RUN dotnet restore src/Worker --locked-mode
COPY src/Contracts src/Contracts
COPY src/ModelKit src/ModelKit
COPY src/Worker src/Worker
COPY docs/openapi.json docs/
COPY .editorconfig LICENSE NOTICE.md ./
RUN dotnet publish src/Worker -c Release --no-restore -o /out \
    && find /out/runtimes -mindepth 1 -maxdepth 1 ! -name linux ! -name linux-x64 ! -name unix -exec rm -r {} + \
    && mkdir /own && mv /out/vl-worker* /out/VlWorker.* /out/appsettings.json /own/ && cp LICENSE NOTICE.md /own/

# The package of ONNX Runtime for GPUs has a lock file of its own, written here (docs/gpu.md).
FROM projects AS build-gpu
RUN dotnet restore src/Worker -p:Gpu=true
COPY src/Contracts src/Contracts
COPY src/ModelKit src/ModelKit
COPY src/Worker src/Worker
COPY docs/openapi.json docs/
COPY .editorconfig LICENSE NOTICE.md ./
RUN dotnet publish src/Worker -c Release --no-restore -p:Gpu=true -o /out \
    && find /out/runtimes -mindepth 1 -maxdepth 1 ! -name linux ! -name linux-x64 ! -name unix -exec rm -r {} + \
    && mkdir /own && mv /out/vl-worker* /out/VlWorker.* /out/appsettings.json /own/ && cp LICENSE NOTICE.md /own/

FROM ${DOTNET_IMAGE} AS dotnet

FROM ${CPU_IMAGE} AS cpu
# libturbojpeg0: Decoding:TurboJpeg halves the time of JPEGs.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 libstdc++6 libturbojpeg0 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vlworker \
    && install -d -o 10001 -g 10001 /var/cache/vlworker /var/lib/vlworker
COPY --from=dotnet /usr/share/dotnet /usr/share/dotnet
COPY --from=build-cpu /out /app
COPY models /app/models
COPY deploy/docker/healthcheck.sh /app/healthcheck.sh
COPY --from=build-cpu /own /app
ENV DOTNET_ROOT=/usr/share/dotnet DOTNET_EnableDiagnostics=0 Inference__ModelCache=/var/cache/vlworker Journal__Folder=/var/lib/vlworker
WORKDIR /app
USER 10001:10001
EXPOSE 8080
VOLUME ["/var/cache/vlworker", "/var/lib/vlworker"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["/app/healthcheck.sh"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/vl-worker"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="vl-worker (CPU)" \
      org.opencontainers.image.description="Takes image references from RabbitMQ, publishes captions and embeddings" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="docker.io/library/debian:12.12-slim" \
      vlworker.sbom.packages="/app/vl-worker.deps.json" \
      vlworker.sbom.notices="/app/NOTICE.md"

FROM ${GPU_IMAGE} AS gpu
# Ubuntu's libturbojpeg is Debian's libturbojpeg0. CUDA's and cuDNN's libraries are the base image's; the driver is the host's.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3t64 libstdc++6 libturbojpeg zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vlworker \
    && install -d -o 10001 -g 10001 /var/cache/vlworker /var/lib/vlworker
COPY --from=dotnet /usr/share/dotnet /usr/share/dotnet
COPY --from=build-gpu /out /app
COPY models /app/models
COPY deploy/docker/healthcheck.sh /app/healthcheck.sh
COPY --from=build-gpu /own /app
ENV DOTNET_ROOT=/usr/share/dotnet DOTNET_EnableDiagnostics=0 Inference__ModelCache=/var/cache/vlworker Journal__Folder=/var/lib/vlworker \
    Inference__Devices__0__Name=cuda:0 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /app
USER 10001:10001
EXPOSE 8080
VOLUME ["/var/cache/vlworker", "/var/lib/vlworker"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=3 CMD ["/app/healthcheck.sh"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/vl-worker"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="vl-worker (GPU)" \
      org.opencontainers.image.description="Takes image references from RabbitMQ, publishes captions and embeddings" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="docker.io/nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04" \
      vlworker.sbom.packages="/app/vl-worker.deps.json" \
      vlworker.sbom.notices="/app/NOTICE.md"
