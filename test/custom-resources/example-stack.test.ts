import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, type ScalarTag, type Tags } from 'yaml';
import { createCanary } from '../end-to-end/canary.ts';
import { findOnPath } from '../support/moto.ts';
import {
  type Answer,
  type CloudFormation,
  type Properties,
  stackIdOf,
  startCloudFormation,
} from './cloud-formation.ts';

const FILE = 'docs/examples/declared-clients.yml';

interface Template {
  Resources: Record<string, { Type: string; Properties: Properties }>;
  Outputs: Record<string, { Value: unknown }>;
}

/** The short forms of intrinsic functions. */
const TAGS: Tags = [
  ...['Ref', 'GetAtt'].map(
    (name): ScalarTag => ({ tag: `!${name}`, resolve: (text) => ({ [name]: text }) }),
  ),
  { tag: '!ImportValue', collection: 'map', default: false },
];
const readTemplate = (): Template => parse(readFileSync(FILE, 'utf8'), { customTags: TAGS });

/** What CloudFormation knows of a resource that is there. */
interface Deployed {
  properties: Properties;
  answer: Answer;
}

/** A stack as CloudFormation drives one: in the order of references, with text in the place of all scalars. */
class Stack {
  readonly stackId = stackIdOf(`example-${randomUUID()}`);
  readonly deployed = new Map<string, Deployed>();
  readonly #cloudFormation: CloudFormation;

  constructor(cloudFormation: CloudFormation) {
    this.#cloudFormation = cloudFormation;
  }

  /** Creates and updates what differs, then deletes what is gone or was replaced. */
  async deploy(template: Template): Promise<void> {
    const own = Object.entries(template.Resources).filter(([, { Type }]) => isOwn(Type));
    const gone = new Map(this.deployed);
    const replaced: [string, Deployed][] = [];
    // The template names the API before the clients that refer to it.
    for (const [logicalId, { Type, Properties }] of own) {
      const before = this.deployed.get(logicalId);
      gone.delete(logicalId);
      const properties = this.resolve(Properties) as Properties;
      if (JSON.stringify(before?.properties) === JSON.stringify(properties)) continue;
      const answer = await this.#cloudFormation.request(before ? 'Update' : 'Create', {
        stackId: this.stackId,
        logicalId,
        resourceType: Type,
        properties,
        ...(before && {
          physicalId: before.answer.PhysicalResourceId,
          oldProperties: before.properties,
        }),
      });
      if (answer.Status === 'FAILED') throw new Error(answer.Reason);
      if (before && before.answer.PhysicalResourceId !== answer.PhysicalResourceId) {
        replaced.push([logicalId, before]);
      }
      this.deployed.set(logicalId, { properties, answer });
    }
    for (const [logicalId] of gone) this.deployed.delete(logicalId);
    for (const [logicalId, old] of [...replaced, ...gone].reverse()) {
      await this.#delete(logicalId, old);
    }
  }

  async remove(): Promise<void> {
    for (const [logicalId, deployed] of [...this.deployed].reverse()) {
      await this.#delete(logicalId, deployed);
    }
    this.deployed.clear();
  }

  async #delete(logicalId: string, { properties, answer }: Deployed): Promise<void> {
    const { Status, Reason } = await this.#cloudFormation.request('Delete', {
      stackId: this.stackId,
      logicalId,
      resourceType:
        'Grants' in properties ? 'Custom::LatchkeyClient' : 'Custom::LatchkeyResourceServer',
      properties,
      physicalId: answer.PhysicalResourceId,
    });
    if (Status === 'FAILED') throw new Error(Reason);
  }

  outputs({ Outputs }: Template): Record<string, unknown> {
    const entries = Object.entries(Outputs).map(([name, { Value }]) => [name, this.resolve(Value)]);
    return Object.fromEntries(entries);
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.resolve(one));
    if (typeof value !== 'object' || value === null) return String(value);
    if ('Ref' in value) return this.deployed.get(String(value.Ref))?.answer.PhysicalResourceId;
    if ('GetAtt' in value) {
      const [logicalId = '', attribute = ''] = String(value.GetAtt).split('.');
      return this.deployed.get(logicalId)?.answer.Data?.[attribute];
    }
    if ('Fn::Sub' in value) return 'arn:aws:lambda:eu-west-1:123456789012:function:f';
    const entries = Object.entries(value).map(([name, one]) => [name, this.resolve(one)]);
    return Object.fromEntries(entries);
  }
}

function isOwn(type: string): boolean {
  return type.startsWith('Custom::Latchkey');
}

/** A template that differs in some properties of one resource; undefined takes the resource away. */
function changed(logicalId: string, properties: Properties | undefined): Template {
  const template = readTemplate();
  const resource = template.Resources[logicalId];
  if (properties === undefined || resource === undefined) delete template.Resources[logicalId];
  else Object.assign(resource.Properties, properties);
  return template;
}

