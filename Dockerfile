# The image that `tangent-lab experiment NAME --submit` names: docker build --tag tangent-lab:0.1.0 .
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production
COPY --from=build /app /app
RUN chmod +x /app/dist/src/cli/tangent-lab.js && ln -s /app/dist/src/cli/tangent-lab.js /usr/local/bin/tangent-lab
# The image's user `node`, by number, so that a cluster sees that it is not root.
USER 1000
WORKDIR /study
ENTRYPOINT []
CMD ["tangent-lab", "--help"]
