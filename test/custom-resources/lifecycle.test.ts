import { DeleteSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CloudFormation,
  type Properties,
  RESOURCE_SERVER,
  STACK_ID,
  stackIdOf,
  startCloudFormation,
} from './cloud-formation.ts';

let cloudFormation: CloudFormation;
let clientId: string;
let number = 0;

beforeAll(async () => {
  cloudFormation = await startCloudFormation();
  await cloudFormation.latchkey.addResourceServer({
    identifier: 'api',
    scopes: { read: 'Read', write: 'Write' },
  });
});
beforeEach(() => {
  number += 1;
  clientId = `client-${number}`;
  cloudFormation.reset();
});
afterAll(() => cloudFormation.close());

const request = (...parameters: Parameters<CloudFormation['request']>) =>
  cloudFormation.request(...parameters);

function propertiesOf(changes: Properties = {}): Properties {
  return {
    Name: 'Workflows',
    ClientId: clientId,
    GrantTypes: ['client_credentials'],
    Grants: [{ Audience: 'api', Scopes: ['read'] }],
    ...changes,
  };
}

const nameOf = (id: string) => `latchkey-test/${id}`;

describe('the Create of a client', () => {
  it('makes the client and its secret, and answers with the id and the ARN alone', async () => {
    const answer = await request('Create', {
      requestId: 'request-1',
      properties: propertiesOf({
        Claims: { participantId: 'P1', 'ucw/roles': ['WidgetHost'] },
        TokenLifetime: '600',
        RefreshIdleLifetime: '700',
        RefreshAbsoluteLifetime: '800',
        AuthenticationMethod: 'client_secret_basic',
      }),
    });
    const { ARN } = await cloudFormation.describeSecret(nameOf(clientId));
    expect(answer).toEqual({
      Status: 'SUCCESS',
      PhysicalResourceId: clientId,
      StackId: STACK_ID,
      RequestId: 'request-1',
      LogicalResourceId: 'WorkflowsClient',
      Data: { ClientId: clientId, SecretArn: ARN },
    });
    expect(await cloudFormation.client(clientId)).toMatchObject({
      name: 'Workflows',
      grantTypes: ['client_credentials'],
      authenticationMethods: ['client_secret_basic'],
      grants: { api: ['read'] },
      claims: { participantId: 'P1', 'ucw/roles': ['WidgetHost'] },
      accessTokenLifetime: 600,
      refreshIdleLifetime: 700,
      refreshAbsoluteLifetime: 800,
      secretName: nameOf(clientId),
      disabled: false,
    });
    expect(await cloudFormation.secretValue(nameOf(clientId))).toEqual({
      flow: 'client_credentials',
      cognito_domain: 'https://auth.example.com',
      client_id: clientId,
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      userpool_id: 'latchkey-test',
      scope: 'read',
      aws_region: 'us-east-1',
    });
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('keeps types in claims that are JSON text', async () => {
    await request('Create', { properties: propertiesOf({ Claims: '{"level":3,"admin":true}' }) });
    expect(await cloudFormation.client(clientId)).toMatchObject({
      claims: { level: 3, admin: true },
    });
  });

  it('grants all scopes where none is named', async () => {
    await request('Create', { properties: propertiesOf({ Grants: [{ Audience: 'api' }] }) });
    expect(await cloudFormation.client(clientId)).toMatchObject({
      grants: { api: ['read', 'write'] },
    });
  });

  it('gives a public client no secret', async () => {
    const answer = await request('Create', {
      properties: propertiesOf({ Public: 'true', GrantTypes: ['password'] }),
    });
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: { ClientId: clientId } });
    expect(answer.Data).not.toHaveProperty('SecretArn');
    expect(await cloudFormation.client(clientId)).toMatchObject({
      authenticationMethods: ['none'],
      secrets: [],
    });
    expect(await cloudFormation.secretNames()).not.toContain(nameOf(clientId));
  });

  it('puts the secret under the name that is declared', async () => {
    const SecretName = `latchkey-test/teams/${clientId}`;
    await request('Create', { properties: propertiesOf({ SecretName }) });
    expect(await cloudFormation.works(clientId, SecretName)).toBe(true);
  });

  it('chooses an id that is the same when it is repeated, and another in another stack', async () => {
    const { ClientId: _, ...properties } = propertiesOf();
    const logicalId = `Derived${number}`;
    const first = await request('Create', { logicalId, properties });
    const repeated = await request('Create', { logicalId, properties });
    const other = await request('Create', { logicalId, properties, stackId: stackIdOf('other') });
    expect(first.PhysicalResourceId).toMatch(new RegExp(`^${logicalId}-[0-9a-f]{16}$`));
    expect(repeated.Data).toEqual(first.Data);
    expect(other.Status).toBe('SUCCESS');
    expect(other.PhysicalResourceId).not.toBe(first.PhysicalResourceId);
  });

  it('makes one client with one secret when it comes twice, and at the same time', async () => {
    const event = cloudFormation.eventOf('Create', { properties: propertiesOf() });
    await Promise.all([cloudFormation.send(event), cloudFormation.send(event)]);
    const secret = await cloudFormation.secretValue(nameOf(clientId));
    expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
    expect(await cloudFormation.secretValue(nameOf(clientId))).toEqual(secret);
    expect((await cloudFormation.client(clientId))?.secrets).toHaveLength(1);
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('refuses a client that an operator made, and its Delete leaves that alone', async () => {
    const api = { identifier: 'own', scopes: {} };
    const { client } = await cloudFormation.latchkey.addClient({
      name: 'By hand',
      clientId,
      grantTypes: ['client_credentials'],
      audiences: [await cloudFormation.latchkey.addResourceServer(api)],
    });
    const answer = await request('Create', { properties: propertiesOf() });
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: `there is a client ${clientId} already, which is not of this resource`,
    });
    const deleted = await request('Delete', {
      physicalId: answer.PhysicalResourceId,
      properties: propertiesOf(),
    });
    expect(deleted.Status).toBe('SUCCESS');
    expect(await cloudFormation.client(clientId)).toMatchObject(client);
    expect(await cloudFormation.secretNames()).not.toContain(nameOf(clientId));
  });

  it.each([
    { whose: 'another stack', other: { stackId: stackIdOf('other') } },
    { whose: 'another resource of the stack', other: { logicalId: 'Another' } },
  ])('refuses a client of $whose, and its Delete leaves that alone', async ({ other }) => {
    await request('Create', { ...other, properties: propertiesOf() });
    const before = await cloudFormation.clientItem(clientId);
    const properties = propertiesOf({ Name: 'Mine now' });
    const answer = await request('Create', { properties });
    expect(answer.Reason).toContain('which is not of this resource');
    const { PhysicalResourceId: physicalId } = answer;
    expect(await request('Update', { physicalId, properties })).toMatchObject({ Status: 'FAILED' });
    expect(await request('Delete', { physicalId, properties })).toMatchObject({
      Status: 'SUCCESS',
    });
    expect(await cloudFormation.clientItem(clientId)).toEqual(before);
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('refuses a secret that is somebody else’s', async () => {
    await request('Create', { properties: propertiesOf() });
    const SecretName = nameOf(clientId);
    clientId = `${clientId}-b`;
    const answer = await request('Create', {
      logicalId: 'Other',
      properties: propertiesOf({ SecretName }),
    });
    expect(answer.Reason).toBe(
      `there is a secret ${SecretName} already, which is not of this client`,
    );
    expect(await cloudFormation.client(clientId)).toBeUndefined();
  });
});

describe('the Update of a client', () => {
  it('changes what is declared in place, and keeps the secret', async () => {
    const oldProperties = propertiesOf({ TokenLifetime: '600', Claims: { team: 'a' } });
    await request('Create', { properties: oldProperties });
    const before = await cloudFormation.client(clientId);
    const { client_secret } = await cloudFormation.secretValue(nameOf(clientId));
    const answer = await request('Update', {
      physicalId: clientId,
      oldProperties,
      properties: propertiesOf({
        Name: 'Renamed',
        GrantTypes: ['client_credentials', 'password'],
        Grants: [{ Audience: 'api', Scopes: ['read', 'write'] }],
        RefreshIdleLifetime: '60',
      }),
    });
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: clientId });
    const after = await cloudFormation.client(clientId);
    expect(after).toMatchObject({
      name: 'Renamed',
      grantTypes: ['client_credentials', 'password'],
      grants: { api: ['read', 'write'] },
      claims: {},
      refreshIdleLifetime: 60,
      secrets: before?.secrets,
      createdAt: before?.createdAt,
    });
    expect(after).not.toHaveProperty('accessTokenLifetime');
    expect(await cloudFormation.secretValue(nameOf(clientId))).toMatchObject({
      client_secret,
      scope: 'read write',
    });
  });

  it('begins a rotation anew that would have brought the old scopes back', async () => {
    await request('Create', { properties: propertiesOf() });
    const pending = await cloudFormation.secretValue(nameOf(clientId));
    await cloudFormation.latchkey.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: nameOf(clientId),
        SecretString: JSON.stringify({ ...pending, client_secret: 'pending' }),
        VersionStages: ['AWSPENDING'],
      }),
    );
    await request('Update', {
      physicalId: clientId,
      oldProperties: propertiesOf(),
      properties: propertiesOf({ Grants: [{ Audience: 'api', Scopes: ['write'] }] }),
    });
    const { VersionIdsToStages } = await cloudFormation.describeSecret(nameOf(clientId));
    expect(Object.values(VersionIdsToStages ?? {}).flat()).not.toContain('AWSPENDING');
    expect(await cloudFormation.secretValue(nameOf(clientId))).toEqual({
      ...pending,
      scope: 'write',
    });
  });

  it('leaves a client disabled that an operator disabled', async () => {
    await request('Create', { properties: propertiesOf() });
    await cloudFormation.latchkey.stores.clients.setDisabled(clientId, true);
    await request('Update', { physicalId: clientId, properties: propertiesOf({ Name: 'New' }) });
    expect(await cloudFormation.client(clientId)).toMatchObject({ name: 'New', disabled: true });
  });

  it('may come twice', async () => {
    await request('Create', { properties: propertiesOf() });
    const event = cloudFormation.eventOf('Update', {
      physicalId: clientId,
      oldProperties: propertiesOf(),
      properties: propertiesOf({ Grants: [{ Audience: 'api', Scopes: ['write'] }] }),
    });
    const [first, second] = [await cloudFormation.send(event), await cloudFormation.send(event)];
    expect(second).toEqual(first);
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('replaces the client where its id changes; the Delete of the old one follows', async () => {
    const oldProperties = propertiesOf();
    await request('Create', { properties: oldProperties });
    const oldId = clientId;
    clientId = `${oldId}-b`;
    const answer = await request('Update', {
      physicalId: oldId,
      oldProperties,
      properties: propertiesOf(),
    });
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: clientId });
    expect(await cloudFormation.works(oldId)).toBe(true);
    expect(await cloudFormation.works(clientId)).toBe(true);
    await request('Delete', { physicalId: oldId, properties: oldProperties });
    expect(await cloudFormation.client(oldId)).toBeUndefined();
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('goes back after a replacement that succeeded, where another resource failed', async () => {
    const oldProperties = propertiesOf();
    await request('Create', { properties: oldProperties });
    const oldId = clientId;
    clientId = `${oldId}-b`;
    const properties = propertiesOf();
    await request('Update', { physicalId: oldId, oldProperties, properties });
    const back = await request('Update', {
      physicalId: clientId,
      oldProperties: properties,
      properties: oldProperties,
    });
    expect(back.PhysicalResourceId).toBe(oldId);
    await request('Delete', { physicalId: clientId, properties });
    expect(await cloudFormation.works(oldId)).toBe(true);
    expect(await cloudFormation.client(clientId)).toBeUndefined();
  });

  it('removes what a failed replacement left when the stack goes back', async () => {
    const oldProperties = propertiesOf();
    await request('Create', { properties: oldProperties });
    const oldId = clientId;
    clientId = `${oldId}-b`;
    const properties = propertiesOf();
    // After the client is there, and before the answer can say so.
    cloudFormation.secretsManager.fault = ({ operation }) =>
      operation === 'DescribeSecret' ? 'break' : undefined;
    const failed = await request('Update', { physicalId: oldId, oldProperties, properties });
    expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: oldId });
    expect(await cloudFormation.client(clientId)).toBeDefined();
    cloudFormation.reset();
    const back = await request('Update', {
      physicalId: oldId,
      oldProperties: properties,
      properties: oldProperties,
    });
    expect(back).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: oldId });
    expect(await cloudFormation.client(clientId)).toBeUndefined();
    expect(await cloudFormation.works(oldId)).toBe(true);
  });

  it.each([
    {
      what: 'to become public',
      changes: { Public: 'true', GrantTypes: ['password'] },
      reason: 'a client stays public, or confidential, as long as its id is the same',
    },
    {
      what: 'another SecretName',
      changes: { SecretName: 'latchkey-test/elsewhere' },
      reason: 'SecretName stays the same as long as the id of the client is the same',
    },
  ])('refuses $what', async ({ changes, reason }) => {
    await request('Create', { properties: propertiesOf() });
    const answer = await request('Update', {
      physicalId: clientId,
      oldProperties: propertiesOf(),
      properties: propertiesOf(changes),
    });
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: reason,
      PhysicalResourceId: clientId,
    });
    expect(await cloudFormation.works(clientId)).toBe(true);
  });

  it('makes another secret for a client that has lost its own for good', async () => {
    await request('Create', { properties: propertiesOf() });
    const { secretsManager } = cloudFormation.latchkey;
    await secretsManager.send(
      new DeleteSecretCommand({ SecretId: nameOf(clientId), ForceDeleteWithoutRecovery: true }),
    );
    const answer = await request('Update', { physicalId: clientId, properties: propertiesOf() });
    expect(answer.Status).toBe('SUCCESS');
    expect(await cloudFormation.works(clientId)).toBe(true);
    expect((await cloudFormation.client(clientId))?.secrets).toHaveLength(2);
  });

  it('does not believe a secret that somebody put there, nor restores one that somebody deleted', async () => {
    await request('Create', { properties: propertiesOf() });
    const { secretsManager } = cloudFormation.latchkey;
    const SecretId = nameOf(clientId);
    const value = await cloudFormation.secretValue(SecretId);
    const SecretString = JSON.stringify({ ...value, client_secret: 'known-to-somebody' });
    await secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString }));
    const update = () => request('Update', { physicalId: clientId, properties: propertiesOf() });
    expect((await update()).Reason).toContain('holds none that the client has');
    await secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: 'no JSON' }));
    expect((await update()).Reason).toBe('the secret is none of a service client');
    await secretsManager.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    expect((await update()).Reason).toBe(
      `the secret ${SecretId} is scheduled for deletion: restore it, or delete it without recovery`,
    );
  });
});

