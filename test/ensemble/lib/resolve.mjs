// Loaded into a server before anything else. All servers of an ensemble must have the same server
// lines, so a proxy between two of them can't be written there: instead each server finds another
// address behind the same name, the address of the proxy on its own way to that host.
import dns from 'node:dns';

const addresses = new Map(Object.entries(JSON.parse(process.env.QUOLL_TEST_HOSTS)));
const lookup = dns.lookup;

dns.lookup = (host, ...rest) => lookup(addresses.get(host) ?? host, ...rest);
