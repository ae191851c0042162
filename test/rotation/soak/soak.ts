/**
 * The rotation soak: signing keys and the secret of a service client rotate again and again, each time with a fault,
 * while clients ask for tokens and verifiers with caches of various ages verify them. Months pass in seconds: the
 * clock is moved.
 *
 *     npm run -s soak -- --rotations 200 --seed 1
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { createTokenParts } from '../../../functions/parts.ts';
import { createSecretHandle } from '../../../lib/aws/secret.ts';
import { createClientSecretStore } from '../../../lib/clients/client-secret-store.ts';
import { createClientStore } from '../../../lib/clients/client-store.ts';
import { createJwksEndpoint } from '../../../lib/endpoints/jwks.ts';
import { createMetadataEndpoint } from '../../../lib/endpoints/metadata.ts';
import { createTokenEndpoint } from '../../../lib/endpoints/token.ts';
import { createAuthorizer } from '../../../lib/gateway/authorizer.ts';
import type { Endpoint } from '../../../lib/http/endpoint.ts';
import { errorResponse } from '../../../lib/http/error-response.ts';
import { createFetchJson } from '../../../lib/jwt/fetch-json.ts';
import { createJwksFetch } from '../../../lib/jwt/fetch-jwks.ts';
import { createRemoteKeys } from '../../../lib/jwt/remote-keys.ts';
import { createFirstKeyset } from '../../../lib/keys/first-keyset.ts';
import { proveSigningKey } from '../../../lib/keys/prove-signing-key.ts';
import { createJwksStore, type PublicKey } from '../../../lib/keys/public-key-store.ts';
import { VERIFIER_CACHE } from '../../../lib/keys/retention.ts';
import { withDeadline } from '../../../lib/lambda/deadline.ts';
import { clientCredentialsGrant } from '../../../lib/oauth/grants/client-credentials.ts';
import { LONGEST_ACCESS_TOKEN_LIFETIME } from '../../../lib/oauth/resource-server.ts';
import { newResourceServer } from '../../../lib/resource-servers/registration.ts';
import { createResourceServerStore } from '../../../lib/resource-servers/resource-server-store.ts';
import { createClientSecretRotation } from '../../../lib/rotation/client-secret.ts';
import { createRotationHandler } from '../../../lib/rotation/handler.ts';
import { createSigningKeyRotation } from '../../../lib/rotation/signing-key.ts';
import { ROTATION_STEPS, type RotationEvent } from '../../../lib/rotation/steps.ts';
import { JWKS_AGE, JWKS_AGE_ON_ERROR } from '../../../lib/runtime/ages.ts';
import { createCache } from '../../../lib/runtime/cache.ts';
import { settingsOf } from '../../../lib/runtime/settings.ts';
import { createRequestToken } from '../../../lib/service-clients/request-token.ts';
import { addServiceClient } from '../../../lib/service-clients/service-registration.ts';
import { createServiceSecretStore } from '../../../lib/service-clients/service-secret-store.ts';
import { LOCAL_CREDENTIALS } from '../../../local/aws/credentials.ts';
import { readDefinitions } from '../../../local/aws/definitions.ts';
import { startDynamoDB } from '../../../local/aws/dynamodb.ts';
import { createSecrets } from '../../../local/aws/secrets.ts';
import { startSecretsManager } from '../../../local/aws/secrets-manager/server.ts';
import { type Fault, startProxy } from '../../support/proxy.ts';

const MINUTE = 60;
const HOUR = 3600;
const OVERLAP = 24 * HOUR;
const SIGNING_KEYS = 'latchkey/soak/signing-keys';
const SERVICE = 'latchkey-soak/service';

/** What goes wrong in one rotation. */
const FAULTS = [
  'nothing',
  'killed',
  'repeated after success',
  'twice at once',
  'out of order',
  'Secrets Manager throttled',
  'DynamoDB timing out',
  'an answer lost',
] as const;

export interface SoakReport {
  rotations: number;
  /** Steps that were cut off, failed or refused, and made good by a later try. */
  failedSteps: number;
  tokens: number;
  verifications: number;
  /** Each is a sentence. */
  failures: string[];
}

