import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  functionNameOf,
  functionsOf,
  type Packaged,
  packageStage,
  type Resource,
  referenceOf,
  resourcesOf,
  type Template,
  type Value,
} from './packaged.ts';

const STAGES = [
  { stage: 'dev', logRetentionInDays: 30, requestsPerSecond: 100, requestBurst: 200 },
  { stage: 'prod', logRetentionInDays: 365, requestsPerSecond: 1000, requestBurst: 2000 },
];

/** What the role of each function may do, and with what. Beside this, each may write to its own log group. */
const PERMISSIONS: Record<string, Record<string, string[]>> = {
  token: {
    ClientsTable: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    ResourceServersTable: ['dynamodb:GetItem'],
    UsersTable: ['dynamodb:GetItem'],
    PasswordsTable: ['dynamodb:GetItem'],
    PasswordAttemptsTable: ['dynamodb:UpdateItem'],
    RefreshTokensTable: ['dynamodb:PutItem'],
    SigningKeysSecret: ['secretsmanager:GetSecretValue'],
  },
  refresh: {
    ClientsTable: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    ResourceServersTable: ['dynamodb:GetItem'],
    UsersTable: ['dynamodb:GetItem'],
    SigningKeysTable: ['dynamodb:GetItem'],
    RefreshTokensTable: [
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ],
    RevocationsTable: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    SigningKeysSecret: ['secretsmanager:GetSecretValue'],
    SealingKeySecret: ['secretsmanager:GetSecretValue'],
  },
  jwks: { SigningKeysTable: ['dynamodb:Scan'] },
  metadata: {},
  authorizer: {},
  rotateSigningKey: {
    SigningKeysSecret: [
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
    ],
    SigningKeysTable: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },
  clientResource: {
    ClientsTable: [
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Scan',
      'dynamodb:UpdateItem',
    ],
    ResourceServersTable: [
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ],
    'secrets of clients': [
      'secretsmanager:CreateSecret',
      'secretsmanager:DeleteSecret',
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:RestoreSecret',
      'secretsmanager:RotateSecret',
      'secretsmanager:TagResource',
      'secretsmanager:UpdateSecretVersionStage',
    ],
    RotateClientSecretLambdaFunction: ['lambda:InvokeFunction'],
  },
  rotateClientSecret: {
    ClientsTable: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    'secrets of clients': [
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
    ],
  },
};

/** Who may write to a client, and which of its attributes alone. */
const CLIENT_ATTRIBUTES: Record<string, string[]> = {
  token: ['client_id', 'secret_uses'],
  refresh: ['client_id', 'secret_uses'],
  rotateClientSecret: ['client_id', 'secrets', 'secrets_version', 'secret_uses'],
};

/** The secrets of clients, whatever their names, in the place of a reference to one. */
const CLIENT_SECRETS = /:secret:latchkey-[a-z]+\/\*"/;

const LOG_ACTIONS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];

/** Every method, so that the functions answer 405 and preflights themselves. */
const ROUTES = {
  'ANY /oauth/token': 'token',
  'ANY /token': 'token',
  'ANY /oauth2/token': 'token',
  'ANY /realms/{realm}/protocol/openid-connect/token': 'token',
  'ANY /oauth/refresh': 'refresh',
  'ANY /.well-known/jwks.json': 'jwks',
  'ANY /certs': 'jwks',
  'ANY /realms/{realm}/protocol/openid-connect/certs': 'jwks',
  'ANY /.well-known/openid-configuration': 'metadata',
  'ANY /.well-known/oauth-authorization-server': 'metadata',
  'ANY /.well-known/oauth-authorization-server/realms/{realm}': 'metadata',
  'ANY /realms/{realm}/.well-known/openid-configuration': 'metadata',
};

/** What DynamoDB deletes by itself, some time after the second in `expires_at`. */
const EXPIRING_TABLES = [
  'PasswordAttemptsTable',
  'RefreshTokensTable',
  'RevocationsTable',
  'SigningKeysTable',
];

const KEPT = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' };

/** Properties that are names in the account, or in the whole of AWS. */
const NAMES = ['TableName', 'FunctionName', 'RoleName', 'PolicyName', 'LogGroupName', 'BucketName'];
const NAMED_BY_NAME = ['AWS::SecretsManager::Secret', 'AWS::ApiGatewayV2::Api'];

