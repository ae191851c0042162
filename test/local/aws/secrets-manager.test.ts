import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetSecretValueCommand,
  CancelRotateSecretCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  type GetRandomPasswordCommandInput,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RotationCall, RotationFailure } from '../../../local/aws/secrets-manager/rotation.ts';
import { nextRotation } from '../../../local/aws/secrets-manager/schedule.ts';
import {
  type SecretsManager,
  type SecretsManagerOptions,
  startSecretsManager,
} from '../../../local/aws/secrets-manager/server.ts';
import { findOnPath, startMoto } from '../../support/moto.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1, 12);
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:rotate';

function createClient(endpoint: string): SecretsManagerClient {
  return new SecretsManagerClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
  });
}

/** A name that no other test uses, since the suites share a server. */
function uniqueName(): string {
  return `test/${randomUUID()}`;
}

async function createSecret(client: SecretsManagerClient, value: string) {
  const { ARN, Name, VersionId } = await client.send(
    new CreateSecretCommand({ Name: uniqueName(), SecretString: value }),
  );
  return { arn: ARN ?? '', name: Name ?? '', versionId: VersionId ?? '' };
}

/** Stores a value under the labels and returns the version's id. */
async function put(
  client: SecretsManagerClient,
  secretId: string,
  value: string,
  stages?: string[],
): Promise<string> {
  const { VersionId } = await client.send(
    new PutSecretValueCommand({ SecretId: secretId, SecretString: value, VersionStages: stages }),
  );
  return VersionId ?? '';
}

async function read(
  client: SecretsManagerClient,
  secretId: string,
  selector: { VersionId?: string; VersionStage?: string } = {},
): Promise<string | undefined> {
  const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId, ...selector }));
  return answer.SecretString;
}

/** The labels by version, without versions that have none and with the labels in order. */
async function stagesOf(
  client: SecretsManagerClient,
  secretId: string,
): Promise<Record<string, string[]>> {
  const { VersionIdsToStages } = await client.send(
    new DescribeSecretCommand({ SecretId: secretId }),
  );
  return Object.fromEntries(
    Object.entries(VersionIdsToStages ?? {})
      .filter(([, stages]) => stages.length > 0)
      .map(([versionId, stages]) => [versionId, [...stages].sort()]),
  );
}

function fails(call: Promise<unknown>, name: string): Promise<void> {
  return expect(call).rejects.toMatchObject({ name });
}

