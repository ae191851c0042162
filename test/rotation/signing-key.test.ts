import { DescribeSecretCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import {
  generateKeyset,
  type Keyset,
  parseKeyset,
  serializeKeyset,
  signingKeysOf,
} from '../../lib/keys/keyset.ts';
import { proveSigningKey } from '../../lib/keys/prove-signing-key.ts';
import { type PublicKey, publishSigningKey } from '../../lib/keys/public-key-store.ts';
import { KEPT_AFTER_RETIREMENT, PUBLIC_AFTER_RETIREMENT } from '../../lib/keys/retention.ts';
import { withDeadline } from '../../lib/lambda/deadline.ts';
import { replaceCompromisedKey } from '../../lib/rotation/compromise.ts';
import { createRotationHandler } from '../../lib/rotation/handler.ts';
import { createSigningKeyRotation } from '../../lib/rotation/signing-key.ts';
import type { RotationEvent } from '../../lib/rotation/steps.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';

const DAY = 24 * 3600;

let latchkey: TestLatchkey;
/** Seconds. Most rotations here follow each other at once. */
let minimumPublicAge = 0;
let handler: (event: RotationEvent) => Promise<void>;
let secretId: string;
beforeAll(async () => {
  latchkey = await startLatchkey({ rotate: ({ event }) => handler(event) });
  secretId = latchkey.environment.SIGNING_KEYS_SECRET;
  const { jwks } = latchkey.stores;
  handler = createRotationHandler({
    withDeadline,
    secretOf: (id) => createSecretHandle(latchkey.secretsManager, id),
    rotationOf: () =>
      createSigningKeyRotation({
        jwks,
        fetchJwks: async () => (await latchkey.call('jwks', { method: 'GET' })).json,
        prove: proveSigningKey,
        minimumPublicAge,
        now: () => Math.floor(Date.now() / 1000),
        // The function's cache grows old by the clock, which is moved.
        wait: async (milliseconds) => pass(milliseconds / 1000),
      }),
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  // The secret is as CloudFormation leaves it.
  await rotate();
});
// The clock goes on from test to test: caches would take one that went back for fresh.
afterAll(async () => {
  vi.useRealTimers();
  await latchkey.close();
});

function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}
const now = () => Math.floor(Date.now() / 1000);

async function rotate(): Promise<void> {
  await latchkey.secretsManager.send(
    new RotateSecretCommand({
      SecretId: secretId,
      RotationLambdaARN: 'arn:aws:lambda:us-east-1:000000000000:function:rotate',
      RotationRules: { AutomaticallyAfterDays: 30 },
    }),
  );
  await latchkey.rotationsSettled();
}

async function read(label = 'AWSCURRENT'): Promise<Keyset> {
  const value = await createSecretHandle(latchkey.secretsManager, secretId).read(label);
  return parseKeyset(value ?? '');
}

async function record(kid: string): Promise<PublicKey | undefined> {
  return latchkey.stores.jwks.find(kid);
}

async function shownKids(): Promise<string[]> {
  pass(10);
  const { json } = await latchkey.call('jwks', { method: 'GET' });
  return json.keys.map(({ kid }: { kid: string }) => kid);
}

async function labels(): Promise<string[]> {
  const { VersionIdsToStages = {} } = await latchkey.secretsManager.send(
    new DescribeSecretCommand({ SecretId: secretId }),
  );
  return Object.values(VersionIdsToStages).flat().sort();
}

describe('a rotation of the signing keys', () => {
  it('makes the first ones where there are none', async () => {
    const kids = signingKeysOf(await read()).map(({ kid }) => kid);
    expect(kids).toHaveLength(4);
    expect(await shownKids()).toEqual(expect.arrayContaining(kids));
  });

  it('promotes what was next, of each algorithm, and makes a new next', async () => {
    const before = await read();
    await rotate();
    const after = await read();
    for (const algorithm of ['RS256', 'ES256'] as const) {
      expect(after[algorithm].current).toEqual(before[algorithm].next);
      expect(signingKeysOf(before)).not.toContainEqual(after[algorithm].next);
    }
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  it('leaves the outgoing key public until nothing it signed can be about, and its record longer', async () => {
    const before = await read();
    await rotate();
    const retiredAt = now();
    const { kid } = before.RS256.current;
    const found = await record(kid);
    expect(found?.publicUntil).toBeCloseTo(retiredAt + PUBLIC_AFTER_RETIREMENT, -1);
    expect(found?.expiresAt).toBeCloseTo(retiredAt + KEPT_AFTER_RETIREMENT, -1);
    expect(await shownKids()).toContain(kid);
    pass(PUBLIC_AFTER_RETIREMENT);
    expect(await shownKids()).not.toContain(kid);
  });

  it('never postpones the end of a key that has one', async () => {
    const before = await read();
    await rotate();
    const first = await record(before.RS256.current.kid);
    pass(DAY);
    await rotate();
    expect(await record(before.RS256.current.kid)).toEqual(first);
  });

  it('keeps tokens of before, between and after verifying', async () => {
    const { RS256 } = await read();
    const shown = async () => new Set(await shownKids());
    expect(await shown()).toContain(RS256.current.kid);
    await rotate();
    expect(await shown()).toContain(RS256.current.kid);
    expect(await shown()).toContain((await read()).RS256.current.kid);
  });
});

describe('a rotation that comes too early', () => {
  it('waits until verifiers can have fetched what is next, and is through with a later try', async () => {
    const before = await read();
    minimumPublicAge = 7200;
    await rotate();
    expect(await read()).toEqual(before);
    pass(7200);
    await latchkey.secretsManager
      .send(new RotateSecretCommand({ SecretId: secretId }))
      .catch(() => {});
    await latchkey.rotationsSettled();
    expect((await read()).RS256.current).toEqual(before.RS256.next);
    minimumPublicAge = 0;
  });
});

describe('a key that somebody else may have', () => {
  const condemn = (kid: string) =>
    replaceCompromisedKey(kid, {
      secret: createSecretHandle(latchkey.secretsManager, secretId),
      jwks: latchkey.stores.jwks,
      now: now(),
    });

  it('that signs is replaced by the next one at once, and leaves the JWKS', async () => {
    const before = await read();
    expect(await condemn(before.RS256.current.kid)).toBe('was-current');
    const after = await read();
    expect(after.RS256.current).toEqual(before.RS256.next);
    expect(after.ES256).toEqual(before.ES256);
    const shown = await shownKids();
    expect(shown).not.toContain(before.RS256.current.kid);
    expect(shown).toEqual(expect.arrayContaining(signingKeysOf(after).map(({ kid }) => kid)));
  });

  it('that is next is replaced before it ever signs', async () => {
    const before = await read();
    expect(await condemn(before.ES256.next.kid)).toBe('was-next');
    const after = await read();
    expect(after.ES256.current).toEqual(before.ES256.current);
    expect(after.ES256.next.kid).not.toBe(before.ES256.next.kid);
  });

  it('that was retired leaves the JWKS, and can be condemned again', async () => {
    const before = await read();
    await rotate();
    expect(await condemn(before.RS256.current.kid)).toBe('was-retired');
    expect(await condemn(before.RS256.current.kid)).toBe('was-retired');
    expect(await shownKids()).not.toContain(before.RS256.current.kid);
  });

  it('is not brought back by a rotation that was going on', async () => {
    const before = await read();
    const secret = createSecretHandle(latchkey.secretsManager, secretId);
    const working = handler;
    handler = async (event) => {
      if (event.Step === 'testSecret') throw new Error('killed');
      await working(event);
    };
    await rotate();
    handler = working;
    const pending = parseKeyset((await secret.read('AWSPENDING')) ?? '');
    await condemn(before.RS256.next.kid);
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    await rotate();
    const kids = signingKeysOf(await read()).map(({ kid }) => kid);
    expect(kids).not.toContain(before.RS256.next.kid);
    expect(await shownKids()).not.toContain(pending.RS256.next.kid);
  });

  it('is put out of use though a rotation finishes meanwhile, and what signs then stays public', async () => {
    const before = await read();
    const secret = createSecretHandle(latchkey.secretsManager, secretId);
    let isFirst = true;
    const outcome = await replaceCompromisedKey(before.RS256.next.kid, {
      secret: {
        ...secret,
        async replace(value, expected) {
          if (isFirst) {
            isFirst = false;
            // The rotation that was faster: its keyset is without the key.
            const keyset = {
              ...before,
              RS256: { ...before.RS256, next: (await generateKeyset(now())).RS256.next },
            };
            await publishSigningKey(latchkey.stores.jwks, keyset.RS256.next);
            await secret.replace(serializeKeyset(keyset), expected);
          }
          return secret.replace(value, expected);
        },
      },
      jwks: latchkey.stores.jwks,
      now: now(),
    });
    expect(outcome).toBe('was-retired');
    const shown = await shownKids();
    for (const { kid } of signingKeysOf(await read())) {
      expect(shown).toContain(kid);
      expect((await record(kid))?.publicUntil).toBeUndefined();
    }
    expect(shown).not.toContain(before.RS256.next.kid);
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  it('is not promoted by a rotation that began before, whatever the JWKS shows', async () => {
    const working = handler;
    let version = '';
    handler = async (event) => {
      version = event.ClientRequestToken;
      if (event.Step === 'testSecret') throw new Error('killed');
      await working(event);
    };
    await rotate();
    handler = working;
    const before = await read();
    await latchkey.stores.jwks.condemn(before.RS256.next.kid, now());
    for (const Step of ['setSecret', 'testSecret', 'finishSecret'] as const) {
      await expect(
        handler({ Step, SecretId: secretId, ClientRequestToken: version }),
      ).rejects.toThrow('a key of the new keyset is out of use');
    }
    expect(await condemn(before.RS256.next.kid)).toBe('was-next');
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    await rotate();
    expect((await read()).RS256.current.kid).not.toBe(before.RS256.next.kid);
  });

  it('is refused where there is none', async () => {
    await expect(condemn('unknown')).rejects.toThrow('there is no key unknown');
  });

  it('takes the sessions with it whose tokens it signed', async () => {
    const api = await latchkey.addResourceServer({ identifier: 'api', scopes: { read: 'Read' } });
    const { client } = await latchkey.addClient({
      name: 'App',
      isPublic: true,
      grantTypes: ['password'],
      audiences: [api],
    });
    await latchkey.addUser({ username: 'ada', password: 'correct horse', permissions: ['read'] });
    const { json } = await latchkey.token({
      grant_type: 'password',
      client_id: client.clientId,
      username: 'ada',
      password: 'correct horse',
    });
    const [header = ''] = json.access_token.split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
    await condemn(kid);
    expect((await latchkey.refresh(json.access_token)).json.error).toBe('invalid_token');
  });
});
