# The bundle and Node: nothing else. The bundle has no compiled part but WebAssembly and is the same for every platform;
# the pinned build tools exist for linux/amd64 and linux/arm64.
# The agent needs no root and no capability, and writes only to the state directory, so `--read-only` works:
#   docker run --read-only -v logs:/var/log/app:ro -v state:/var/lib/logagent \
#     -e LOGAGENT_PATHS='/var/log/app/*.log' -e KAFKA_BROKERS=kafka:9092 -e KAFKA_TOPIC=logs logagent
# test/unit/dockerfile.test.ts checks the rules for this file.

FROM node:26.10.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY scripts/build-kernel.ts scripts/build.ts scripts/
COPY src src
RUN node scripts/build-kernel.ts && node scripts/build.ts

FROM node:26.10.0-bookworm-slim
# the agent does not use the package managers, but an intruder could
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /opt/yarn* /usr/local/bin/yarn* \
  && install -d -o 10001 -g 10001 /var/lib/logagent
WORKDIR /app
COPY --from=build /build/dist dist
USER 10001:10001
STOPSIGNAL SIGTERM
# the flags of the bundle's first line: without them V8 and the C library would let the agent's garbage pile up
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=1", "--optimize-for-size", "--no-concurrent-recompilation", "--single-threaded-gc", \
  "--memory-reducer-delay-ms=60000", "--gc-memory-reducer-start-delay-ms=60000", \
  "--no-turbofan", "--heap-growing-percent=50", "/app/dist/logagent.mjs"]
CMD ["run"]
