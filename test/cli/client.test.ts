import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDB } from '../../lib/aws/dynamodb.ts';
import { hashClientSecret, verifyClientSecret } from '../../lib/clients/client-secret.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
  await local([
    'resource-server',
    'add',
    'api',
    '--scope',
    'read=Reads',
    '--scope',
    'write=Writes',
  ]);
  await local(['resource-server', 'add', 'other', '--scope', 'read=Reads']);
});
afterAll(() => stack.close());

const MACHINE = ['--grant-type', 'client_credentials', '--audience', 'api'];

/** What the table holds. The endpoint is in the environment since the first `--local`. */
async function stored(clientId: string) {
  const dynamodb = createDynamoDB();
  try {
    return await createClientStore(dynamodb, 'latchkey-local-clients').find(clientId);
  } finally {
    dynamodb.destroy();
  }
}

describe('client', () => {
  it('add shows the secret, whose hash alone is stored, and says to keep it', async () => {
    const { exitCode, stdout, stderr } = await latchkey([
      ...['client', 'add', 'Nightly import', '--client-id', 'nightly', ...MACHINE, '--local'],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/Keep the secret now/);
    const secret = /^Client secret +(\S{43})$/m.exec(stdout)?.[1] ?? '';
    const client = await stored('nightly');
    expect(client?.secrets.map(({ hash }) => hash)).toEqual([hashClientSecret(secret)]);
    expect(verifyClientSecret(client, secret, 0)).toBe(true);
  });

  it('add gives a random id where none is named', async () => {
    const { client_id } = JSON.parse(await local(['client', 'add', 'x', ...MACHINE, '--json']));
    expect(client_id).toMatch(/^[0-9a-f]{8}-/);
    await local(['client', 'remove', client_id]);
  });

  it('add takes every setting', async () => {
    const { client_secret, ...document } = JSON.parse(
      await local([
        ...['client', 'add', 'Everything', '--client-id', 'every-thing'],
        ...['--grant-type', 'client_credentials', '--grant-type', 'password'],
        ...['--audience', 'api', '--audience', 'other', '--audience', 'api', '--scope', 'read'],
        ...['--auth-method', 'client_secret_post', '--claim', 'participantId=P1'],
        ...['--claim', 'ucw/appMetaData={"aggregatorId":7}', '--token-lifetime', '300'],
        ...['--refresh-idle-lifetime', '60', '--refresh-absolute-lifetime', '600', '--json'],
      ]),
    );
    expect(client_secret).toMatch(/^\S{43}$/);
    expect(document).toEqual({
      client_id: 'every-thing',
      name: 'Everything',
      disabled: false,
      grant_types: ['client_credentials', 'password'],
      authentication_methods: ['client_secret_post'],
      grants: { api: ['read'], other: ['read'] },
      claims: { participantId: 'P1', 'ucw/appMetaData': { aggregatorId: 7 } },
      access_token_lifetime: 300,
      refresh_idle_lifetime: 60,
      refresh_absolute_lifetime: 600,
      secrets: [
        {
          number: 1,
          id: expect.stringMatching(/^[0-9a-f]{8}$/),
          created_at: expect.any(Number),
        },
      ],
      created_at: expect.any(Number),
    });
    expect(JSON.parse(await local(['client', 'show', 'every-thing', '--json']))).toEqual(document);
  });

  it('add of a public client has no secret to show', async () => {
    const { stdout, stderr } = await latchkey([
      ...['--local', '--json', 'client', 'add', 'App', '--client-id', 'app', '--public'],
      ...['--grant-type', 'password', '--audience', 'api'],
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ authentication_methods: ['none'], secrets: [] });
    expect(stdout).not.toContain('client_secret');
    expect(stderr).toBe('');
  });

  it('show tells a person all but the secret', async () => {
    const text = await local(['client', 'show', 'every-thing']);
    expect(text.replaceAll(/20\d\d-\S+Z/g, 'TIME').replace(/[0-9a-f]{8},/, 'ID,')).toBe(
      [
        'Client id                  every-thing',
        'Name                       Everything',
        'State                      enabled',
        'Grant types                client_credentials, password',
        'Authentication             client_secret_post',
        'Granted                    api: read',
        'Granted                    other: read',
        'Claims                     {"participantId":"P1","ucw/appMetaData":{"aggregatorId":7}}',
        'Token lifetime             300 s',
        'Refresh idle lifetime      60 s',
        'Refresh absolute lifetime  600 s',
        'Secret 1                   ID, created TIME, no use noted',
        'Created                    TIME',
        '',
      ].join('\n'),
    );
  });

  it('list shows all of them, by id', async () => {
    expect(await local(['client', 'list'])).toBe(
      [
        'CLIENT ID    NAME            GRANT TYPES                   AUDIENCES   STATE',
        'app          App             password                      api         enabled',
        'every-thing  Everything      client_credentials, password  api, other  enabled',
        'nightly      Nightly import  client_credentials            api         enabled',
        '',
      ].join('\n'),
    );
  });

  it('disable and enable switch a client off and on', async () => {
    expect(await local(['client', 'disable', 'nightly'])).toBe('disabled nightly\n');
    expect((await stored('nightly'))?.disabled).toBe(true);
    expect(await local(['client', 'show', 'nightly'])).toMatch(/^State +disabled$/m);
    expect(JSON.parse(await local(['client', 'enable', 'nightly', '--json']))).toEqual({
      client_id: 'nightly',
      disabled: false,
    });
    expect((await stored('nightly'))?.disabled).toBe(false);
  });

  it('remove removes a client', async () => {
    await local(['client', 'add', 'Brief', '--client-id', 'brief', ...MACHINE]);
    expect(await local(['client', 'remove', 'brief'])).toBe('removed brief\n');
    expect(await stored('brief')).toBeUndefined();
  });

  it('shows a secret once: neither it nor its hash is in any other output', async () => {
    const added = await local([
      'client',
      'add',
      'Once',
      '--client-id',
      'once',
      ...MACHINE,
      '--json',
    ]);
    const { client_secret } = JSON.parse(added);
    const outcomes = [];
    for (const json of [[], ['--json']]) {
      for (const argv of [
        ['client', 'list'],
        ['client', 'show', 'once'],
        ['client', 'disable', 'once'],
        ['client', 'enable', 'once'],
        ['client', 'add', 'Again', '--client-id', 'once', ...MACHINE],
      ]) {
        outcomes.push(await latchkey([...argv, ...json, '--local']));
      }
    }
    const hash = hashClientSecret(client_secret);
    const all = JSON.stringify(outcomes);
    expect(all).not.toContain(client_secret);
    expect(all).not.toContain(hash);
    expect(added).not.toContain(hash);
    expect(all).not.toMatch(/[\w-]{43}/);
  });

  it.each([
    {
      name: 'an id that is taken',
      argv: ['add', 'x', '--client-id', 'app', ...MACHINE],
      reason: /already/,
    },
    {
      name: 'an unknown audience',
      argv: ['add', 'x', '--grant-type', 'password', '--audience', 'nil'],
      reason: /no resource server nil/,
    },
    {
      name: 'an unknown scope',
      argv: ['add', 'x', ...MACHINE, '--scope', 'fly'],
      reason: /the scope "fly"/,
    },
    {
      name: 'an unknown grant type',
      argv: ['add', 'x', '--grant-type', 'implicit', '--audience', 'api'],
      reason: /client_credentials, password/,
    },
    {
      name: 'an unknown authentication method',
      argv: ['add', 'x', ...MACHINE, '--auth-method', 'tls'],
      reason: /client_secret_basic/,
    },
    {
      name: 'a public client that uses client_credentials',
      argv: ['add', 'x', ...MACHINE, '--public'],
      reason: /public client/,
    },
    {
      name: 'a claim that is reserved',
      argv: ['add', 'x', ...MACHINE, '--claim', 'sub=root'],
      reason: /"sub" is reserved/,
    },
    {
      name: 'an id with a colon',
      argv: ['add', 'x', ...MACHINE, '--client-id', 'a:b'],
      reason: /without a colon/,
    },
    { name: 'to show an unknown client', argv: ['show', 'nil'], reason: /no client nil/ },
    { name: 'to disable an unknown client', argv: ['disable', 'nil'], reason: /no client nil/ },
    { name: 'to enable an unknown client', argv: ['enable', 'nil'], reason: /no client nil/ },
    { name: 'to remove an unknown client', argv: ['remove', 'nil'], reason: /no client nil/ },
  ])('refuses $name', async ({ argv, reason }) => {
    const { exitCode, stdout, stderr } = await latchkey(['client', ...argv, '--local']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/^error: .+\n$/);
  });

  it.each([
    { name: 'no name', argv: ['add', ...MACHINE], reason: /missing required argument 'name'/ },
    { name: 'no grant type', argv: ['add', 'x', '--audience', 'api'], reason: /--grant-type/ },
    { name: 'no audience', argv: ['add', 'x', '--grant-type', 'password'], reason: /--audience/ },
    {
      name: 'two values for one option',
      argv: ['add', 'x', ...MACHINE, '--scope', 'read', 'write'],
      reason: /repeat it for more/,
    },
    {
      name: 'an option without its value',
      argv: ['add', 'x', ...MACHINE, '--scope'],
      reason: /argument missing/,
    },
    {
      name: 'a claim without a value',
      argv: ['add', 'x', ...MACHINE, '--claim', 'a'],
      reason: /name=value/,
    },
    { name: 'an empty id', argv: ['remove', ''], reason: /empty/ },
  ])('finds wrong usage: $name', async ({ argv, reason }) => {
    const { exitCode, stdout, stderr } = await latchkey(['client', ...argv, '--local']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(reason);
  });
});
