import type { ServerSource } from './server-source.ts';

// The images of docker-compose.yml.
const postgresImage = 'postgres:17';
const natsImage = 'nats:2-alpine';
const startupTimeoutMs = 180_000;

/** Servers in containers, for machines where a Docker engine answers. The library is loaded only then: it is large. */
export async function containerServers(): Promise<ServerSource> {
  const { GenericContainer, Wait } = await import('testcontainers');
  return {
    async nats() {
      const config = 'port: 4222\njetstream { store_dir: "/tmp/jetstream", sync_interval: "60s" }\n';
      const container = await new GenericContainer(natsImage)
        .withCopyContentToContainer([{ content: config, target: '/tmp/nats.conf' }])
        .withCommand(['-c', '/tmp/nats.conf'])
        .withExposedPorts(4222)
        .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
        .withStartupTimeout(startupTimeoutMs)
        .start();
      return {
        url: `nats://${container.getHost()}:${container.getMappedPort(4222)}`,
        stop: async () => void (await container.stop()),
      };
    },
    async postgres() {
      const container = await new GenericContainer(postgresImage)
        .withEnvironment({ POSTGRES_PASSWORD: 'atelier' })
        .withCommand(['postgres', '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'max_connections=200'])
        .withExposedPorts(5432)
        // The image starts the server once to set it up and once for good.
        .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
        .withStartupTimeout(startupTimeoutMs)
        .start();
      return {
        url: `postgresql://postgres:atelier@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
        stop: async () => void (await container.stop()),
      };
    },
  };
}