/** What every implementation of Secrets Manager has to do. `connect` gives a client to one. */
function describeContract(connect: () => SecretsManagerClient): void {
  it('reads a secret by its name, its ARN and its ARN without the random ending', async () => {
    const client = connect();
    const { arn, name, versionId } = await createSecret(client, 'first');
    expect(arn).toMatch(
      new RegExp(`^arn:aws:secretsmanager:us-east-1:\\d{12}:secret:${name}-[A-Za-z0-9]{6}$`),
    );
    for (const secretId of [name, arn, arn.slice(0, -7)]) {
      const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
      expect(answer).toMatchObject({
        ARN: arn,
        Name: name,
        VersionId: versionId,
        SecretString: 'first',
        VersionStages: ['AWSCURRENT'],
      });
      expect(Math.abs((answer.CreatedDate?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    }
  });

  it('keeps a binary value byte for byte', async () => {
    const client = connect();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const Name = uniqueName();
    await client.send(new CreateSecretCommand({ Name, SecretBinary: bytes }));
    const answer = await client.send(new GetSecretValueCommand({ SecretId: Name }));
    expect(answer.SecretString).toBeUndefined();
    expect(Buffer.from(answer.SecretBinary ?? [])).toEqual(Buffer.from(bytes));
  });

  it('keeps a value with quotes, line breaks and characters beyond ASCII', async () => {
    const client = connect();
    const value = '{"key":"a\\"b\n\u2028é日本🔑"}';
    const { name } = await createSecret(client, value);
    expect(await read(client, name)).toBe(value);
  });

  it('creates a secret without a value, and finds none until one is put', async () => {
    const client = connect();
    const Name = uniqueName();
    const created = await client.send(new CreateSecretCommand({ Name, Description: 'empty' }));
    expect(created.VersionId).toBeUndefined();
    await fails(read(client, Name), 'ResourceNotFoundException');
    expect(await stagesOf(client, Name)).toEqual({});
    await put(client, Name, 'value');
    expect(await read(client, Name)).toBe('value');
  });

  it('creates nothing on a repeat of CreateSecret, and refuses another value or token', async () => {
    const client = connect();
    const Name = uniqueName();
    const first = { Name, SecretString: 'value', ClientRequestToken: randomUUID() };
    const created = await client.send(new CreateSecretCommand(first));
    const repeated = await client.send(new CreateSecretCommand(first));
    expect(repeated).toMatchObject({ ARN: created.ARN, VersionId: first.ClientRequestToken });
    for (const other of [
      { ...first, SecretString: 'other' },
      { ...first, ClientRequestToken: randomUUID() },
    ]) {
      await fails(client.send(new CreateSecretCommand(other)), 'ResourceExistsException');
    }
    expect(await read(client, Name)).toBe('value');
  });

  it('moves AWSCURRENT and AWSPREVIOUS along with each new value', async () => {
    const client = connect();
    const { name, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, name, 'two');
    expect(await stagesOf(client, name)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [second]: ['AWSCURRENT'],
    });
    const third = await put(client, name, 'three');
    expect(await stagesOf(client, name)).toEqual({
      [second]: ['AWSPREVIOUS'],
      [third]: ['AWSCURRENT'],
    });
    expect(await read(client, name)).toBe('three');
    expect(await read(client, name, { VersionStage: 'AWSPREVIOUS' })).toBe('two');
    expect(await read(client, name, { VersionId: first })).toBe('one');
  });

  it('keeps a pending value apart from the current one', async () => {
    const client = connect();
    const { name, versionId: current } = await createSecret(client, 'current');
    const pending = await put(client, name, 'pending', ['AWSPENDING']);
    expect(await read(client, name)).toBe('current');
    expect(await read(client, name, { VersionStage: 'AWSPENDING' })).toBe('pending');
    expect(await read(client, name, { VersionId: pending })).toBe('pending');
    expect(await read(client, name, { VersionId: pending, VersionStage: 'AWSPENDING' })).toBe(
      'pending',
    );
    expect(await stagesOf(client, name)).toEqual({
      [current]: ['AWSCURRENT'],
      [pending]: ['AWSPENDING'],
    });
  });

  it('finds no value for an unknown version or label, and refuses an id with the label of another', async () => {
    const client = connect();
    const { name, versionId } = await createSecret(client, 'value');
    await fails(read(client, name, { VersionId: randomUUID() }), 'ResourceNotFoundException');
    await fails(read(client, name, { VersionStage: 'AWSPENDING' }), 'ResourceNotFoundException');
    await fails(
      read(client, name, { VersionId: versionId, VersionStage: 'AWSPENDING' }),
      'InvalidRequestException',
    );
  });

  it('stores a value once however often its token is sent, and refuses another value for it', async () => {
    const client = connect();
    const { name, versionId: first } = await createSecret(client, 'one');
    const ClientRequestToken = randomUUID();
    const command = { SecretId: name, SecretString: 'two', ClientRequestToken };
    for (let time = 0; time < 3; time += 1) {
      const answer = await client.send(new PutSecretValueCommand(command));
      expect(answer).toMatchObject({
        Name: name,
        VersionId: ClientRequestToken,
        VersionStages: ['AWSCURRENT'],
      });
    }
    await fails(
      client.send(new PutSecretValueCommand({ ...command, SecretString: 'three' })),
      'ResourceExistsException',
    );
    expect(await stagesOf(client, name)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [ClientRequestToken]: ['AWSCURRENT'],
    });
  });

  it('refuses PutSecretValue without a value or with a token of the wrong length', async () => {
    const client = connect();
    const { name: SecretId } = await createSecret(client, 'one');
    await fails(client.send(new PutSecretValueCommand({ SecretId })), 'InvalidRequestException');
    for (const ClientRequestToken of ['short', 'x'.repeat(65)]) {
      await fails(
        client.send(
          new PutSecretValueCommand({ SecretId, SecretString: 'two', ClientRequestToken }),
        ),
        'InvalidParameterException',
      );
    }
  });

  it('makes the first value of a secret current whatever labels it is put under', async () => {
    const client = connect();
    const Name = uniqueName();
    await client.send(new CreateSecretCommand({ Name }));
    const versionId = await put(client, Name, 'value', ['AWSPENDING']);
    expect(await stagesOf(client, Name)).toEqual({ [versionId]: ['AWSCURRENT', 'AWSPENDING'] });
  });

  it('takes a label from the version that had it when another version gets it', async () => {
    const client = connect();
    const { name, versionId: current } = await createSecret(client, 'one');
    const second = await put(client, name, 'two', ['blue', 'green']);
    const third = await put(client, name, 'three', ['blue', 'red']);
    expect(await stagesOf(client, name)).toEqual({
      [current]: ['AWSCURRENT'],
      [second]: ['green'],
      [third]: ['blue', 'red'],
    });
  });

  it('updates the description alone, or the value as a new version', async () => {
    const client = connect();
    const { name, versionId: first } = await createSecret(client, 'one');
    const described = await client.send(
      new UpdateSecretCommand({ SecretId: name, Description: 'changed' }),
    );
    expect(described.VersionId).toBeUndefined();
    const updated = await client.send(
      new UpdateSecretCommand({ SecretId: name, SecretString: 'two', KmsKeyId: 'alias/own' }),
    );
    const answer = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(answer).toMatchObject({ Name: name, Description: 'changed', KmsKeyId: 'alias/own' });
    expect(await stagesOf(client, name)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [updated.VersionId ?? '']: ['AWSCURRENT'],
    });
  });

  it('refuses UpdateSecret with the token of a version that has another value', async () => {
    const client = connect();
    const { name, versionId } = await createSecret(client, 'one');
    const command = { SecretId: name, ClientRequestToken: versionId };
    await client.send(new UpdateSecretCommand({ ...command, SecretString: 'one' }));
    await fails(
      client.send(new UpdateSecretCommand({ ...command, SecretString: 'two' })),
      'ResourceExistsException',
    );
    expect(await stagesOf(client, name)).toEqual({ [versionId]: ['AWSCURRENT'] });
  });

  it('promotes a pending version, leaves AWSPENDING on it until removed, and rolls back', async () => {
    const client = connect();
    const { name: SecretId, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, SecretId, 'two', ['AWSPENDING']);
    const move = (VersionStage: string, from: string, to?: string) =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage,
          RemoveFromVersionId: from,
          MoveToVersionId: to,
        }),
      );
    await move('AWSCURRENT', first, second);
    expect(await stagesOf(client, SecretId)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [second]: ['AWSCURRENT', 'AWSPENDING'],
    });
    expect(await read(client, SecretId, { VersionStage: 'AWSCURRENT' })).toBe('two');
    await move('AWSPENDING', second);
    await move('AWSCURRENT', second, first);
    expect(await stagesOf(client, SecretId)).toEqual({
      [first]: ['AWSCURRENT'],
      [second]: ['AWSPREVIOUS'],
    });
    expect(await read(client, SecretId, { VersionStage: 'AWSCURRENT' })).toBe('one');
  });

  it('attaches and removes a label of its own without moving any other', async () => {
    const client = connect();
    const { name: SecretId, versionId } = await createSecret(client, 'one');
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'blue',
        MoveToVersionId: versionId,
      }),
    );
    expect(await stagesOf(client, SecretId)).toEqual({ [versionId]: ['AWSCURRENT', 'blue'] });
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'blue',
        RemoveFromVersionId: versionId,
      }),
    );
    expect(await stagesOf(client, SecretId)).toEqual({ [versionId]: ['AWSCURRENT'] });
  });

  it('refuses to move AWSCURRENT unless told the version that has it', async () => {
    const client = connect();
    const { name: SecretId, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, SecretId, 'two', ['AWSPENDING']);
    for (const versions of [
      { MoveToVersionId: second },
      { MoveToVersionId: second, RemoveFromVersionId: second },
      { MoveToVersionId: second, RemoveFromVersionId: randomUUID() },
    ]) {
      await fails(
        client.send(
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: 'AWSCURRENT',
            ...versions,
          }),
        ),
        'InvalidParameterException',
      );
    }
    expect(await stagesOf(client, SecretId)).toEqual({
      [first]: ['AWSCURRENT'],
      [second]: ['AWSPENDING'],
    });
  });

  it('adds, overwrites and removes tags', async () => {
    const client = connect();
    const Name = uniqueName();
    await client.send(
      new CreateSecretCommand({ Name, SecretString: 'one', Tags: [{ Key: 'a', Value: '1' }] }),
    );
    await client.send(
      new TagResourceCommand({
        SecretId: Name,
        Tags: [
          { Key: 'a', Value: '2' },
          { Key: 'b', Value: '' },
        ],
      }),
    );
    const tags = async () =>
      (await client.send(new DescribeSecretCommand({ SecretId: Name }))).Tags ?? [];
    expect(await tags()).toEqual([
      { Key: 'a', Value: '2' },
      { Key: 'b', Value: '' },
    ]);
    await client.send(new UntagResourceCommand({ SecretId: Name, TagKeys: ['a', 'absent'] }));
    expect(await tags()).toEqual([{ Key: 'b', Value: '' }]);
    await client.send(new UntagResourceCommand({ SecretId: Name, TagKeys: ['b'] }));
    expect(await tags()).toEqual([]);
  });

  it('lists secrets by a prefix of their name, in pages, without those marked as deleted', async () => {
    const client = connect();
    const prefix = uniqueName();
    for (const letter of ['a', 'b', 'c', 'd']) {
      await client.send(
        new CreateSecretCommand({ Name: `${prefix}/${letter}`, SecretString: letter }),
      );
    }
    await client.send(new DeleteSecretCommand({ SecretId: `${prefix}/d` }));
    const Filters = [{ Key: 'name' as const, Values: [prefix] }];
    const first = await client.send(new ListSecretsCommand({ Filters, MaxResults: 2 }));
    expect(first.SecretList).toHaveLength(2);
    expect(first.NextToken).toEqual(expect.any(String));
    const second = await client.send(
      new ListSecretsCommand({ Filters, MaxResults: 2, NextToken: first.NextToken }),
    );
    expect(second.NextToken ?? null).toBeNull();
    const names = [...(first.SecretList ?? []), ...(second.SecretList ?? [])].map(
      (secret) => secret.Name,
    );
    expect(names.sort()).toEqual([`${prefix}/a`, `${prefix}/b`, `${prefix}/c`]);
    const all = await client.send(
      new ListSecretsCommand({ Filters, IncludePlannedDeletion: true }),
    );
    expect(all.SecretList).toHaveLength(4);
    const deleted = all.SecretList?.find((secret) => secret.Name === `${prefix}/d`);
    expect(deleted?.DeletedDate).toBeInstanceOf(Date);
    expect(Object.values(deleted?.SecretVersionsToStages ?? {})).toEqual([['AWSCURRENT']]);
  });

  it('lists secrets by tag key, tag value, description and all of them together', async () => {
    const client = connect();
    // Letters alone: moto takes a digit for the beginning of a word.
    const word = `w${randomUUID().replace(/[^a-f]/g, 'x')}`;
    const Name = uniqueName();
    await client.send(
      new CreateSecretCommand({
        Name,
        Description: `the ${word} secret`,
        Tags: [{ Key: `${word}key`, Value: `${word}value` }],
      }),
    );
    const find = async (
      Filters: { Key: 'tag-key' | 'tag-value' | 'description' | 'all'; Values: string[] }[],
    ) =>
      (await client.send(new ListSecretsCommand({ Filters }))).SecretList?.map(
        (secret) => secret.Name,
      );
    for (const Key of ['tag-key', 'tag-value', 'description', 'all'] as const) {
      expect(await find([{ Key, Values: ['absent-', word] }])).toEqual([Name]);
    }
    expect(
      await find([
        { Key: 'tag-key', Values: [word] },
        { Key: 'tag-value', Values: ['absent-'] },
      ]),
    ).toEqual([]);
    await fails(
      client.send(new ListSecretsCommand({ Filters: [{ Values: ['value'] }] })),
      'InvalidParameterException',
    );
    await fails(
      client.send(
        new ListSecretsCommand({ Filters: [{ Key: 'nonsense' as 'all', Values: ['x'] }] }),
      ),
      'ValidationException',
    );
  });

  it('lists the versions of a secret with their labels', async () => {
    const client = connect();
    const { name, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, name, 'two');
    const { Versions, Name } = await client.send(
      new ListSecretVersionIdsCommand({ SecretId: name }),
    );
    expect(Name).toBe(name);
    const stages = new Map(Versions?.map((version) => [version.VersionId, version.VersionStages]));
    expect(stages).toEqual(
      new Map([
        [first, ['AWSPREVIOUS']],
        [second, ['AWSCURRENT']],
      ]),
    );
  });

  it('hides the value of a deleted secret, and gives it back when restored', async () => {
    const client = connect();
    const { arn, name } = await createSecret(client, 'value');
    const { DeletionDate, ...deleted } = await client.send(
      new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: 7 }),
    );
    expect(deleted).toMatchObject({ ARN: arn, Name: name });
    const days = ((DeletionDate?.getTime() ?? 0) - Date.now()) / DAY;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    await fails(read(client, name), 'InvalidRequestException');
    for (const call of [
      () => client.send(new DeleteSecretCommand({ SecretId: name })),
      () => client.send(new UpdateSecretCommand({ SecretId: name, SecretString: 'other' })),
      () => client.send(new RotateSecretCommand({ SecretId: name })),
      () => client.send(new CancelRotateSecretCommand({ SecretId: name })),
    ]) {
      await fails(call(), 'InvalidRequestException');
    }
    const described = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(described.DeletedDate).toEqual(DeletionDate);
    expect(await client.send(new RestoreSecretCommand({ SecretId: name }))).toMatchObject({
      ARN: arn,
      Name: name,
    });
    expect(await read(client, name)).toBe('value');
    const restored = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(restored.DeletedDate).toBeUndefined();
  });

  it('deletes at once when forced, so that the name is free, and repeats without complaint', async () => {
    const client = connect();
    const { arn, name } = await createSecret(client, 'old');
    for (let time = 0; time < 2; time += 1) {
      await client.send(
        new DeleteSecretCommand({ SecretId: name, ForceDeleteWithoutRecovery: true }),
      );
    }
    await fails(read(client, name), 'ResourceNotFoundException');
    const again = await client.send(new CreateSecretCommand({ Name: name, SecretString: 'new' }));
    expect(again.ARN).not.toBe(arn);
    expect(await read(client, name)).toBe('new');
  });

  it('refuses a recovery window outside 7 to 30 days or together with force', async () => {
    const client = connect();
    const { name: SecretId } = await createSecret(client, 'value');
    for (const options of [
      { RecoveryWindowInDays: 6 },
      { RecoveryWindowInDays: 31 },
      { RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true },
    ]) {
      await fails(
        client.send(new DeleteSecretCommand({ SecretId, ...options })),
        'InvalidParameterException',
      );
    }
    expect(await read(client, SecretId)).toBe('value');
  });

  it('answers ResourceNotFoundException for a secret that does not exist, whatever the operation', async () => {
    const client = connect();
    const SecretId = uniqueName();
    const VersionStage = 'AWSCURRENT';
    for (const call of [
      () => read(client, SecretId),
      () => read(client, `arn:aws:secretsmanager:us-east-1:123456789012:secret:${SecretId}-abcdef`),
      () => put(client, SecretId, 'value'),
      () => client.send(new UpdateSecretCommand({ SecretId, SecretString: 'value' })),
      () => client.send(new DescribeSecretCommand({ SecretId })),
      () => client.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage })),
      () => client.send(new RotateSecretCommand({ SecretId })),
      () => client.send(new CancelRotateSecretCommand({ SecretId })),
      () => client.send(new TagResourceCommand({ SecretId, Tags: [] })),
      () => client.send(new UntagResourceCommand({ SecretId, TagKeys: [] })),
      () => client.send(new DeleteSecretCommand({ SecretId })),
      () => client.send(new RestoreSecretCommand({ SecretId })),
    ]) {
      await fails(call(), 'ResourceNotFoundException');
    }
  });

  it('refuses a rotation interval outside 1 to 1000 days, and to cancel what was never set up', async () => {
    const client = connect();
    const { name: SecretId } = await createSecret(client, 'value');
    for (const AutomaticallyAfterDays of [0, 1001]) {
      await fails(
        client.send(
          new RotateSecretCommand({
            SecretId,
            RotationLambdaARN: FUNCTION_ARN,
            RotationRules: { AutomaticallyAfterDays },
          }),
        ),
        'InvalidParameterException',
      );
    }
    await fails(
      client.send(new CancelRotateSecretCommand({ SecretId })),
      'InvalidRequestException',
    );
    const described = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(described.RotationEnabled).toBeFalsy();
  });

  it('makes random passwords of the length and the characters that are asked for', async () => {
    const client = connect();
    const password = async (options: GetRandomPasswordCommandInput) =>
      (await client.send(new GetRandomPasswordCommand(options))).RandomPassword ?? '';
    const plain = await password({});
    expect(plain).toHaveLength(32);
    for (const type of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]) {
      expect(plain).toMatch(type);
    }
    expect(await password({})).not.toBe(plain);
    expect(
      await password({ PasswordLength: 200, ExcludePunctuation: true, ExcludeUppercase: true }),
    ).toMatch(/^[a-z0-9]{200}$/);
    expect(
      await password({
        PasswordLength: 300,
        ExcludePunctuation: true,
        ExcludeNumbers: true,
        ExcludeLowercase: true,
        ExcludeCharacters: 'ABC',
      }),
    ).toMatch(/^[D-Z]{300}$/);
    await fails(password({ PasswordLength: 3 }), 'InvalidParameterException');
  });

  it('reads several secrets at once and reports the ones that it cannot read', async () => {
    const client = connect();
    const one = await createSecret(client, 'one');
    const two = await createSecret(client, 'two');
    const deleted = await createSecret(client, 'three');
    await client.send(new DeleteSecretCommand({ SecretId: deleted.name }));
    const absent = uniqueName();
    const answer = await client.send(
      new BatchGetSecretValueCommand({ SecretIdList: [one.name, absent, two.arn, deleted.name] }),
    );
    expect(answer.SecretValues?.map((value) => [value.Name, value.SecretString])).toEqual([
      [one.name, 'one'],
      [two.name, 'two'],
    ]);
    expect(answer.Errors?.map((error) => [error.SecretId, error.ErrorCode])).toEqual([
      [absent, 'ResourceNotFoundException'],
      [deleted.name, 'InvalidRequestException'],
    ]);
    const filtered = await client.send(
      new BatchGetSecretValueCommand({ Filters: [{ Key: 'name', Values: [one.name] }] }),
    );
    expect(filtered.SecretValues?.map((value) => value.SecretString)).toEqual(['one']);
    await fails(
      client.send(
        new BatchGetSecretValueCommand({
          SecretIdList: [one.name],
          Filters: [{ Key: 'name', Values: [one.name] }],
        }),
      ),
      'InvalidParameterException',
    );
  });

  it('stores one value when many callers send the same token at once', async () => {
    const client = connect();
    const { name: SecretId } = await createSecret(client, 'start');
    const ClientRequestToken = randomUUID();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        client.send(
          new PutSecretValueCommand({
            SecretId,
            SecretString: `value ${index}`,
            ClientRequestToken,
          }),
        ),
      ),
    );
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        expect(answer.reason).toMatchObject({ name: 'ResourceExistsException' });
      }
    }
  });
}