const stages = new Map<string, Packaged>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-template-'));
  // At once, as two people might.
  await Promise.all(
    STAGES.map(async ({ stage }) =>
      stages.set(stage, await packageStage(stage, join(folder, stage))),
    ),
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function packaged(stage: string): Packaged {
  const found = stages.get(stage);
  if (found === undefined) throw new Error(`${stage} was not packaged`);
  return found;
}

describe.each(STAGES)('the $stage stage', ({ stage, ...limits }) => {
  const template = () => packaged(stage).template;
  const all = (type: string) => Object.entries(resourcesOf(template(), type));

  it('is one zip per function and the template', async () => {
    const files = await readdir(join(folder, stage));
    const functions = Object.keys(PERMISSIONS);
    expect(files.filter((file) => file.endsWith('.zip')).sort()).toEqual(
      functions.map((name) => `${name}.zip`).sort(),
    );
    expect(Object.keys(functionsOf(template())).sort()).toEqual(functions.sort());
  });

  it('has tables that are paid by the request, encrypted, restorable and kept when the stack goes', () => {
    for (const [name, table] of all('AWS::DynamoDB::Table')) {
      expect({ name, ...table }).toMatchObject({
        name,
        ...KEPT,
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          SSESpecification: { SSEEnabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      });
    }
    expect(all('AWS::DynamoDB::Table')).toHaveLength(8);
  });

  it('has DynamoDB delete what expires, by expires_at, and nothing else', () => {
    const expiring = all('AWS::DynamoDB::Table').filter(
      ([, { Properties }]) => Properties.TimeToLiveSpecification !== undefined,
    );
    expect(expiring.map(([name]) => name).sort()).toEqual(EXPIRING_TABLES);
    for (const [, { Properties }] of expiring) {
      expect(Properties.TimeToLiveSpecification).toEqual({
        AttributeName: 'expires_at',
        Enabled: true,
      });
    }
  });

  it('has secrets that are kept when the stack goes, and the template none of their values', () => {
    const secrets = all('AWS::SecretsManager::Secret');
    expect(secrets.map(([name]) => name).sort()).toEqual(['SealingKeySecret', 'SigningKeysSecret']);
    for (const [name, secret] of secrets) {
      expect({ name, ...secret }).toMatchObject({ name, ...KEPT });
      const { SecretString, GenerateSecretString = {} } = secret.Properties;
      expect(SecretString).toBeUndefined();
      // A length and an alphabet, not a template with a part of the value.
      const generated = ['PasswordLength', 'ExcludePunctuation'];
      expect(generated).toEqual(expect.arrayContaining(Object.keys(GenerateSecretString)));
    }
  });

  it('has no parameter with a default, no key and no token in its text', () => {
    expect(template()).not.toHaveProperty('Parameters');
    expect(JSON.stringify(template())).not.toMatch(
      /-----BEGIN|AKIA[0-9A-Z]{16}|eyJ[\w-]+\.|"d":|[0-9a-f]{32}|SecretStringTemplate|\{\{resolve:/,
    );
  });

  it('runs every function on Node 24, on arm64, with logs in JSON', () => {
    for (const [name, { Properties }] of all('AWS::Lambda::Function')) {
      expect({ name, ...Properties }).toMatchObject({
        name,
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: { LogFormat: 'JSON' },
      });
    }
    expect(all('AWS::Lambda::Version')).toEqual([]);
  });

  it('ends the retention of every log group, and has one for every function', () => {
    const groups = all('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);
    expect(groups).toEqual(
      groups.map(({ LogGroupName }) => ({
        LogGroupName,
        RetentionInDays: limits.logRetentionInDays,
      })),
    );
    const expected = Object.keys(PERMISSIONS).map(
      (name) => `/aws/lambda/latchkey-${stage}-${name}`,
    );
    expect(groups.map(({ LogGroupName }) => LogGroupName).sort()).toEqual(expected.sort());
  });

  it('throttles its HTTP API', () => {
    expect(template().Resources.HttpApiStage?.Properties.DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: limits.requestsPerSecond,
      ThrottlingBurstLimit: limits.requestBurst,
    });
  });

  it('routes exactly what the HTTP surface names, any method', () => {
    expect(routesOf(template())).toEqual(ROUTES);
  });

  it('has a bucket for the code that nobody else can read', () => {
    expect(template().Resources.ServerlessDeploymentBucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    });
  });

  it('has nothing that only the demonstration uses, nor a role that no function has', () => {
    expect(all('AWS::ApiGatewayV2::Authorizer')).toEqual([]);
    const roles = Object.values(functionsOf(template())).map(({ Properties }) =>
      referenceOf(Properties.Role),
    );
    expect(all('AWS::IAM::Role').map(([name]) => name)).toEqual(roles);
    expect(new Set(roles).size).toBe(roles.length);
  });

  it.each(Object.keys(PERMISSIONS))('lets %s do what it must and no more', (name) => {
    const { permissions, logStatements } = roleOf(template(), name);
    expect(permissions).toEqual(PERMISSIONS[name]);
    expect(logStatements).toEqual([
      { group: `/aws/lambda/latchkey-${stage}-${name}`, actions: LOG_ACTIONS },
    ]);
  });

  it.each(Object.keys(PERMISSIONS))(
    'tells %s of the tables and secrets that it may use',
    (name) => {
      const { Environment } = functionsOf(template())[name]?.Properties ?? {};
      const { Variables = {} } = (Environment ?? {}) as Record<string, Record<string, Value>>;
      const told = Object.entries(Variables).filter(([variable]) =>
        /_(TABLE|SECRET)$/.test(variable),
      );
      const usable = Object.keys(PERMISSIONS[name] ?? {}).map((id) => {
        const { TableName, Name } = template().Resources[id]?.Properties ?? {};
        return TableName ?? Name;
      });
      const named = usable.filter((value) => value !== undefined);
      expect(told.map(([, value]) => value).sort()).toEqual(named.sort());
    },
  );

  it.each(Object.keys(CLIENT_ATTRIBUTES))(
    'lets %s write to a client what it must alone',
    (name) => {
      const role = referenceOf(functionsOf(template())[name]?.Properties.Role) ?? '';
      const conditions = statementsOf(template().Resources[role])
        .filter(
          ({ Action, Resource }) =>
            Action.includes('dynamodb:UpdateItem') && isOf(Resource, 'ClientsTable'),
        )
        .map(({ Action, Condition }) => ({ Action, Condition }));
      expect(conditions).toEqual([
        {
          Action: ['dynamodb:UpdateItem'],
          Condition: {
            'ForAllValues:StringEquals': { 'dynamodb:Attributes': CLIENT_ATTRIBUTES[name] },
            StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
          },
        },
      ]);
    },
  );

  it('lets the rotation of client secrets at none that it does not rotate', () => {
    const { rotateClientSecret } = functionsOf(template());
    const role = referenceOf(rotateClientSecret?.Properties.Role) ?? '';
    const statements = statementsOf(template().Resources[role]).filter(({ Action }) =>
      Action.some((action) => action.startsWith('secretsmanager:')),
    );
    const own = `:function:${rotateClientSecret?.Properties.FunctionName}`;
    expect(statements.map(({ Condition }) => Condition)).toEqual([
      {
        StringEquals: {
          'secretsmanager:resource/AllowRotationLambdaArn': {
            'Fn::Sub': expect.stringMatching(new RegExp(`${own}$`)),
          },
        },
      },
    ]);
  });

  it.each(['rotateSigningKey', 'rotateClientSecret'])(
    'has Secrets Manager, of this account alone, call %s',
    (name) => {
      const logicalId = `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`;
      const permissions = all('AWS::Lambda::Permission')
        .map(([, { Properties }]) => Properties)
        .filter(({ FunctionName }) => referenceOf(FunctionName) === logicalId);
      expect(permissions).toEqual([
        {
          FunctionName: { 'Fn::GetAtt': [logicalId, 'Arn'] },
          Action: 'lambda:InvokeFunction',
          Principal: 'secretsmanager.amazonaws.com',
          SourceAccount: { Ref: 'AWS::AccountId' },
        },
      ]);
    },
  );

  it('has only roles that Lambda takes on, without managed policies', () => {
    for (const [, { Properties }] of all('AWS::IAM::Role')) {
      expect(Properties.ManagedPolicyArns).toEqual([]);
      expect(Properties.AssumeRolePolicyDocument).toMatchObject({
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: ['lambda.amazonaws.com'] },
            Action: ['sts:AssumeRole'],
          },
        ],
      });
    }
  });

  it('carries its name in every physical name', () => {
    const names = physicalNames(template());
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !name.split(/[-/]/).includes(stage))).toEqual([]);
  });

  it('has no IAM OIDC provider, which is off until it is asked for', () => {
    expect(JSON.stringify(template())).not.toMatch(/oidc-?provider|OidcExample|WebIdentity/i);
  });

  it('takes nothing from another stack', () => {
    expect(JSON.stringify(template())).not.toContain('Fn::ImportValue');
  });
});

