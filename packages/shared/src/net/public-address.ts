import { BlockList, isIP } from 'node:net';

/** Addresses that are not of the public internet (IANA special-purpose registries, 2025). */
const ranges4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Only 2000::/3 is given out; within it these are not public, or lead to an IPv4 address that nobody checked. */
const ranges6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

/** Tells public addresses from those of this machine and of private networks. */
export function createAddressCheck(): (address: string) => boolean {
  const blocked = new BlockList();
  for (const [network, prefix] of ranges4) blocked.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of ranges6) blocked.addSubnet(network, prefix, 'ipv6');
  const given = new BlockList();
  given.addSubnet('2000::', 3, 'ipv6');
  return (address) => {
    const version = isIP(address);
    if (version === 4) return !blocked.check(address, 'ipv4');
    // Also refuses IPv4 addresses in IPv6 clothes: they are outside 2000::/3.
    if (version === 6) return given.check(address, 'ipv6') && !blocked.check(address, 'ipv6');
    return false;
  };
}
