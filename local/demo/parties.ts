import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { newClient } from '../../lib/clients/registration.ts';
import { createFirstKeyset } from '../../lib/keys/first-keyset.ts';
import { createJwksStore } from '../../lib/keys/public-key-store.ts';
import { newResourceServer } from '../../lib/resource-servers/registration.ts';
import { createResourceServerStore } from '../../lib/resource-servers/resource-server-store.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { createPasswordStore } from '../../lib/users/password-store.ts';
import { addUser } from '../../lib/users/registration.ts';
import { createUserStore } from '../../lib/users/user-store.ts';
import { LOCAL_CREDENTIALS } from '../aws/credentials.ts';

/** Credentials to try the local stack with. The names are those of `.local/stack.json`. */
export interface Demo {
  audience: string;
  service: { client_id: string; client_secret: string };
  app: { client_id: string };
  user: { username: string; password: string };
}

export interface DemoOptions {
  dynamodbEndpoint: string;
  secretsManagerEndpoint: string;
  /** `latchkey-local`: what the names of tables begin with. */
  tablePrefix: string;
  signingKeysSecret: string;
  /** Keeps the credentials across restarts, beside the data that they belong to. */
  file: string | undefined;
}

/** Makes the signing keys, a resource server, a client of each kind and a user, unless `file` tells of earlier ones. */
export async function createDemo(options: DemoOptions): Promise<Demo> {
  const kept = await readDemo(options.file);
  if (kept !== undefined) return kept;

  const dynamodb = new DynamoDBClient({ endpoint: options.dynamodbEndpoint, ...LOCAL_CREDENTIALS });
  const secretsManager = new SecretsManagerClient({
    endpoint: options.secretsManagerEndpoint,
    ...LOCAL_CREDENTIALS,
  });
  try {
    await createFirstKeyset({
      secret: createSecretHandle(secretsManager, options.signingKeysSecret),
      jwks: createJwksStore(dynamodb, `${options.tablePrefix}-signing-keys`),
      now: nowInSeconds(),
    });
    const demo = await createParties(dynamodb, options.tablePrefix);
    if (options.file !== undefined) {
      await writeFile(options.file, JSON.stringify(demo, null, 2), { mode: 0o600 });
    }
    return demo;
  } finally {
    dynamodb.destroy();
    secretsManager.destroy();
  }
}

async function createParties(dynamodb: DynamoDBClient, tablePrefix: string): Promise<Demo> {
  const now = nowInSeconds();
  const resourceServer = newResourceServer(
    {
      identifier: 'demo',
      scopes: {
        'read:whoami': 'See what the authorizer knows',
        'admin:demo': 'Administer the demo',
      },
      permissionsClaim: true,
    },
    now,
  );
  const audiences = [resourceServer];
  const scopes = ['read:whoami'];
  const service = newClient(
    {
      name: 'Demo service',
      clientId: 'demo-service',
      grantTypes: ['client_credentials', 'password'],
      audiences,
      scopes,
    },
    now,
  );
  const app = newClient(
    {
      name: 'Demo app',
      clientId: 'demo-app',
      isPublic: true,
      grantTypes: ['password'],
      audiences,
      scopes,
    },
    now,
  );
  const user = { username: 'ada', password: randomBytes(9).toString('base64url') };

  await createResourceServerStore(dynamodb, `${tablePrefix}-resource-servers`).add(resourceServer);
  const clients = createClientStore(dynamodb, `${tablePrefix}-clients`);
  await clients.remove(service.client.clientId);
  await clients.add(service.client);
  await clients.add(app.client);
  const users = createUserStore(dynamodb, `${tablePrefix}-users`);
  const passwords = createPasswordStore(dynamodb, `${tablePrefix}-passwords`);
  await passwords.remove(user.username);
  await addUser({ users, passwords }, { ...user, permissions: scopes }, now);

  return {
    audience: resourceServer.identifier,
    service: { client_id: service.client.clientId, client_secret: service.clientSecret ?? '' },
    app: { client_id: app.client.clientId },
    user,
  };
}

async function readDemo(file: string | undefined): Promise<Demo | undefined> {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // Made anew, with new credentials: it exists only to be tried.
    return undefined;
  }
}