describe('the Delete of a client', () => {
  it('removes the client, and schedules the deletion of its secret for a week later', async () => {
    await request('Create', { properties: propertiesOf() });
    const event = cloudFormation.eventOf('Delete', {
      physicalId: clientId,
      properties: propertiesOf(),
    });
    expect(await cloudFormation.send(event)).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: clientId,
      Data: {},
    });
    expect(await cloudFormation.client(clientId)).toBeUndefined();
    const { DeletedDate } = await cloudFormation.describeSecret(nameOf(clientId));
    const days = (Number(DeletedDate) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
  });

  it.each([
    { name: 'an id that nobody has', physicalId: () => clientId },
    { name: 'an id of CloudFormation’s own', physicalId: () => 'workflows-WorkflowsClient-1B2C3D' },
    { name: 'what was never an id', physicalId: () => 'a b:c/é' },
    { name: 'what no table can have', physicalId: () => 'x'.repeat(3000) },
  ])('succeeds for $name', async ({ physicalId }) => {
    const properties = propertiesOf();
    const answer = await request('Delete', { physicalId: physicalId(), properties });
    expect(answer).toMatchObject({ Status: 'SUCCESS' });
  });

  it('finds what a Create made that was cancelled before it could tell the id', async () => {
    await request('Create', { properties: propertiesOf() });
    const physicalId = 'workflows-WorkflowsClient-1B2C3D4E5F6G7';
    await request('Delete', { physicalId, properties: propertiesOf() });
    expect(await cloudFormation.client(clientId)).toBeUndefined();
  });

  it('succeeds after a Create that failed for its properties', async () => {
    const properties = propertiesOf({ ClientId: { no: 'text' }, Surplus: 'x' });
    const { Status, PhysicalResourceId } = await request('Create', { properties });
    expect(Status).toBe('FAILED');
    expect(PhysicalResourceId).toMatch(/^WorkflowsClient-[0-9a-f]{16}$/);
    const deleted = await request('Delete', { physicalId: PhysicalResourceId, properties });
    expect(deleted.Status).toBe('SUCCESS');
  });

  it('is followed by a Create under the same name that works, with a secret of its own', async () => {
    await request('Create', { properties: propertiesOf() });
    const { client_secret: first } = await cloudFormation.secretValue(nameOf(clientId));
    await request('Delete', { physicalId: clientId, properties: propertiesOf() });
    const stackId = stackIdOf('made-again');
    const answer = await request('Create', { stackId, properties: propertiesOf() });
    expect(answer.Status).toBe('SUCCESS');
    expect(await cloudFormation.works(clientId)).toBe(true);
    expect((await cloudFormation.secretValue(nameOf(clientId))).client_secret).not.toBe(first);
    // The old stack has no say any more.
    await request('Delete', { physicalId: clientId, properties: propertiesOf() });
    expect(await cloudFormation.works(clientId)).toBe(true);
  });
});