describe('the example stack', () => {
  it.skipIf(findOnPath('cfn-lint') === undefined)(
    'is nothing that cfn-lint complains of (skipped where cfn-lint is not on the PATH)',
    { timeout: 120_000 },
    () => {
      const { stdout, status } = spawnSync('cfn-lint', [FILE], { encoding: 'utf8' });
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
    },
  );

  it('is what the document shows the properties of', () => {
    const document = readFileSync('docs/declare-in-code.md', 'utf8');
    const properties = Object.values(readTemplate().Resources)
      .filter(({ Type }) => isOwn(Type))
      .flatMap(({ Properties }) => Object.keys(Properties));
    expect(properties.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('a whole life of the example stack', () => {
  const canary = createCanary();
  const log: unknown[] = [];
  let cloudFormation: CloudFormation;
  let stack: Stack;

  beforeAll(async () => {
    cloudFormation = await startCloudFormation();
    await cloudFormation.latchkey.createKeys();
    stack = new Stack(cloudFormation);
  });
  beforeEach(() => {
    for (const level of ['info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((line) => log.push(line));
    }
    return () => vi.restoreAllMocks();
  });
  afterAll(() => cloudFormation.close());

  async function credentials() {
    const {
      client_id = '',
      client_secret = '',
      scope = '',
    } = await cloudFormation.secretValue('latchkey-test/workflows-client');
    return { client_id, client_secret: canary.keep('client secret', client_secret), scope };
  }

  it('begins with all of it', async () => {
    await stack.deploy(readTemplate());
    const { Catalogue, WorkflowsClient } = Object.fromEntries(stack.deployed);
    expect(stack.outputs(readTemplate())).toEqual({
      WorkflowsClientId: 'workflows-client',
      WorkflowsSecretArn: WorkflowsClient?.answer.Data?.SecretArn,
      CatalogueClientId: Catalogue?.answer.PhysicalResourceId,
    });
    expect(WorkflowsClient?.answer.Data?.SecretArn).toMatch(
      /:secret:latchkey-test\/workflows-client-/,
    );
    expect(await cloudFormation.latchkey.stores.clients.list()).toHaveLength(2);
  });

  it('has a service that gets its tokens, without an audience claim', async () => {
    const response = await cloudFormation.latchkey.token({
      grant_type: 'client_credentials',
      ...(await credentials()),
    });
    expect(response).toMatchObject({ status: 200, json: { token_type: 'Bearer' } });
    const [, payload = ''] = canary.keep('token', response.json.access_token).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect(claims).toMatchObject({
      azp: 'workflows-client',
      scope: 'ingestion-server/stac:register',
      participantId: 'P1',
    });
    expect(claims).not.toHaveProperty('aud');
  });

  it('does nothing where nothing changed', async () => {
    const before = cloudFormation.callback.received.length;
    await stack.deploy(readTemplate());
    expect(cloudFormation.callback.received).toHaveLength(before);
  });

  it('changes scopes in place, and the secret stays', async () => {
    const before = await credentials();
    const Scopes = ['ingestion-server/stac:register', 'ingestion-server/stac:read'];
    const Grants = [{ Audience: { Ref: 'IngestionServer' }, Scopes }];
    await stack.deploy(changed('WorkflowsClient', { Grants }));
    expect(await credentials()).toEqual({ ...before, scope: Scopes.join(' ') });
    expect(await cloudFormation.works('workflows-client')).toBe(true);
  });

  it('replaces the API where its identifier changes, the clients following', async () => {
    await stack.deploy(changed('IngestionServer', { Identifier: 'ingestion-server-2' }));
    const servers = await cloudFormation.latchkey.stores.resourceServers.list();
    expect(servers.map(({ identifier }) => identifier)).toEqual(['ingestion-server-2']);
    const clients = await cloudFormation.latchkey.stores.clients.list();
    expect(clients.map(({ grants }) => Object.keys(grants))).toEqual([
      ['ingestion-server-2'],
      ['ingestion-server-2'],
    ]);
    await stack.deploy(readTemplate());
  });

  it('replaces a client where its id changes', async () => {
    await stack.deploy(changed('WorkflowsClient', { ClientId: 'workflows-client-2' }));
    expect(await cloudFormation.works('workflows-client-2')).toBe(true);
    expect(await cloudFormation.client('workflows-client')).toBeUndefined();
    await stack.deploy(readTemplate());
    expect(await cloudFormation.works('workflows-client')).toBe(true);
    expect(await cloudFormation.client('workflows-client-2')).toBeUndefined();
  });

  it('loses a resource that the template loses', async () => {
    await stack.deploy(changed('Catalogue', undefined));
    expect(await cloudFormation.latchkey.stores.clients.list()).toHaveLength(1);
  });

  it('ends with nothing but secrets that are about to go', async () => {
    await credentials();
    await stack.remove();
    expect(await cloudFormation.latchkey.stores.clients.list()).toEqual([]);
    expect(await cloudFormation.latchkey.stores.resourceServers.list()).toEqual([]);
    for (const name of await cloudFormation.secretNames()) {
      expect((await cloudFormation.describeSecret(name)).DeletedDate).toBeDefined();
    }
  });

  it('can begin anew', async () => {
    const again = new Stack(cloudFormation);
    await again.deploy(readTemplate());
    expect(await cloudFormation.works('workflows-client')).toBe(true);
    await credentials();
  });

  it('has shown no secret: not in an answer, not in a table, not in the log', async () => {
    expect(canary.count('client secret')).toBeGreaterThanOrEqual(3);
    const answers = cloudFormation.callback.received.map(({ text }) => text).join('\n');
    const tables = JSON.stringify(await cloudFormation.latchkey.items());
    expect(canary.findIn(answers)).toEqual([]);
    expect(canary.findIn(tables)).toEqual([]);
    expect(log.length).toBeGreaterThan(10);
    expect(canary.findIn(JSON.stringify(log))).toEqual([]);
    expect(JSON.stringify(log)).not.toContain(cloudFormation.callback.signature);
  });
});