describe('the embedded Secrets Manager keeps the contract', () => {
  let server: SecretsManager;
  let client: SecretsManagerClient;
  beforeAll(async () => {
    server = await startSecretsManager();
    client = createClient(server.endpoint);
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
  });
  describeContract(() => client);
});

const motoServer = findOnPath('moto_server');

describe.skipIf(motoServer === undefined)(
  `moto keeps the contract${motoServer === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
  () => {
    let moto: Awaited<ReturnType<typeof startMoto>>;
    let client: SecretsManagerClient;
    beforeAll(async () => {
      moto = await startMoto(motoServer ?? '');
      client = createClient(moto.endpoint);
    });
    afterAll(async () => {
      client.destroy();
      await moto.close();
    });
    describeContract(() => client);
  },
);

async function startLocal(options: SecretsManagerOptions = {}) {
  const server = await startSecretsManager(options);
  const client = createClient(server.endpoint);
  const stop = async () => {
    client.destroy();
    await server.close();
  };
  onTestFinished(stop);
  return { server, client, stop };
}

/** What AWS does, by its documentation or by recorded answers, and moto 5.2 does not. */
describe('the embedded Secrets Manager follows AWS where moto differs', () => {
  // moto goes on answering with the version that PutSecretValue made current last.
  it('reads the version that AWSCURRENT was moved to when no version is named', async () => {
    const { client } = await startLocal();
    const { name: SecretId, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, SecretId, 'two', ['AWSPENDING']);
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        RemoveFromVersionId: first,
        MoveToVersionId: second,
      }),
    );
    expect(await read(client, SecretId)).toBe('two');
    const third = await put(client, SecretId, 'three');
    expect(await stagesOf(client, SecretId)).toEqual({
      [second]: ['AWSPREVIOUS'],
      [third]: ['AWSCURRENT'],
    });
  });

  // moto sets the labels of the version that was current to AWSPREVIOUS alone.
  it('keeps the other labels of a version that stops being current, save AWSPENDING', async () => {
    const { client } = await startLocal();
    const { name, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, name, 'two', ['AWSCURRENT', 'AWSPENDING', 'blue']);
    const third = await put(client, name, 'three');
    expect(await stagesOf(client, name)).toEqual({
      [second]: ['AWSPREVIOUS', 'blue'],
      [third]: ['AWSCURRENT'],
    });
    expect(await read(client, name, { VersionId: first })).toBe('one');
  });

  // moto attaches a label of the user's own to both versions, and lets AWSCURRENT go altogether.
  it('never leaves a label on two versions, nor a secret without a current version', async () => {
    const { client } = await startLocal();
    const { name: SecretId, versionId: first } = await createSecret(client, 'one');
    const second = await put(client, SecretId, 'two', ['blue']);
    for (const change of [
      { VersionStage: 'blue', MoveToVersionId: first },
      { VersionStage: 'AWSCURRENT', RemoveFromVersionId: first },
      { VersionStage: 'blue' },
    ]) {
      await fails(
        client.send(new UpdateSecretVersionStageCommand({ SecretId, ...change })),
        'InvalidParameterException',
      );
    }
    expect(await stagesOf(client, SecretId)).toEqual({
      [first]: ['AWSCURRENT'],
      [second]: ['blue'],
    });
  });

  // moto overwrites a version that is labelled AWSPENDING.
  it('refuses another value for a pending version that has one', async () => {
    const { client } = await startLocal();
    const { name: SecretId } = await createSecret(client, 'one');
    const ClientRequestToken = await put(client, SecretId, 'two', ['AWSPENDING']);
    await fails(
      client.send(
        new PutSecretValueCommand({
          SecretId,
          SecretString: 'three',
          ClientRequestToken,
          VersionStages: ['AWSPENDING'],
        }),
      ),
      'ResourceExistsException',
    );
  });

  // moto accepts any name, and both kinds of value together.
  it('refuses names with other characters, and a value that is text and binary', async () => {
    const { client } = await startLocal();
    for (const Name of ['', 'with space', 'star*', 'é', 'x'.repeat(513)]) {
      await fails(
        client.send(new CreateSecretCommand({ Name, SecretString: 'value' })),
        'ValidationException',
      );
    }
    await fails(read(client, 'Inv *?]Name'), 'ValidationException');
    await client.send(new CreateSecretCommand({ Name: 'Valid/_+=.@-Name', SecretString: 'value' }));
    await fails(
      client.send(
        new CreateSecretCommand({
          Name: uniqueName(),
          SecretString: 'value',
          SecretBinary: Uint8Array.of(1),
        }),
      ),
      'InvalidParameterException',
    );
  });

  // moto has no limit on the size of a value.
  it('refuses a value of more than 65536 bytes without quoting it', async () => {
    const { client } = await startLocal();
    const { name: SecretId } = await createSecret(client, 'é'.repeat(32_768));
    const tooLong = `${'é'.repeat(32_768)}z`;
    const error = await put(client, SecretId, tooLong).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ValidationException' });
    expect(String(error)).not.toContain('é');
  });

  // moto answers ResourceExistsException, and lets the other calls through.
  it('keeps the name and the state of a deleted secret until its time has come', async () => {
    let now = START;
    const { client } = await startLocal({ now: () => now });
    const { name } = await createSecret(client, 'value');
    await client.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: 7 }));
    for (const call of [
      () => client.send(new CreateSecretCommand({ Name: name, SecretString: 'other' })),
      () => put(client, name, 'other'),
      () => client.send(new TagResourceCommand({ SecretId: name, Tags: [] })),
    ]) {
      await fails(call(), 'InvalidRequestException');
    }
    now += 7 * DAY;
    await fails(
      client.send(new RestoreSecretCommand({ SecretId: name })),
      'ResourceNotFoundException',
    );
    await client.send(new CreateSecretCommand({ Name: name, SecretString: 'other' }));
    expect(await read(client, name)).toBe('other');
  });

  // moto lists versions without labels always, and names the ARN wrong.
  it('lists versions without labels only when asked for, and drops them past a hundred', async () => {
    const { client } = await startLocal();
    const { arn, name: SecretId, versionId: first } = await createSecret(client, '0');
    for (let index = 1; index < 105; index += 1) {
      await put(client, SecretId, String(index));
    }
    const labelled = await client.send(new ListSecretVersionIdsCommand({ SecretId }));
    expect(labelled.ARN).toBe(arn);
    expect(labelled.Versions).toHaveLength(2);
    const options = { SecretId, IncludeDeprecated: true, MaxResults: 60 };
    const page = await client.send(new ListSecretVersionIdsCommand(options));
    const rest = await client.send(
      new ListSecretVersionIdsCommand({ ...options, NextToken: page.NextToken }),
    );
    expect(page.Versions).toHaveLength(60);
    expect(rest.Versions).toHaveLength(40);
    await fails(read(client, SecretId, { VersionId: first }), 'ResourceNotFoundException');
    await fails(
      client.send(new ListSecretVersionIdsCommand({ ...options, NextToken: 'nonsense' })),
      'InvalidNextTokenException',
    );
  });

  // moto fails with an internal error.
  it('answers ResourceNotFoundException to ListSecretVersionIds of no secret', async () => {
    const { client } = await startLocal();
    await fails(
      client.send(new ListSecretVersionIdsCommand({ SecretId: uniqueName() })),
      'ResourceNotFoundException',
    );
  });

  // moto names the first error InvalidParameterValue, and draws from what is left in the second.
  it('refuses a random password that is too long or has no character of a required type', async () => {
    const { client } = await startLocal();
    await fails(
      client.send(new GetRandomPasswordCommand({ PasswordLength: 4097 })),
      'ValidationException',
    );
    await fails(
      client.send(new GetRandomPasswordCommand({ ExcludeCharacters: '0123456789' })),
      'InvalidParameterException',
    );
  });

  // moto rotates without a function, by a label.
  it('refuses to rotate without a rotation function', async () => {
    const { client } = await startLocal({ rotate: async () => {} });
    const { name: SecretId } = await createSecret(client, 'value');
    await fails(client.send(new RotateSecretCommand({ SecretId })), 'InvalidRequestException');
    const { client: without } = await startLocal();
    const { name } = await createSecret(without, 'value');
    await fails(
      without.send(new RotateSecretCommand({ SecretId: name, RotationLambdaARN: FUNCTION_ARN })),
      'AccessDeniedException',
    );
  });
});

/** A rotation function in four steps, against whatever endpoint it is given, with its calls. */
function createRotationFunction() {
  const calls: RotationCall[] = [];
  const state: { client?: SecretsManagerClient; failingStep?: string } = {};
  const rotate = async (call: RotationCall): Promise<void> => {
    calls.push(call);
    const { client } = state;
    const { SecretId, ClientRequestToken, Step, RotationToken } = call.event;
    if (client === undefined || Step === state.failingStep) {
      throw new Error(`${Step} fails`);
    }
    if (Step === 'createSecret') {
      const pending = { VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' };
      const existing = await read(client, SecretId, pending).catch((error: Error) => error.name);
      if (existing === 'ResourceNotFoundException') {
        await client.send(
          new PutSecretValueCommand({
            SecretId,
            ClientRequestToken,
            RotationToken,
            SecretString: `made by ${ClientRequestToken}`,
            VersionStages: ['AWSPENDING'],
          }),
        );
      }
    }
    if (Step === 'finishSecret') {
      const stages = await stagesOf(client, SecretId);
      const current = Object.keys(stages).find((id) => stages[id]?.includes('AWSCURRENT'));
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          RemoveFromVersionId: current,
          MoveToVersionId: ClientRequestToken,
        }),
      );
    }
  };
  return { calls, state, rotate };
}

async function startRotating(options: SecretsManagerOptions = {}) {
  const rotation = createRotationFunction();
  const failures: RotationFailure[] = [];
  const clock = { now: START };
  const local = await startLocal({
    now: () => clock.now,
    rotate: rotation.rotate,
    onRotationFailure: (failure) => failures.push(failure),
    ...options,
  });
  rotation.state.client = local.client;
  return { ...local, ...rotation, clock, failures };
}

const MONTHLY = { RotationLambdaARN: FUNCTION_ARN, RotationRules: { AutomaticallyAfterDays: 30 } };

describe('rotation by the embedded Secrets Manager', () => {
  it('answers first, then calls the four steps in order with the event that AWS sends', async () => {
    const { client, server, calls } = await startRotating();
    const { arn, name, versionId: first } = await createSecret(client, 'old');
    const ClientRequestToken = randomUUID();
    const answer = await client.send(
      new RotateSecretCommand({ SecretId: name, ClientRequestToken, ...MONTHLY }),
    );
    expect(answer).toMatchObject({ ARN: arn, Name: name, VersionId: ClientRequestToken });
    await server.rotationsSettled();
    expect(calls.map((call) => call.event.Step)).toEqual([
      'createSecret',
      'setSecret',
      'testSecret',
      'finishSecret',
    ]);
    for (const call of calls) {
      expect(call).toEqual({
        functionArn: FUNCTION_ARN,
        event: {
          Step: expect.any(String),
          SecretId: arn,
          ClientRequestToken,
          RotationToken: calls[0]?.event.RotationToken,
        },
      });
    }
    expect(await read(client, name)).toBe(`made by ${ClientRequestToken}`);
    expect(await stagesOf(client, name)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [ClientRequestToken]: ['AWSCURRENT', 'AWSPENDING'],
    });
    const described = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(described).toMatchObject({
      RotationEnabled: true,
      RotationLambdaARN: FUNCTION_ARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
      LastRotatedDate: new Date(START),
      NextRotationDate: new Date(START + 30 * DAY),
    });
  });

  it('shows the placeholder of a rotation as a pending version without a value', async () => {
    const { client, state, server, failures } = await startRotating();
    state.failingStep = 'createSecret';
    const { name, versionId } = await createSecret(client, 'old');
    const ClientRequestToken = randomUUID();
    await client.send(new RotateSecretCommand({ SecretId: name, ClientRequestToken, ...MONTHLY }));
    await server.rotationsSettled();
    expect(await stagesOf(client, name)).toEqual({
      [versionId]: ['AWSCURRENT'],
      [ClientRequestToken]: ['AWSPENDING'],
    });
    await fails(
      read(client, name, { VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' }),
      'ResourceNotFoundException',
    );
    await fails(
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: name,
          VersionStage: 'AWSCURRENT',
          RemoveFromVersionId: versionId,
          MoveToVersionId: ClientRequestToken,
        }),
      ),
      'InvalidRequestException',
    );
    expect(failures).toMatchObject([{ step: 'createSecret', error: { message: /fails/ } }]);
  });

  it('refuses a rotation while one is unfinished, and tries that one again', async () => {
    const { client, state, server, calls } = await startRotating();
    state.failingStep = 'testSecret';
    const { name: SecretId } = await createSecret(client, 'old');
    const ClientRequestToken = randomUUID();
    await client.send(new RotateSecretCommand({ SecretId, ClientRequestToken, ...MONTHLY }));
    await server.rotationsSettled();
    delete state.failingStep;
    await expect(client.send(new RotateSecretCommand({ SecretId }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: "A previous rotation isn't complete. That rotation will be reattempted.",
    });
    await server.rotationsSettled();
    expect(new Set(calls.map((call) => call.event.ClientRequestToken))).toEqual(
      new Set([ClientRequestToken]),
    );
    expect(await read(client, SecretId)).toBe(`made by ${ClientRequestToken}`);
    await client.send(new RotateSecretCommand({ SecretId }));
    await server.rotationsSettled();
    expect(await read(client, SecretId, { VersionStage: 'AWSPREVIOUS' })).toBe(
      `made by ${ClientRequestToken}`,
    );
  });

  it('starts one rotation however often its request is repeated', async () => {
    const { client, server, calls } = await startRotating();
    const { name: SecretId } = await createSecret(client, 'old');
    const command = { SecretId, ClientRequestToken: randomUUID(), ...MONTHLY };
    await Promise.all(
      Array.from({ length: 10 }, () => client.send(new RotateSecretCommand(command))),
    );
    await server.rotationsSettled();
    await client.send(new RotateSecretCommand(command));
    await server.rotationsSettled();
    expect(calls).toHaveLength(4);
  });

  it('reports a function that returns and leaves its version pending', async () => {
    const { client, server, failures } = await startRotating({ rotate: async () => {} });
    const { arn, name: SecretId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, ...MONTHLY }));
    await server.rotationsSettled();
    expect(failures).toMatchObject([{ secretId: arn, error: { message: /AWSPENDING/ } }]);
    const described = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(described.LastRotatedDate).toBeUndefined();
  });

  it('logs the secret and the step of a failure, and nothing that the function said', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    const { client, server } = await startLocal({
      rotate: () => Promise.reject(new Error('cannot set hunter2')),
    });
    const { arn, name: SecretId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, ...MONTHLY }));
    await server.rotationsSettled();
    expect(logged.mock.calls).toHaveLength(1);
    expect(JSON.parse(String(logged.mock.calls[0]))).toEqual({
      level: 'ERROR',
      message: 'A rotation failed',
      secretId: arn,
      step: 'createSecret',
      error: 'Error',
    });
  });

  it('runs testSecret alone when not to rotate at once, and takes its version away again', async () => {
    const seen: unknown[] = [];
    const box: { client?: SecretsManagerClient } = {};
    const { client, server } = await startRotating({
      rotate: async ({ event }) => {
        const pending = { VersionId: event.ClientRequestToken, VersionStage: 'AWSPENDING' };
        seen.push([event.Step, box.client && (await read(box.client, event.SecretId, pending))]);
      },
    });
    box.client = client;
    const { name: SecretId, versionId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, RotateImmediately: false, ...MONTHLY }));
    await server.rotationsSettled();
    expect(seen).toEqual([['testSecret', 'old']]);
    expect(await stagesOf(client, SecretId)).toEqual({ [versionId]: ['AWSCURRENT'] });
    const described = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(described.LastRotatedDate).toBeUndefined();
    expect(described.NextRotationDate).toEqual(new Date(START + 30 * DAY));
  });

  it('rotates what is due when the clock has moved, and nothing else', async () => {
    const { client, server, clock } = await startRotating();
    const monthly = await createSecret(client, 'a');
    const daily = await createSecret(client, 'b');
    const cancelled = await createSecret(client, 'c');
    for (const { name: SecretId, days } of [
      { ...monthly, days: 30 },
      { ...daily, days: 1 },
      { ...cancelled, days: 1 },
    ]) {
      await client.send(
        new RotateSecretCommand({
          SecretId,
          RotationLambdaARN: FUNCTION_ARN,
          RotationRules: { AutomaticallyAfterDays: days },
          RotateImmediately: false,
        }),
      );
    }
    await client.send(new CancelRotateSecretCommand({ SecretId: cancelled.name }));
    await server.rotationsSettled();
    expect(await server.runDueRotations()).toEqual({ rotated: [], failed: [] });
    clock.now += DAY - 1;
    expect(await server.runDueRotations()).toEqual({ rotated: [], failed: [] });
    clock.now += 1;
    expect(await server.runDueRotations()).toEqual({ rotated: [daily.arn], failed: [] });
    expect(await server.runDueRotations()).toEqual({ rotated: [], failed: [] });
    clock.now += 30 * DAY;
    const { rotated } = await server.runDueRotations();
    expect([...rotated].sort()).toEqual([monthly.arn, daily.arn].sort());
    expect(await read(client, cancelled.name)).toBe('c');
  });

  it('tries a due rotation that failed again with the same version', async () => {
    const { client, server, clock, state, calls } = await startRotating();
    const { arn, name: SecretId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, RotateImmediately: false, ...MONTHLY }));
    await server.rotationsSettled();
    calls.length = 0;
    clock.now += 31 * DAY;
    state.failingStep = 'setSecret';
    expect(await server.runDueRotations()).toEqual({ rotated: [], failed: [arn] });
    delete state.failingStep;
    expect(await server.runDueRotations()).toEqual({ rotated: [arn], failed: [] });
    expect(new Set(calls.map((call) => call.event.ClientRequestToken)).size).toBe(1);
  });

  it('counts a value put by hand as a rotation', async () => {
    const { client, server, clock } = await startRotating();
    const { name: SecretId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, ...MONTHLY }));
    await server.rotationsSettled();
    clock.now += 20 * DAY;
    await put(client, SecretId, 'by hand');
    const { NextRotationDate } = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(NextRotationDate).toEqual(new Date(START + 50 * DAY));
  });

  it('stops a rotation that is cancelled between its steps, and names its version', async () => {
    const steps: string[] = [];
    const box: { client?: SecretsManagerClient } = {};
    const { client, server } = await startRotating({
      rotate: async ({ event }) => {
        steps.push(event.Step);
        const cancelled = await box.client?.send(
          new CancelRotateSecretCommand({ SecretId: event.SecretId }),
        );
        expect(cancelled?.VersionId).toBe(event.ClientRequestToken);
      },
    });
    box.client = client;
    const { name: SecretId } = await createSecret(client, 'old');
    await client.send(new RotateSecretCommand({ SecretId, ...MONTHLY }));
    await server.rotationsSettled();
    expect(steps).toEqual(['createSecret']);
    const described = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(described).toMatchObject({ RotationEnabled: false, RotationLambdaARN: FUNCTION_ARN });
    expect(described.NextRotationDate).toBeUndefined();
    await fails(client.send(new RotateSecretCommand({ SecretId })), 'InvalidRequestException');
  });

  it.each([
    ['rate(4 hours)', '2026-01-01T16:00Z'],
    ['rate(1 day)', '2026-01-02T12:00Z'],
    ['cron(0 2 * * ? *)', '2026-01-02T02:00Z'],
    ['cron(0 /8 * * ? *)', '2026-01-01T16:00Z'],
    ['cron(0 16 1,15 * ? *)', '2026-01-01T16:00Z'],
    ['cron(0 9 ? * MON-FRI *)', '2026-01-02T09:00Z'],
    ['cron(0 9 ? * 1 *)', '2026-01-04T09:00Z'],
    ['cron(0 0 1 MAR,JUN ? *)', '2026-03-01T00:00Z'],
    ['cron(0 0 29 2 ? *)', '2028-02-29T00:00Z'],
  ])('after noon of 1 January 2026, finds the next rotation by %s at %s', (expression, next) => {
    const due = nextRotation({ ScheduleExpression: expression }, START);
    expect(due).toBe(Date.parse(next));
  });

  it('finds no next rotation without a schedule or by one that is over', () => {
    expect(nextRotation({}, START)).toBeUndefined();
    const over = { ScheduleExpression: 'cron(0 0 1 1 ? 2020)' };
    expect(nextRotation(over, START)).toBeUndefined();
  });

  it.each([
    'rate(3 hours)',
    'rate(10 minutes)',
    'rate(5)',
    'cron(0 2 * * ?)',
    'cron(5 2 * * ? *)',
    'cron(0 24 * * ? *)',
    'cron(0 2 L * ? *)',
    'cron(0 2 ? * MON-XXX *)',
    'cron(0 2 0-1-2 * ? *)',
    'daily',
  ])('refuses the schedule %s', async (ScheduleExpression) => {
    const { client } = await startRotating();
    const { name: SecretId } = await createSecret(client, 'old');
    const RotationRules = { ScheduleExpression };
    await fails(
      client.send(
        new RotateSecretCommand({ SecretId, RotationLambdaARN: FUNCTION_ARN, RotationRules }),
      ),
      'InvalidParameterException',
    );
  });
});

describe('the state file of the embedded Secrets Manager', () => {
  async function createFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-manager-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  it('brings everything back after a restart, and is for its owner alone', async () => {
    const folder = await createFolder();
    const file = join(folder, 'state', 'secrets.json');
    const before = await startRotating({ file });
    const { name } = await createSecret(before.client, 'one');
    await before.client.send(
      new TagResourceCommand({ SecretId: name, Tags: [{ Key: 'a', Value: 'b' }] }),
    );
    await before.client.send(new RotateSecretCommand({ SecretId: name, ...MONTHLY }));
    await before.server.rotationsSettled();
    const binary = uniqueName();
    await before.client.send(
      new CreateSecretCommand({ Name: binary, SecretBinary: Uint8Array.of(0, 255) }),
    );
    const list = (client: SecretsManagerClient) =>
      client.send(new ListSecretsCommand({})).then((answer) => answer.SecretList);
    const value = await read(before.client, name);
    const listed = await list(before.client);
    await before.stop();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'state'))).toEqual(['secrets.json']);

    const after = await startRotating({ file });
    expect(await list(after.client)).toEqual(listed);
    expect(await read(after.client, name)).toBe(value);
    expect(await read(after.client, name, { VersionStage: 'AWSPREVIOUS' })).toBe('one');
    after.clock.now += 30 * DAY;
    expect((await after.server.runDueRotations()).rotated).toHaveLength(1);
  });

  it('forgets the pending version of a trial that a crash cut short', async () => {
    const file = join(await createFolder(), 'secrets.json');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = await startRotating({ file, rotate: () => held });
    const { name: SecretId, versionId } = await createSecret(first.client, 'value');
    await first.client.send(
      new RotateSecretCommand({ SecretId, RotateImmediately: false, ...MONTHLY }),
    );
    expect(Object.keys(await stagesOf(first.client, SecretId))).toHaveLength(2);
    const copy = `${file}.copy`;
    await writeFile(copy, await readFile(file));
    release();
    const second = await startRotating({ file: copy });
    expect(await stagesOf(second.client, SecretId)).toEqual({ [versionId]: ['AWSCURRENT'] });
  });

  it('keeps nothing of a change that cannot be written', async () => {
    const folder = await createFolder();
    const { client } = await startLocal({ file: join(folder, 'secrets.json') });
    const { name, versionId } = await createSecret(client, 'one');
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    await rename(folder, `${folder}.away`);
    await fails(put(client, name, 'a value that nobody logs'), 'InternalServiceError');
    await rename(`${folder}.away`, folder);
    expect(await read(client, name)).toBe('one');
    expect(await stagesOf(client, name)).toEqual({ [versionId]: ['AWSCURRENT'] });
    expect(logged.mock.calls).toHaveLength(1);
    expect(String(logged.mock.calls)).toContain('ENOENT');
    expect(String(logged.mock.calls)).not.toContain('nobody logs');
  });

  it.each([
    { name: 'is not JSON', content: '{"secrets": "do not quote me' },
    { name: 'is of another format', content: '{"format":99,"secrets":[]}' },
    { name: 'is null', content: 'null' },
  ])('refuses to start on a file that $name, and does not quote it', async ({ content }) => {
    const file = join(await createFolder(), 'secrets.json');
    await writeFile(file, content);
    const error = await startSecretsManager({ file }).catch((reason: unknown) => reason);
    expect(String(error)).toContain(`${file} is not a state file`);
    expect(String(error)).not.toContain('quote me');
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  it('makes a file that others could read private with its first change', async () => {
    const file = join(await createFolder(), 'secrets.json');
    await writeFile(file, '{"format":1,"secrets":[]}');
    await chmod(file, 0o644);
    const { client } = await startLocal({ file });
    await createSecret(client, 'value');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

interface RawRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly host?: string;
}

function send(endpoint: string, { method = 'POST', headers, body, host }: RawRequest) {
  const { hostname, port } = new URL(endpoint);
  return new Promise<{ status: number | undefined; body: Record<string, string> }>(
    (resolve, reject) => {
      const outgoing = request({ host: host ?? hostname, port, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, body: JSON.parse(String(Buffer.concat(chunks))) }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    },
  );
}

function target(operation: string): Record<string, string> {
  return { 'X-Amz-Target': `secretsmanager.${operation}` };
}

const NOT_UTF_8 = Buffer.of(0x22, 0xff, 0x22);
const TWO_MEGABYTES = 'x'.repeat(2_097_152);
const NAMED = `"Name":"x","ClientRequestToken":"${randomUUID()}"`;

describe('the wire of the embedded Secrets Manager', () => {
  it.each([
    ['no target', '', '{}', 'UnknownOperationException'],
    ['an unknown operation', 'StopTime', '{}', 'UnknownOperationException'],
    ['the name of an object method', 'constructor', '{}', 'UnknownOperationException'],
    ['broken JSON', 'GetSecretValue', '{"SecretId": ', 'SerializationException'],
    ['bytes that are not UTF-8', 'GetSecretValue', NOT_UTF_8, 'SerializationException'],
    ['a list', 'GetSecretValue', '[]', 'SerializationException'],
    ['null', 'GetSecretValue', 'null', 'SerializationException'],
    ['a number for a text', 'GetSecretValue', '{"SecretId":7}', 'SerializationException'],
    ['a text for a list', 'BatchGetSecretValue', '{"SecretIdList":"a"}', 'SerializationException'],
    [
      'no texts in a list',
      'BatchGetSecretValue',
      '{"SecretIdList":[{}]}',
      'SerializationException',
    ],
    ['a fraction', 'GetRandomPassword', '{"PasswordLength":4.5}', 'SerializationException'],
    [
      'a text for a boolean',
      'GetRandomPassword',
      '{"IncludeSpace":"no"}',
      'SerializationException',
    ],
    ['a tag that is a text', 'CreateSecret', `{${NAMED},"Tags":["a"]}`, 'SerializationException'],
    ['no base64', 'CreateSecret', `{${NAMED},"SecretBinary":"*"}`, 'SerializationException'],
    ['no name', 'CreateSecret', '{"ClientRequestToken":"x"}', 'ValidationException'],
    ['no token', 'CreateSecret', '{"Name":"x"}', 'InvalidRequestException'],
    ['an empty body', 'GetSecretValue', '', 'ValidationException'],
    ['two megabytes', 'CreateSecret', TWO_MEGABYTES, 'RequestEntityTooLargeException'],
  ])('is given %s, names the error, and goes on', async (_, operation, body, error) => {
    const { server, client } = await startLocal();
    const answer = await send(server.endpoint, { headers: target(operation), body });
    expect(answer.status).toBe(error === 'RequestEntityTooLargeException' ? 413 : 400);
    expect(answer.body.__type).toBe(error);
    expect(answer.body.message ?? answer.body.Message).toMatch(/\w/);
    await createSecret(client, 'still here');
  });

  it('serves neither another service, another method nor a page by another host name', async () => {
    const { server } = await startLocal();
    const headers = target('ListSecrets');
    for (const [raw, error] of [
      [{ headers: { 'X-Amz-Target': 'DynamoDB_20120810.GetItem' } }, 'UnknownOperationException'],
      [{ headers, method: 'PUT' }, 'UnknownOperationException'],
      [{ headers: { ...headers, Host: 'attacker.example' } }, 'AccessDeniedException'],
    ] as const) {
      const answer = await send(server.endpoint, { ...raw, body: '{}' });
      expect(answer).toMatchObject({ status: 400, body: { __type: error } });
    }
  });

  it('survives connections that send no HTTP or end in the middle of a body', async () => {
    const { server, client } = await startLocal();
    const outgoing = request(server.endpoint, {
      method: 'POST',
      headers: { ...target('CreateSecret'), 'Content-Length': '100' },
    });
    outgoing.on('error', () => {});
    outgoing.write('{"Name":');
    await new Promise((resolve) => setTimeout(resolve, 50));
    outgoing.destroy();
    await new Promise((resolve) => outgoing.once('close', resolve));
    const socket = connect(Number(new URL(server.endpoint).port), '127.0.0.1');
    socket.write('not a request\r\n\r\n');
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"__type":"SerializationException"/s);
    await createSecret(client, 'still here');
  });

  it('has AWS JSON answers that nobody caches, with the messages of AWS', async () => {
    const { server } = await startLocal();
    const answer = await fetch(server.endpoint, {
      method: 'POST',
      headers: target('GetSecretValue'),
      body: '{"SecretId":"absent"}',
    });
    expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.1');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await answer.json()).toEqual({
      __type: 'ResourceNotFoundException',
      Message: "Secrets Manager can't find the specified secret.",
    });
  });

  it('listens on loopback only', async () => {
    const { server } = await startLocal();
    expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => address.family === 'IPv4' && !address.internal);
    for (const { address } of others) {
      await expect(
        send(server.endpoint, { host: address, headers: target('ListSecrets'), body: '{}' }),
      ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });

  it('rejects when its port is taken, and frees it when closed', async () => {
    const { server, stop } = await startLocal();
    const port = Number(new URL(server.endpoint).port);
    await expect(startSecretsManager({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await stop();
    const again = await startLocal({ port });
    expect(again.server.endpoint).toBe(server.endpoint);
  });

  it('takes the Region and the account of its ARNs from its options', async () => {
    const { client } = await startLocal({ region: 'eu-west-1', accountId: '123456789012' });
    const { arn } = await createSecret(client, 'value');
    expect(arn).toMatch(/^arn:aws:secretsmanager:eu-west-1:123456789012:secret:/);
  });
});