describe('a resource server', () => {
  const server = (changes: Properties = {}) => ({
    resourceType: RESOURCE_SERVER,
    logicalId: 'Server',
    properties: { Identifier: `server-${number}`, Scopes: { a: 'A', b: 'B' }, ...changes },
  });
  const stored = async () => {
    const all = await cloudFormation.latchkey.stores.resourceServers.list();
    return all.find(({ identifier }) => identifier === `server-${number}`);
  };

  it('is made, changed in place and removed, each of them twice', async () => {
    const created = await request(
      'Create',
      server({
        TokenLifetime: '120',
        SigningAlgorithm: 'ES256',
        TokenType: 'JWT',
        AudienceClaim: 'false',
        PermissionsClaim: 'true',
      }),
    );
    const identifier = `server-${number}`;
    expect(created).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: identifier,
      Data: { Identifier: identifier },
    });
    expect(await stored()).toMatchObject({
      scopes: { a: 'A', b: 'B' },
      accessTokenLifetime: 120,
      signingAlgorithm: 'ES256',
      tokenType: 'JWT',
      audienceClaim: false,
      permissionsClaim: true,
    });
    for (let time = 0; time < 2; time += 1) {
      const changed = server({ Scopes: { a: 'Anew', c: 'C' } });
      const updated = await request('Update', { ...changed, physicalId: identifier });
      expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: identifier });
      expect(await stored()).toMatchObject({
        scopes: { a: 'Anew', c: 'C' },
        accessTokenLifetime: 3600,
        signingAlgorithm: 'RS256',
        audienceClaim: true,
      });
    }
    for (let time = 0; time < 2; time += 1) {
      const deleted = await request('Delete', { ...server(), physicalId: identifier });
      expect(deleted.Status).toBe('SUCCESS');
      expect(await stored()).toBeUndefined();
    }
  });

  it('is not removed as long as a client is granted it', async () => {
    const physicalId = `server-${number}`;
    await request('Create', server());
    const properties = propertiesOf({ Grants: [{ Audience: physicalId, Scopes: ['a'] }] });
    await request('Create', { properties });
    expect(await request('Delete', { ...server(), physicalId })).toMatchObject({
      Status: 'FAILED',
      Reason: `the resource server is still granted to clients: ${clientId}`,
    });
    expect(await stored()).toBeDefined();
    await request('Delete', { physicalId: clientId, properties });
    expect((await request('Delete', { ...server(), physicalId })).Status).toBe('SUCCESS');
    expect(await stored()).toBeUndefined();
  });

  it('of somebody else is neither taken over nor removed', async () => {
    const physicalId = `server-${number}`;
    const scopes = { mine: 'Made by hand' };
    await cloudFormation.latchkey.addResourceServer({ identifier: physicalId, scopes });
    const answer = await request('Create', server());
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: physicalId });
    expect(answer.Reason).toContain('which is not of this resource');
    expect((await request('Delete', { ...server(), physicalId })).Status).toBe('SUCCESS');
    expect(await stored()).toMatchObject({ scopes });
  });

  it('is replaced where its identifier changes', async () => {
    const physicalId = `server-${number}`;
    await request('Create', server());
    const answer = await request('Update', {
      ...server({ Identifier: `${physicalId}-b` }),
      oldProperties: server().properties,
      physicalId,
    });
    expect(answer.PhysicalResourceId).toBe(`${physicalId}-b`);
    expect(await stored()).toBeDefined();
  });
});