describe('the stages together', () => {
  it('share no physical name and no export', () => {
    const [dev, prod] = STAGES.map(({ stage }) => {
      const { template } = packaged(stage);
      const exports = Object.values(template.Outputs).map(({ Export }) => Export?.Name ?? '');
      return [...physicalNames(template), ...exports.filter(Boolean).map(String)];
    });
    expect(dev?.filter((name) => prod?.includes(name))).toEqual([]);
  });

  it.skipIf(!isOnPath('cfn-lint'))(
    'are nothing that cfn-lint complains of (skipped where cfn-lint is not on the PATH)',
    { timeout: 120_000 },
    () => {
      const files = STAGES.map(({ stage }) => packaged(stage).templateFile);
      const { stdout, status } = spawnSync('cfn-lint', files, { encoding: 'utf8' });
      expect(stdout).toBe('');
      expect(status).toBe(0);
    },
  );
});

function routesOf(template: Template): Record<string, string> {
  const { Resources } = template;
  const routes = Object.values(resourcesOf(template, 'AWS::ApiGatewayV2::Route'));
  return Object.fromEntries(
    routes.map(({ Properties }) => {
      const [, integration = ''] = /"Ref":"(\w+)"/.exec(JSON.stringify(Properties.Target)) ?? [];
      const target = referenceOf(Resources[integration]?.Properties.IntegrationUri) ?? '';
      return [String(Properties.RouteKey), functionNameOf(Resources[target])];
    }),
  );
}

