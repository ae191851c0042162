import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretHandle, type Secret } from '../lib/aws/secret.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import {
  type ClientSecretStore,
  createClientSecretStore,
} from '../lib/clients/client-secret-store.ts';
import { type ClientStore, createClientStore } from '../lib/clients/client-store.ts';
import { createJwksStore, type JwksStore } from '../lib/keys/public-key-store.ts';
import {
  createResourceServerStore,
  type ResourceServerStore,
} from '../lib/resource-servers/resource-server-store.ts';
import { RefusedError } from '../lib/runtime/refused-error.ts';
import {
  createServiceSecretStore,
  type ServiceSecretStore,
} from '../lib/service-clients/service-secret-store.ts';
import { createPasswordStore, type PasswordStore } from '../lib/users/password-store.ts';
import { createUserStore, type UserStore } from '../lib/users/user-store.ts';
import { explain } from './explain.ts';
import { namesIn } from './names.ts';

/** Which Latchkey is meant. */
export interface Target {
  /** The one that `npm start` runs, instead of one on AWS. */
  local?: boolean;
  stage: string;
  /** Where left out, the one that AWS is configured with. */
  region?: string;
}

/** What the commands work on. */
export interface Connection {
  /** `latchkey-dev`: what the names of all that belongs to the stage begin with. */
  stack: string;
  clients: ClientStore;
  clientSecrets: ClientSecretStore;
  serviceSecrets: ServiceSecretStore;
  resourceServers: ResourceServerStore;
  users: UserStore;
  passwords: PasswordStore;
  jwks: JwksStore;
  secretsManager: SecretsManagerClient;
  /** The secret that holds the signing keys. */
  signingKeys: Secret;
}

/**
 * Works on the Latchkey that is meant. The AWS SDK reads where that is from the environment, which this sets.
 *
 * @throws {RefusedError} also for what the stores fail with, in words
 */
export async function withConnection<Result>(
  target: Target,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  if (target.local) await pointAtLocalStack();
  else chooseRegion(target.region);

  const stage = target.local ? 'local' : target.stage;
  const names = namesIn(stage);
  const dynamodb = createDynamoDB();
  const secretsManager = createSecretsManager();
  try {
    return await work({
      stack: names.stack,
      clients: createClientStore(dynamodb, names.clientsTable),
      clientSecrets: createClientSecretStore(dynamodb, names.clientsTable),
      serviceSecrets: createServiceSecretStore(secretsManager),
      resourceServers: createResourceServerStore(dynamodb, names.resourceServersTable),
      users: createUserStore(dynamodb, names.usersTable),
      passwords: createPasswordStore(dynamodb, names.passwordsTable),
      jwks: createJwksStore(dynamodb, names.signingKeysTable),
      secretsManager,
      signingKeys: createSecretHandle(secretsManager, names.signingKeysSecret),
    });
  } catch (error) {
    const region = await dynamodb.config.region().catch(() => undefined);
    throw explain(error, { stage, region, isLocal: target.local ?? false });
  } finally {
    dynamodb.destroy();
    secretsManager.destroy();
  }
}

/** The AWS command line reads AWS_DEFAULT_REGION as well, the SDK does not. */
function chooseRegion(given: string | undefined): void {
  const region = given ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (region !== undefined) process.env.AWS_REGION = region;
}

/** What `npm start` tells of itself. */
interface StackFile {
  issuer: string;
  dynamodb: string;
  secretsManager: string;
}

/** The SDK wants a region and signs every request. The local stack looks at neither. */
const UNCHECKED = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

/** Nothing of an AWS account that the environment names is left, so that nothing can reach it. */
async function pointAtLocalStack(): Promise<void> {
  const { dynamodb, secretsManager } = await readStackFile();
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) delete process.env[name];
  }
  Object.assign(process.env, UNCHECKED, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager,
  });
}

/** @throws {RefusedError} where `npm start` is not running */
export async function readStackFile(): Promise<StackFile> {
  const file =
    process.env.LATCHKEY_STACK_FILE ?? join(import.meta.dirname, '..', '.local', 'stack.json');
  try {
    const stack = JSON.parse(await readFile(file, 'utf8'));
    return {
      issuer: String(stack.issuer),
      dynamodb: url(stack.dynamodb_endpoint),
      secretsManager: url(stack.secrets_manager_endpoint),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new RefusedError(`\`npm start\` is not running: there is no ${file}`);
    }
    throw new RefusedError(`${file} is not what \`npm start\` writes: start it again`);
  }
}

function url(value: unknown): string {
  return new URL(String(value)).href;
}
