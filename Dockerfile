# One image for every service: SERVICE chooses which one runs. Node runs the sources; there is no build step.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/shared/package.json packages/shared/
COPY packages/comfyui/package.json packages/comfyui/
COPY packages/comfyui-sim/package.json packages/comfyui-sim/
COPY packages/queue/package.json packages/queue/
COPY services/bot/package.json services/bot/
COPY services/agent/package.json services/agent/
COPY services/comfy-worker/package.json services/comfy-worker/
COPY services/gateway/package.json services/gateway/
# Neither tests nor the launcher, whose embedded servers have no place here; nor a second Node.
RUN npm pkg delete optionalDependencies \
  && npm pkg set 'workspaces[0]=packages/shared' 'workspaces[1]=packages/comfyui' 'workspaces[2]=packages/comfyui-sim' \
    'workspaces[3]=packages/queue' 'workspaces[4]=services/bot' 'workspaces[5]=services/agent' \
    'workspaces[6]=services/comfy-worker' 'workspaces[7]=services/gateway' \
  && npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json tsconfig.json ./
COPY packages/shared packages/shared
COPY packages/comfyui packages/comfyui
COPY packages/comfyui-sim packages/comfyui-sim
COPY packages/queue packages/queue
COPY services services
RUN mkdir -p /data/assets && chown -R node:node /data
USER node
ENV ATELIER_HOME=/data ATELIER_ASSETS_DIR=/data/assets SERVICE=bot
VOLUME /data
# exec: the service itself gets SIGTERM and drains.
# The flags are those of packages/launcher/src/child/node-flags.ts.
CMD ["sh", "-c", "exec node --optimize-for-size --max-semi-space-size=4 services/$SERVICE/src/main.ts"]
