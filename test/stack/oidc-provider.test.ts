import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findOnPath } from '../support/moto.ts';
import { type Packaged, packageStage, type Value } from './packaged.ts';

const root = resolve(import.meta.dirname, '../..');
const ISSUER = 'abc123.execute-api.eu-west-1.amazonaws.com';
const PROVIDER_ARN = `arn:aws:iam::123456789012:oidc-provider/${ISSUER}`;

/** What CloudFormation would find when the stack is up. */
const VALUES: Record<string, string> = {
  HttpApi: 'abc123',
  'AWS::Region': 'eu-west-1',
  'AWS::URLSuffix': 'amazonaws.com',
  OidcProvider: PROVIDER_ARN,
};

describe('with oidcProvider on', () => {
  let folder: string;
  let packaged: Packaged;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-oidc-'));
    const parameters = ['oidcProvider=on', 'oidcAudiences=importer,exporter'];
    const options = parameters.flatMap((parameter) => ['--param', parameter]);
    packaged = await packageStage('dev', folder, {}, options);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const propertiesOf = (name: string) => packaged.template.Resources[name]?.Properties ?? {};

  it('has IAM trust the issuer, for its clients and the API that their tokens are for', () => {
    const { Url, ClientIdList, ...others } = propertiesOf('OidcProvider');
    expect(evaluate(Url)).toBe(`https://${ISSUER}`);
    expect(evaluate(ClientIdList)).toEqual(['importer', 'exporter', 'sts.amazonaws.com']);
    expect(others).toEqual({});
  });

  it('has a role that demands issuer, client, subject and API, and may do nothing yet', () => {
    const { AssumeRolePolicyDocument, Description, ...others } = propertiesOf('OidcExampleRole');
    expect(JSON.parse(String(evaluate(AssumeRolePolicyDocument)))).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: PROVIDER_ARN },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: {
            StringEquals: {
              [`${ISSUER}:aud`]: ['importer', 'exporter'],
              [`${ISSUER}:sub`]: ['importer', 'exporter'],
              [`${ISSUER}:oaud`]: 'sts.amazonaws.com',
            },
          },
        },
      ],
    });
    expect(Description).toMatch(/example/);
    expect(others).toEqual({});
  });

  it('puts out the ARNs of both', () => {
    expect(packaged.template.Outputs).toMatchObject({
      OidcProviderArn: { Value: { Ref: 'OidcProvider' } },
      OidcExampleRoleArn: { Value: { 'Fn::GetAtt': ['OidcExampleRole', 'Arn'] } },
      Issuer: {},
    });
  });

  const cfnLint = findOnPath('cfn-lint');
  it.skipIf(cfnLint === undefined)(
    'is nothing that cfn-lint complains of (skipped where cfn-lint is not on the PATH)',
    { timeout: 120_000 },
    () => {
      const { stdout, status } = spawnSync(cfnLint ?? '', [packaged.templateFile], {
        encoding: 'utf8',
      });
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
    },
  );
});

describe('the switch', () => {
  const LISTS = {
    oidcAudiences: 'importer',
    oidcSubjects: 'importer',
    oidcResourceServer: 'sts.amazonaws.com',
  };

  /** Runs the plugin as serverless would before it writes the template. */
  async function compile(position: string, changes: { issuer?: Value; lists?: object } = {}) {
    const file = join(root, 'stack', 'oidc-provider');
    const { default: OidcProvider } = await import(pathToFileURL(`${file}.mjs`).href);
    const templates = parse(await readFile(`${file}.yml`, 'utf8'));
    const compiled = { Resources: {}, Outputs: {} };
    const plugin = new OidcProvider({
      classes: { Error },
      service: {
        provider: { compiledCloudFormationTemplate: compiled },
        custom: {
          oidcProvider: {
            template: templates[position] ?? '',
            issuer: changes.issuer ?? { 'Fn::Sub': `https://${ISSUER}` },
            lists: { ...LISTS, ...changes.lists },
          },
        },
      },
    });
    plugin.hooks['before:package:finalize']();
    return Object.keys(compiled.Resources);
  }

  it('adds nothing where it is off', async () => {
    expect(await compile('off')).toEqual([]);
  });

  it('takes an issuer of one’s own', async () => {
    for (const issuer of ['https://auth.example.com', 'https://auth.example.com/realms/prod']) {
      expect(await compile('on', { issuer })).toEqual(['OidcProvider', 'OidcExampleRole']);
    }
  });

  it.each([
    ['maybe', {}, /^oidcProvider is either on or off$/],
    ['on', { issuer: 'http://auth.example.com' }, /IAM takes no issuer http:/],
    ['on', { issuer: 'https://auth.example.com:8443' }, /IAM takes no issuer .*no port/],
    ['on', { issuer: 'https://auth.example.com?a=b' }, /IAM takes no issuer/],
    ['on', { lists: { oidcAudiences: '' } }, /oidcAudiences is not a comma-separated list/],
    ['on', { lists: { oidcAudiences: 'a, b' } }, /oidcAudiences is not a comma-separated list/],
    ['on', { lists: { oidcSubjects: 'a","b' } }, /oidcSubjects is not a comma-separated list/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what CloudFormation would fill in
    ['on', { lists: { oidcSubjects: '${AWS::AccountId}' } }, /oidcSubjects is not a comma-sep/],
    ['on', { lists: { oidcAudiences: 'a,a' } }, /oidcAudiences names an id twice/],
  ])('%s with %j is refused', async (position, changes, reason) => {
    await expect(compile(position, changes)).rejects.toThrow(reason);
  });
});

/** The intrinsic functions that the template uses, as CloudFormation documents them. */
function evaluate(value: Value | undefined): Value {
  if (typeof value !== 'object') return value ?? '';
  if (Array.isArray(value)) return value.map(evaluate);
  const [name = '', argument = ''] = Object.entries(value)[0] ?? [];
  if (name === 'Ref') return foundAs(String(argument));
  const [first = '', second = ''] = Array.isArray(argument) ? argument : [argument, {}];
  if (name === 'Fn::Sub') {
    const own = second as { [name: string]: Value };
    return String(first).replace(/\$\{([\w:]+)\}/g, (_, variable: string) =>
      String(variable in own ? evaluate(own[variable]) : foundAs(variable)),
    );
  }
  const list = evaluate(second);
  if (name === 'Fn::Split') return String(list).split(String(first));
  if (name === 'Fn::Join' && Array.isArray(list)) return list.join(String(first));
  if (name === 'Fn::Select' && Array.isArray(list)) return list[Number(first)] ?? '';
  throw new Error(`no intrinsic function: ${name}`);
}

function foundAs(name: string): string {
  const value = VALUES[name];
  if (value === undefined) throw new Error(`CloudFormation would not know ${name}`);
  return value;
}