/** @param seed the same seed has the same faults at the same places */
export async function soak({ rotations, seed }: { rotations: number; seed: number }) {
  const report: SoakReport = {
    rotations: 0,
    failedSteps: 0,
    tokens: 0,
    verifications: 0,
    failures: [],
  };
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const realNow = Date.now;
  let clock = Math.floor(realNow() / 1000);
  // What caches, keys and tokens go by; timers and time-outs stay what they are.
  Date.now = () => clock * 1000;
  const now = () => clock;
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const closing: (() => Promise<void> | void)[] = [
    () => {
      Date.now = realNow;
    },
  ];

  try {
    // The stores, as the functions reach them (through proxies that spoil calls), and as the soak itself does.
    const { tables, secrets } = await readDefinitions('serverless.yml', 'soak');
    const dynamodbServer = await startDynamoDB({ tables });
    closing.push(dynamodbServer.close);
    const secretsServer = await startSecretsManager({
      now: () => clock * 1000,
      rotate: ({ event }) => rotateWithFault(event),
      onRotationFailure: () => {},
    });
    closing.push(secretsServer.close);
    await createSecrets(secretsServer.endpoint, secrets);
    const dynamodbProxy = await startProxy(dynamodbServer.endpoint);
    const secretsProxy = await startProxy(secretsServer.endpoint);
    const isolation = await startProxy(secretsServer.endpoint);
    closing.push(dynamodbProxy.close, secretsProxy.close, isolation.close);
    // Few attempts: what is spoiled stays so until the next try of the whole step.
    const sdk = { ...LOCAL_CREDENTIALS, maxAttempts: 2 };
    const connect = (dynamodbEndpoint: string, secretsEndpoint: string) => {
      const dynamodb = new DynamoDBClient({ ...sdk, endpoint: dynamodbEndpoint });
      const secretsManager = new SecretsManagerClient({ ...sdk, endpoint: secretsEndpoint });
      closing.push(
        () => dynamodb.destroy(),
        () => secretsManager.destroy(),
      );
      return { dynamodb, secretsManager };
    };
    const direct = connect(dynamodbServer.endpoint, secretsServer.endpoint);
    const spoiled = connect(dynamodbProxy.endpoint, secretsProxy.endpoint);
    const isolated = connect(dynamodbServer.endpoint, isolation.endpoint);
    const table = (name: string) => `latchkey-soak-${name}`;

    // Whatever the functions are, behind HTTP.
    const endpoints = new Map<string, Endpoint>();
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const path = request.url ?? '';
      const answer = await endpoints
        .get(path)?.({
          method: request.method ?? '',
          path,
          headers: request.headers as Record<string, string>,
          query: '',
          body: Buffer.concat(chunks).toString(),
          sourceIp: '192.0.2.1',
        })
        .catch(errorResponse);
      response.writeHead(answer?.status ?? 404, answer?.headers).end(answer?.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => void server.close(),
      () => server.closeAllConnections(),
    );
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const settings = settingsOf({
      ISSUER: issuer,
      CLIENTS_TABLE: table('clients'),
      RESOURCE_SERVERS_TABLE: table('resource-servers'),
      SIGNING_KEYS_SECRET: SIGNING_KEYS,
    });
    /** A Lambda instance that gives tokens, with its own memory. */
    const tokenInstance = (stores: typeof direct): Endpoint => {
      return createTokenEndpoint({
        ...createTokenParts({ ...stores, settings, now, log: silent, metrics: { count() {} } }),
        grants: {
          client_credentials: clientCredentialsGrant,
          password: () => Promise.reject(new Error('not here')),
        },
        refreshTokens: { add: () => Promise.reject(new Error('not here')) },
      });
    };
    const instances: Record<string, () => Endpoint> = {
      'a new instance': () => tokenInstance(direct),
      'a warm instance': kept(tokenInstance(direct)),
      'an instance that cannot reach Secrets Manager': kept(tokenInstance(isolated)),
    };
    const jwks = createJwksStore(direct.dynamodb, table('signing-keys'));
    endpoints.set('/.well-known/openid-configuration', createMetadataEndpoint({ issuer }));
    endpoints.set(
      '/.well-known/jwks.json',
      createJwksEndpoint({
        keys: jwks,
        cache: createCache<readonly PublicKey[]>({
          maxAge: JWKS_AGE,
          maxAgeOnError: JWKS_AGE_ON_ERROR,
          capacity: 1,
          now,
          log: silent,
        }),
        now,
      }),
    );
    endpoints.set('/oauth2/token', (request) => pick(Object.values(instances))()(request));

    // The rotation functions, over the stores that are spoiled.
    const wait = async (milliseconds: number) => {
      clock += Math.ceil(milliseconds / 1000);
      await setImmediate();
    };
    const secretOf = (secretId: string) => createSecretHandle(spoiled.secretsManager, secretId);
    const handlers = {
      [SIGNING_KEYS]: createRotationHandler({
        withDeadline,
        secretOf,
        rotationOf: kept(
          createSigningKeyRotation({
            jwks: createJwksStore(spoiled.dynamodb, table('signing-keys')),
            fetchJwks: createJwksFetch(issuer, createFetchJson()),
            prove: proveSigningKey,
            minimumPublicAge: VERIFIER_CACHE,
            now,
            wait,
          }),
        ),
        log: silent,
      }),
      [SERVICE]: createRotationHandler({
        withDeadline,
        secretOf,
        rotationOf: createClientSecretRotation({
          issuer,
          overlap: OVERLAP,
          store: createClientSecretStore(spoiled.dynamodb, table('clients')),
          requestToken: createRequestToken(),
          now,
          wait,
        }),
        log: silent,
      }),
    };
    let fault: (typeof FAULTS)[number] = 'nothing';
    let spoil: { calls: number; how: Fault } | undefined;
    for (const proxy of [dynamodbProxy, secretsProxy]) {
      proxy.fault = () => {
        if (spoil === undefined) return undefined;
        spoil.calls -= 1;
        if (spoil.calls > 0) return undefined;
        return spoil.how;
      };
    }

    /** One step, with whatever goes wrong in this rotation, and requests before and after. */
    async function rotateWithFault(event: RotationEvent): Promise<void> {
      const name = event.SecretId.includes('signing-keys') ? SIGNING_KEYS : SERVICE;
      const handler = handlers[name];
      const attempt = () => handler(event);
      const tolerated = (run: Promise<void>) =>
        run.catch(() => {
          report.failedSteps += 1;
        });
      await probe('before a step');
      switch (fault) {
        case 'killed':
        case 'Secrets Manager throttled':
        case 'DynamoDB timing out':
          // From the n-th call on nothing gets through: the process is gone, or the store.
          spoil = {
            calls: 1 + Math.floor(random() * 8),
            how: fault === 'killed' ? 'reset' : 'throttle',
          };
          break;
        case 'an answer lost':
          spoil = { calls: 1 + Math.floor(random() * 8), how: 'lose-answer' };
          break;
        case 'out of order': {
          const other = pick(ROTATION_STEPS);
          await tolerated(handler({ ...event, Step: other }));
          break;
        }
        case 'twice at once':
          await Promise.all([tolerated(attempt()), tolerated(attempt())]);
          break;
      }
      try {
        if (spoil !== undefined && spoil.how !== 'lose-answer') {
          await tolerated(attempt());
          spoil = undefined;
        }
        await attempt();
        if (fault === 'repeated after success') await attempt();
      } catch (error) {
        report.failedSteps += 1;
        throw error;
      } finally {
        spoil = undefined;
        await probe('after a step');
      }
    }

    // What there is to rotate.
    await createFirstKeyset({
      secret: createSecretHandle(direct.secretsManager, SIGNING_KEYS),
      jwks,
      now: clock,
    });
    const resourceServers = createResourceServerStore(direct.dynamodb, table('resource-servers'));
    const audience = newResourceServer(
      {
        identifier: 'api',
        scopes: { read: 'Read' },
        accessTokenLifetime: LONGEST_ACCESS_TOKEN_LIFETIME,
      },
      clock,
    );
    await resourceServers.add(audience);
    const service = await addServiceClient(
      { id: 'service', audience },
      {
        clients: createClientStore(direct.dynamodb, table('clients')),
        secrets: createServiceSecretStore(direct.secretsManager),
        place: { issuer, stack: 'latchkey-soak', region: 'us-east-1' },
        now: clock,
      },
    );

    // Who asks for tokens: services that read their secret anew, or keep it for a while.
    const readService = async () => {
      const { SecretString = '' } = await direct.secretsManager.send(
        new GetSecretValueCommand({ SecretId: SERVICE }),
      );
      return JSON.parse(SecretString) as { client_id: string; client_secret: string };
    };
    const services = {
      'a service that reads its secret every time': aged(readService, 0, now),
      'a service that keeps its secret for an hour': aged(readService, HOUR, now),
      'a service that keeps its secret for nearly the overlap': aged(
        readService,
        OVERLAP - HOUR,
        now,
      ),
    };

    // Who verifies them.
    const fetchJwks = createJwksFetch(issuer, createFetchJson());
    const jwksUri = new URL(`${issuer}/.well-known/jwks.json`);
    const authorizer = (maxAge: number) =>
      createAuthorizer({
        trustedIssuers: [
          {
            issuer,
            audience: { kind: 'audience', anyOf: ['api'] },
            algorithms: ['RS256', 'ES256'],
            hasUsers: false,
          },
        ],
        keysOf: (trusted) =>
          createRemoteKeys({
            issuer: trusted,
            fetchJson: createFetchJson(),
            now,
            log: silent,
            maxAge,
          }),
        findUser: undefined,
        routes: undefined,
        httpApiResponse: 'simple',
        contextClaims: [],
        now,
        log: silent,
      });
    const byAuthorizer = (maxAge: number) => {
      const authorize = authorizer(maxAge);
      return async (token: string) => {
        const answer = await authorize(eventWith(token));
        return 'isAuthorized' in answer && answer.isAuthorized;
      };
    };
    const byJose = (options: { cacheMaxAge?: number; cooldownDuration?: number }) => {
      const remote = createRemoteJWKSet(jwksUri, options);
      return async (token: string) => {
        await jwtVerify(token, remote, {
          issuer,
          audience: 'api',
          currentDate: new Date(clock * 1000),
        });
        return true;
      };
    };
    const lazyKeys = aged(
      async () => createLocalJWKSet((await fetchJwks()) as JSONWebKeySet),
      VERIFIER_CACHE,
      now,
    );
    const verifiers: Record<string, (token: string) => Promise<boolean>> = {
      'an authorizer': byAuthorizer(600),
      'an authorizer that keeps keys for a minute': byAuthorizer(MINUTE),
      'an authorizer that keeps keys for two hours': byAuthorizer(VERIFIER_CACHE),
      'jose with its defaults': byJose({}),
      'jose that keeps keys for two hours': byJose({ cacheMaxAge: VERIFIER_CACHE * 1000 }),
      'a verifier that fetches keys every two hours and never in between': async (token) => {
        await jwtVerify(token, await lazyKeys(), {
          issuer,
          audience: 'api',
          currentDate: new Date(clock * 1000),
        });
        return true;
      },
    };

    let live: { token: string; expiresAt: number }[] = [];
    /** Every kind of service asks every kind of instance; every verifier verifies the new tokens and some old ones. */
    async function probe(moment: string): Promise<void> {
      live = live.filter(({ expiresAt }) => clock < expiresAt);
      const fresh: string[] = [];
      for (const [instanceName, instance] of Object.entries(instances)) {
        const [serviceName, credentials] = pick(Object.entries(services));
        const { client_id, client_secret } = await credentials();
        report.tokens += 1;
        const answer = await instance()({
          method: 'POST',
          path: '/oauth2/token',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
          },
          query: '',
          body: 'grant_type=client_credentials',
          sourceIp: '192.0.2.1',
        }).catch(errorResponse);
        const { access_token, expires_in, error } = JSON.parse(answer.body);
        if (answer.status === 200) {
          fresh.push(access_token);
          live.push({ token: access_token, expiresAt: clock + expires_in });
        } else {
          report.failures.push(
            `${instanceName} refused ${serviceName} ${moment} (${fault}): ${error}`,
          );
        }
      }
      const old = Array.from({ length: 3 }, () => pick(live)?.token ?? []).flat();
      for (const [verifierName, verify] of Object.entries(verifiers)) {
        for (const token of [...fresh, ...old]) {
          report.verifications += 1;
          const isVerified = await verify(token).catch(() => false);
          if (!isVerified) {
            report.failures.push(`${verifierName} refused a token ${moment} (${fault})`);
          }
        }
      }
    }

    async function rotate(secretId: string): Promise<void> {
      const { RotationEnabled } = await describe(secretId);
      await direct.secretsManager.send(
        new RotateSecretCommand({
          SecretId: secretId,
          ...(!RotationEnabled && {
            RotationLambdaARN: 'arn:aws:lambda:us-east-1:000000000000:function:rotate',
            RotationRules: { AutomaticallyAfterDays: 30 },
          }),
        }),
      );
      await secretsServer.rotationsSettled();
      // Secrets Manager takes up again what failed.
      for (let tries = 0; tries < 10 && (await isRotating(secretId)); tries += 1) {
        fault = 'nothing';
        await direct.secretsManager
          .send(new RotateSecretCommand({ SecretId: secretId }))
          .catch(() => undefined);
        await secretsServer.rotationsSettled();
      }
      report.rotations += 1;
      const labels = await labelsOf(secretId);
      const isTidy = /^AWSCURRENT( AWSPREVIOUS)?$/.test(labels);
      if (!isTidy) report.failures.push(`after a rotation the labels are ${labels} (${fault})`);
    }
    const describe = (secretId: string) =>
      direct.secretsManager.send(new DescribeSecretCommand({ SecretId: secretId }));
    const labelsOf = async (secretId: string) => {
      const { VersionIdsToStages = {} } = await describe(secretId);
      return Object.values(VersionIdsToStages).flat().sort().join(' ');
    };
    const isRotating = async (secretId: string) =>
      (await labelsOf(secretId)).includes('AWSPENDING');

    // The oldest cache that is allowed: Secrets Manager is out of its reach for a day, again and again.
    let isolatedUntil = 0;
    isolation.fault = () => (clock < isolatedUntil ? 'reset' : undefined);

    await probe('at the beginning');
    clock += 3 * HOUR;
    for (let round = 0; report.rotations < rotations; round += 1) {
      await probe('before a rotation');
      if (round % 2 === 0) isolatedUntil = clock + 24 * HOUR - 10 * MINUTE;
      const chosen = pick(FAULTS);
      for (const secretId of [SIGNING_KEYS, SERVICE]) {
        fault = chosen;
        await rotate(secretId);
      }
      fault = 'nothing';
      for (const pause of [1, 5, 31, MINUTE * 6, HOUR, 2 * HOUR, 10 * HOUR, 10 * HOUR, 4 * HOUR]) {
        clock += pause + Math.floor(random() * MINUTE);
        await probe('between rotations');
      }
    }
    if (service.client.secrets.length !== 1) report.failures.push('the service had no secret');
    return report;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Loads, and keeps what it loaded for so many seconds. */
function aged<Value>(load: () => Promise<Value>, maxAge: number, now: () => number) {
  let known: { value: Value; at: number } | undefined;
  return async () => {
    if (known === undefined || now() >= known.at + maxAge)
      known = { value: await load(), at: now() };
    return known.value;
  };
}

function kept<Value>(value: Value): () => Value {
  return () => value;
}

/** Mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function eventWith(token: string) {
  return {
    version: '2.0',
    type: 'REQUEST',
    routeArn: 'arn:aws:execute-api:us-east-1:123456789012:api/$default/GET/things',
    identitySource: [`Bearer ${token}`],
    routeKey: 'GET /things',
    rawPath: '/things',
    rawQueryString: '',
    headers: { authorization: `Bearer ${token}` },
    requestContext: {
      apiId: 'api',
      http: { method: 'GET', path: '/things' },
      routeKey: 'GET /things',
      stage: '$default',
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rotations: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
    },
  });
  const report = await soak({ rotations: Number(values.rotations), seed: Number(values.seed) });
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = report.failures.length === 0 ? 0 : 1;
}
