import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';

/** As `node:http` takes it: what it gives is what the connection uses, so that nothing else can be reached in between. */
export type Lookup = (
  hostname: string,
  options: LookupOptions,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** Looks a name up and gives its addresses only if all of them may be reached. */
export function createCheckedLookup(mayReach: (address: string) => boolean): Lookup {
  return (hostname, options, done) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        done(error, []);
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => mayReach(address))) {
        done(new Error('the name leads to an address that is not of the public internet'), []);
        return;
      }
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}
