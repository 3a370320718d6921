// Adds to package-lock.json the optional packages for other platforms that npm left out of it.
// npm drops an optional package that its registry did not serve while the lock was made, and `npm ci` then refuses the lock.
// Run it after every npm install that changed the lock: node scripts/complete-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const systems = ['linux', 'darwin', 'win32', 'freebsd', 'openharmony', 'android'];
const processors = {
  x64: 'x64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};
const libraries = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** Reads system, processor and C library out of a name such as `@oxlint/binding-linux-arm-musleabihf`; undefined for other names. */
function platformOf(packageName) {
  const words = packageName.slice(packageName.lastIndexOf('/') + 1).split('-');
  const os = words.find((word) => systems.includes(word));
  const cpu = words.map((word) => processors[word]).find((word) => word !== undefined);
  if (os === undefined || cpu === undefined) return undefined;
  const libc = os === 'linux' ? words.map((word) => libraries[word]).find((word) => word !== undefined) : undefined;
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

/** The lock with an entry for each optional platform package of an exact version that it lacks, and the names added. */
function completeLock(lock) {
  const added = {};
  for (const entry of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      const platform = platformOf(name);
      if (lock.packages[path] !== undefined || platform === undefined || !/^\d+\.\d+\.\d+[\w.-]*$/.test(version))
        continue;
      // npm's own order of keys, so that its next run changes nothing.
      const { os, cpu, libc } = platform;
      const dev = entry.dev === true ? { dev: true } : {};
      added[path] = {
        version,
        cpu,
        ...dev,
        ...(libc === undefined ? {} : { libc }),
        license: entry.license,
        optional: true,
        os,
      };
    }
  }
  const packages = Object.fromEntries(
    Object.entries({ ...lock.packages, ...added }).sort(([left], [right]) => left.localeCompare(right, 'en')),
  );
  return { lock: { ...lock, packages }, added: Object.keys(added) };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const file = resolve(process.argv[2] ?? 'package-lock.json');
  const { lock, added } = completeLock(JSON.parse(readFileSync(file, 'utf8')));
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${added.length} platform packages added to ${file}\n`);
}
