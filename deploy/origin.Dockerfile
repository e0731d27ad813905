# The reference origin: docker build -f deploy/origin.Dockerfile -t igpt-origin . && docker run -p 9000:9000 -e ORIGIN_TOKEN=... igpt-origin
# Models: those of r2-assets are in the image; mount others with -v $PWD/models:/models and --models /models, or set ORIGIN_BUCKET_URL.
FROM node:24.21.0-trixie-slim
WORKDIR /app
ENV NODE_ENV=development
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY kernel ./kernel
RUN npm run build:kernel
COPY src ./src
COPY origin ./origin
COPY bundles ./bundles
COPY lib ./lib
COPY r2-assets ./r2-assets
USER node
EXPOSE 9000
# Without a token in the environment it refuses to listen on other than loopback, and says so.
ENTRYPOINT ["node", "--import", "tsx", "origin/main.ts", "--port", "9000", "--host", "0.0.0.0"]
