import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import { createTable } from '../../lib/aws/table.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { type ClientRegistration, newClient } from '../../lib/clients/registration.ts';
import { createFirstKeyset } from '../../lib/keys/first-keyset.ts';
import { createJwksStore } from '../../lib/keys/public-key-store.ts';
import {
  newResourceServer,
  type ResourceServerRegistration,
} from '../../lib/resource-servers/registration.ts';
import { createResourceServerStore } from '../../lib/resource-servers/resource-server-store.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { createPasswordStore } from '../../lib/users/password-store.ts';
import { addUser, type UserRegistration } from '../../lib/users/registration.ts';
import { createUserStore } from '../../lib/users/user-store.ts';
import { LOCAL_CREDENTIALS, LOCAL_CREDENTIALS_ENVIRONMENT } from '../../local/aws/credentials.ts';
import { readDefinitions } from '../../local/aws/definitions.ts';
import { startDynamoDB } from '../../local/aws/dynamodb.ts';
import { createSecrets } from '../../local/aws/secrets.ts';
import {
  type SecretsManagerOptions,
  startSecretsManager,
} from '../../local/aws/secrets-manager/server.ts';

export const ISSUER = 'https://auth.example.com';
const STAGE = 'test';

export interface TestRequest {
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  /** An object is sent as a form. */
  body?: string | Record<string, string>;
  isBase64Encoded?: boolean;
  sourceIp?: string;
  /** The Lambda context, as far as the test wants one. */
  context?: object;
}

export interface TestResponse {
  status: number;
  headers: Record<string, string>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the test expects
  json: any;
}

export type FunctionName = 'token' | 'refresh' | 'jwks' | 'metadata';
export type TestLatchkey = Awaited<ReturnType<typeof startLatchkey>>;

/**
 * The functions themselves, in this process, over the embedded DynamoDB and Secrets Manager. The modules are
 * imported when they are first called, so that a test can come between (a proxy, the clock).
 */
export async function startLatchkey({ rotate }: Pick<SecretsManagerOptions, 'rotate'> = {}) {
  const definitions = await readDefinitions('serverless.yml', STAGE);
  const local = await startDynamoDB({ tables: definitions.tables });
  const localSecrets = await startSecretsManager({ ...(rotate && { rotate }) });
  await createSecrets(localSecrets.endpoint, definitions.secrets);
  const dynamodb = new DynamoDBClient({ endpoint: local.endpoint, ...LOCAL_CREDENTIALS });
  const secretsManager = new SecretsManagerClient({
    endpoint: localSecrets.endpoint,
    ...LOCAL_CREDENTIALS,
  });
  const tableName = (name: string) => `latchkey-${STAGE}-${name}`;
  const environment = {
    ...LOCAL_CREDENTIALS_ENVIRONMENT,
    AWS_ENDPOINT_URL_DYNAMODB: local.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: localSecrets.endpoint,
    ISSUER,
    CLIENTS_TABLE: tableName('clients'),
    RESOURCE_SERVERS_TABLE: tableName('resource-servers'),
    USERS_TABLE: tableName('users'),
    PASSWORDS_TABLE: tableName('passwords'),
    PASSWORD_ATTEMPTS_TABLE: tableName('password-attempts'),
    REFRESH_TOKENS_TABLE: tableName('refresh-tokens'),
    REVOCATIONS_TABLE: tableName('revocations'),
    SIGNING_KEYS_TABLE: tableName('signing-keys'),
    SIGNING_KEYS_SECRET: `latchkey/${STAGE}/signing-keys`,
    SEALING_KEY_SECRET: `latchkey/${STAGE}/sealing-key`,
  };
  Object.assign(process.env, environment);

  const clients = createClientStore(dynamodb, environment.CLIENTS_TABLE);
  const resourceServers = createResourceServerStore(dynamodb, environment.RESOURCE_SERVERS_TABLE);
  const users = createUserStore(dynamodb, environment.USERS_TABLE);
  const passwords = createPasswordStore(dynamodb, environment.PASSWORDS_TABLE);
  const jwks = createJwksStore(dynamodb, environment.SIGNING_KEYS_TABLE);

  async function call(name: FunctionName, request: TestRequest): Promise<TestResponse> {
    const { handler } = await import(`../../functions/${name}.ts`);
    const result: APIGatewayProxyStructuredResultV2 = await handler(
      eventOf(request),
      request.context ?? {},
    );
    const text = result.body ?? '';
    const headers = Object.entries(result.headers ?? {}).map(([key, value]) => [key, `${value}`]);
    return {
      status: result.statusCode ?? 0,
      headers: Object.fromEntries(headers),
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
    };
  }

  return {
    dynamodb,
    secretsManager,
    environment,
    stores: { clients, resourceServers, users, passwords, jwks },
    call,
    token: (body: Record<string, string>, request: TestRequest = {}) =>
      call('token', { path: '/oauth/token', body, ...request }),
    refresh: (accessToken: string, request: TestRequest = {}) =>
      call('refresh', {
        path: '/oauth/refresh',
        ...request,
        headers: { authorization: `Bearer ${accessToken}`, ...request.headers },
      }),
    createKeys: () =>
      createFirstKeyset({
        secret: createSecretHandle(secretsManager, environment.SIGNING_KEYS_SECRET),
        jwks,
        now: nowInSeconds(),
      }),
    async addResourceServer(registration: ResourceServerRegistration) {
      const resourceServer = newResourceServer(registration, nowInSeconds());
      await resourceServers.add(resourceServer);
      return resourceServer;
    },
    async addClient(registration: ClientRegistration) {
      const { client, clientSecret = '' } = newClient(registration, nowInSeconds());
      await clients.add(client);
      return { client, clientSecret };
    },
    addUser: (registration: UserRegistration) =>
      addUser({ users, passwords }, registration, nowInSeconds()),
    rotationsSettled: () => localSecrets.rotationsSettled(),
    /** Every item of every table. */
    async items() {
      const tables = definitions.tables.map(({ TableName, KeySchema }) =>
        createTable(dynamodb, TableName, KeySchema[0]?.AttributeName ?? '').scan(),
      );
      return (await Promise.all(tables)).flat();
    },
    async close() {
      dynamodb.destroy();
      secretsManager.destroy();
      await local.close();
      await localSecrets.close();
    },
  };
}

/** The event that an HTTP API makes of a request (payload format 2.0). */
export function eventOf(request: TestRequest): APIGatewayProxyEventV2 {
  const { method = 'POST', path = '/', query = '', sourceIp = '203.0.113.7' } = request;
  const isForm = typeof request.body === 'object';
  const body =
    typeof request.body === 'object' ? new URLSearchParams(request.body).toString() : request.body;
  return {
    version: '2.0',
    routeKey: `ANY ${path}`,
    rawPath: path,
    rawQueryString: query,
    headers: {
      ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...request.headers,
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'auth.example.com',
      domainPrefix: 'auth',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp, userAgent: 'test' },
      requestId: 'request',
      routeKey: `ANY ${path}`,
      stage: '$default',
      time: '22/Nov/2026:00:00:00 +0000',
      timeEpoch: 1_795_305_600_000,
    },
    ...(body !== undefined && { body }),
    isBase64Encoded: request.isBase64Encoded ?? false,
  };
}
