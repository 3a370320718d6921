import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { overrideOf } from './compose-project.ts';

const composeSchema = z.object({ services: z.record(z.string(), z.object({ image: z.string() })) });

test('every service of our own image gets the image of the trial run, so that none runs a person’s', () => {
  const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
  const { services } = composeSchema.parse(parse(compose, { merge: true }));
  const own = Object.entries(services).flatMap(([name, { image }]) => (image === 'atelier:local' ? [name] : []));
  const override = composeSchema.parse(
    parse(overrideOf('trial:local'), { customTags: [{ tag: '!reset', collection: 'seq' }] }),
  );
  expect(Object.keys(override.services).toSorted()).toEqual(own.toSorted());
  expect(new Set(Object.values(override.services).map(({ image }) => image))).toEqual(new Set(['trial:local']));
});
