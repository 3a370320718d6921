import { createServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createDatabase } from './connect-database.ts';

/** AuthenticationOk and ReadyForQuery of the protocol, version 3. */
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

// An unheard rejection fails the test run, and would end a service.
it('fails the statement, and nothing else, when Postgres dies right after it took a connection', async () => {
  let said = '';
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(welcome);
      socket.once('data', (bytes) => {
        said += bytes.toString('latin1');
        socket.destroy();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `postgresql://postgres:secret@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`;
  const db = createDatabase({ url, poolSize: 1, applicationName: 'test', log: pino({ level: 'silent' }) });
  await expect(db.sql`select 1 as one`).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  expect(said).toContain('select 1 as one');
  await db.close();
  await new Promise((resolve) => server.close(resolve));
});