interface Statement {
  Effect: string;
  Action: string[];
  Resource: Value[];
  Condition?: Value;
}

function isOf(resources: Value[], name: string): boolean {
  return resources.some((resource) => referenceOf(resource) === name);
}

/** The role of a function: actions by resource, and apart from them what it may do with logs. */
function roleOf(template: Template, functionName: string) {
  const role = referenceOf(functionsOf(template)[functionName]?.Properties.Role) ?? '';
  const permissions: Record<string, string[]> = {};
  const logStatements: { group: string; actions: string[] }[] = [];
  for (const { Effect, Action, Resource } of statementsOf(template.Resources[role])) {
    if (Effect !== 'Allow')
      throw new Error(`${functionName} has a statement that is none of Allow`);
    for (const resource of Resource) {
      const logGroup = /:log-group:([\w/-]+):\*:\*"/.exec(JSON.stringify(resource))?.[1];
      if (logGroup !== undefined) {
        logStatements.push({ group: logGroup, actions: Action.toSorted() });
        continue;
      }
      const text = JSON.stringify(resource);
      const name =
        referenceOf(resource) ?? (CLIENT_SECRETS.test(text) ? 'secrets of clients' : text);
      permissions[name] = [...(permissions[name] ?? []), ...Action].sort();
    }
  }
  return { permissions, logStatements };
}

function statementsOf(role: Resource | undefined): Statement[] {
  const policies = role?.Properties.Policies as unknown as {
    PolicyDocument: { Statement: Statement[] };
  }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** The names by which AWS knows what the stack makes; a joined one with its parts' dashes. */
function physicalNames(template: Template): string[] {
  return Object.values(template.Resources).flatMap(({ Type, Properties }) => {
    const policies = Array.isArray(Properties.Policies) ? Properties.Policies : [];
    const own = [Properties, ...policies].flatMap((holder) =>
      Object.entries(holder)
        .filter(([key]) => NAMES.includes(key) || (key === 'Name' && NAMED_BY_NAME.includes(Type)))
        .map(([, value]) => nameOf(value)),
    );
    return own.filter((name) => name !== undefined);
  });
}

/** Undefined for a reference, which is to what has its name elsewhere. */
function nameOf(value: Value): string | undefined {
  if (typeof value === 'string') return value;
  if (referenceOf(value) !== undefined) return undefined;
  const joined = (value as { 'Fn::Join'?: [string, Value[]] })['Fn::Join'];
  if (joined === undefined) throw new Error(`not a name: ${JSON.stringify(value)}`);
  const [separator, parts] = joined;
  return parts.map((part) => (typeof part === 'string' ? part : referenceOf(part))).join(separator);
}

function isOnPath(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}
