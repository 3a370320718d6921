import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { standInStages } from './stand-in-images.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('there is a stand-in for every image of the compose file, the Dockerfile and the test harness, and no other', () => {
  const { services } = z
    .object({ services: z.record(z.string(), z.object({ image: z.string(), build: z.string().optional() })) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  const named = [
    ...Object.values(services).flatMap(({ image, build }) => (build === undefined ? [image] : [])),
    ...[...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image),
  ];
  const ofHarness = [...read('tests/support/container-servers.ts').matchAll(/Image = '([^']+)'/g)].map(
    ([, image]) => image,
  );
  expect(ofHarness).toHaveLength(2);
  expect(new Set([...named, ...ofHarness])).toEqual(new Set(Object.keys(standInStages)));
});

test('each stand-in is a stage of the Dockerfile that makes them', () => {
  const stages = [...read('scripts/verify-compose/stand-ins/Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)];
  expect(new Set(stages.map(([, name]) => name))).toEqual(new Set(Object.values(standInStages)));
});
