import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

describe('resource-server', () => {
  it('add registers an API with the defaults', async () => {
    const added = JSON.parse(
      await local(['--json', 'resource-server', 'add', 'plain', '--scope', 'read=Reads = looks']),
    );
    expect(added).toEqual({
      identifier: 'plain',
      scopes: { read: 'Reads = looks' },
      access_token_lifetime: 3600,
      signing_algorithm: 'RS256',
      token_type: 'at+jwt',
      audience_claim: true,
      permissions_claim: false,
      created_at: expect.any(Number),
    });
    expect(JSON.parse(await local(['resource-server', 'show', 'plain', '--json']))).toEqual(added);
  });

  it('add takes every setting', async () => {
    const added = JSON.parse(
      await local([
        ...['resource-server', 'add', 'https://api.test/v1', '--json', '--token-lifetime', '60'],
        ...['--scope', 'a:b=One', '--scope', 'c:d=Two', '--signing-alg', 'ES256', '--typ', 'JWT'],
        ...['--no-audience-claim', '--permissions'],
      ]),
    );
    expect(added).toMatchObject({
      identifier: 'https://api.test/v1',
      scopes: { 'a:b': 'One', 'c:d': 'Two' },
      access_token_lifetime: 60,
      signing_algorithm: 'ES256',
      token_type: 'JWT',
      audience_claim: false,
      permissions_claim: true,
    });
  });

  it('add names it, and its scopes, as VEDA and Cognito do', async () => {
    const argv = ['resource-server', 'add', 'registry', '--prefixed-scopes', '--scope', 'a:b=One'];
    expect(JSON.parse(await local([...argv, '--json']))).toMatchObject({
      identifier: 'registry-server',
      scopes: { 'registry-server/a:b': 'One' },
    });
    expect((await latchkey([...argv, '--local'])).stderr).toMatch(
      /there is a resource server registry-server already/,
    );
    await local(['resource-server', 'remove', 'registry-server']);
  });

  it('show tells a person all of it', async () => {
    expect(await local(['resource-server', 'show', 'https://api.test/v1'])).toMatch(
      /^Identifier {9}https:\/\/api\.test\/v1\nScope {14}a:b {2}One\nScope {14}c:d {2}Two\nToken lifetime {5}60 s\nSigning algorithm {2}ES256\nToken type {9}JWT\nAudience claim {5}no\nPermissions claim {2}yes\nCreated {12}20..-.*Z\n$/,
    );
  });

  it('list shows all of them, by identifier', async () => {
    expect(await local(['resource-server', 'list'])).toBe(
      [
        'IDENTIFIER           SCOPES    LIFETIME  ALGORITHM  TYPE',
        'https://api.test/v1  a:b, c:d  60 s      ES256      JWT',
        'plain                read      3600 s    RS256      at+jwt',
        '',
      ].join('\n'),
    );
    const documents = JSON.parse(await local(['resource-server', 'list', '--json']));
    expect(documents).toMatchObject([
      { identifier: 'https://api.test/v1' },
      { identifier: 'plain' },
    ]);
  });

  it('remove refuses while clients are granted it, unless it is forced', async () => {
    await local(['resource-server', 'add', 'busy', '--scope', 'read=Reads']);
    for (const id of ['one', 'two', 'three', 'four']) {
      await local([
        ...['client', 'add', id, '--client-id', id, '--grant-type', 'client_credentials'],
        ...['--audience', 'busy'],
      ]);
    }
    const refused = await latchkey(['resource-server', 'remove', 'busy', '--local']);
    expect(refused).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'error: clients are granted busy: four, one, three and 1 more; remove them first, or use --force\n',
    });
    expect(await local(['resource-server', 'remove', 'busy', '--force'])).toBe('removed busy\n');
    expect(await latchkey(['resource-server', 'show', 'busy', '--local'])).toMatchObject({
      exitCode: 1,
    });
  });

  it('remove removes one that no client is granted', async () => {
    await local(['resource-server', 'add', 'idle']);
    expect(JSON.parse(await local(['resource-server', 'remove', 'idle', '--json']))).toEqual({
      identifier: 'idle',
      removed: true,
    });
  });

  it.each([
    { name: 'one twice', argv: ['add', 'plain'], reason: /already/ },
    { name: 'an unknown algorithm', argv: ['add', 'x', '--signing-alg', 'HS256'], reason: /RS256/ },
    { name: 'an unknown type', argv: ['add', 'x', '--typ', 'x'], reason: /at\+jwt, JWT/ },
    { name: 'a lifetime of zero', argv: ['add', 'x', '--token-lifetime', '0'], reason: /seconds/ },
    { name: 'a scope with a space', argv: ['add', 'x', '--scope', 'a b=c'], reason: /not a scope/ },
    { name: 'an identifier with a space', argv: ['add', 'x y'], reason: /identifier/ },
    { name: 'to show an unknown one', argv: ['show', 'nil'], reason: /no resource server nil/ },
    { name: 'to remove an unknown one', argv: ['remove', 'nil'], reason: /no resource server nil/ },
  ])('refuses $name', async ({ argv, reason }) => {
    const { exitCode, stdout, stderr } = await latchkey(['resource-server', ...argv, '--local']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/^error: .+\n$/);
  });

  it.each([
    { name: 'no identifier', argv: ['add'] },
    { name: 'an empty identifier', argv: ['show', ''] },
    { name: 'a scope without a description', argv: ['add', 'x', '--scope', 'read'] },
    { name: 'a scope twice', argv: ['add', 'x', '--scope', 'a=1', '--scope', 'a=2'] },
    { name: 'a lifetime in words', argv: ['add', 'x', '--token-lifetime', '1h'] },
  ])('finds wrong usage: $name', async ({ argv }) => {
    expect(await latchkey(['resource-server', ...argv, '--local'])).toMatchObject({
      exitCode: 2,
      stdout: '',
    });
  });
});
