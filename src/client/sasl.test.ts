import { describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { DigestMd5, digestMd5, parseDirectives } from './sasl.ts';

const text = (token: Uint8Array | string): string =>
  typeof token === 'string' ? token : utf8Decode(token, 0, token.length);

const CHALLENGE = 'realm="zk-sasl-md5",nonce="abc\\"d",charset=utf-8,algorithm=md5-sess';

describe('DIGEST-MD5', () => {
  // Computed by Python's hashlib after RFC 2831, with the authzid as ZooKeeper's server wants it.
  it('answers as the RFC says', () => {
    const exchange = new DigestMd5({ user: 'bob', password: 'pw' }, 'c0ffee');
    expect(exchange.start()).toEqual(new Uint8Array(0));
    const token = text(exchange.step(utf8Encode('realm="zk-sasl-md5",nonce="OA6MG9tEQGm2hh"')));
    expect(token).toBe(
      'charset=utf-8,username="bob",realm="zk-sasl-md5",nonce="OA6MG9tEQGm2hh",nc=00000001,' +
        'cnonce="c0ffee",digest-uri="zookeeper/zk-sasl-md5",maxbuf=65536,' +
        'response=d048098d94381c7407fe45e5bd8cdb9d,qop=auth,authzid="bob"',
    );
    expect(exchange.step(utf8Encode('rspauth=f13212b2ea9adfd6a7f91b0961057733'))).toBe('proved');
    expect(exchange.step(utf8Encode('rspauth=00000000000000000000000000000000'))).toBe('refused');
  });

  it('reads what stands in quotes', () => {
    expect([...parseDirectives(CHALLENGE)]).toEqual([
      ['realm', 'zk-sasl-md5'],
      ['nonce', 'abc"d'],
      ['charset', 'utf-8'],
      ['algorithm', 'md5-sess'],
    ]);
  });

  it('takes another nonce for each connection', () => {
    const mechanism = digestMd5({ user: 'bob', password: 'pw' });
    const tokens = [mechanism(), mechanism()].map((one) => text(one.step(utf8Encode(CHALLENGE))));
    const cnonces = tokens.map((token) => parseDirectives(token).get('cnonce'));
    expect(cnonces[0]).not.toBe(cnonces[1]);
    expect(parseDirectives(tokens[0] as string).get('nonce')).toBe('abc"d');
  });
});
