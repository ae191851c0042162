import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { JWK } from 'jose';
import { readSecret } from '../../lib/aws/secret.ts';
import { type Keyset, keysetOf } from '../../lib/keys/keyset.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { type Canary, createCanary, watchingFetch } from './canary.ts';
import { type LocalStack, startLocalStack } from './local-stack.ts';
import { createParties, type Parties } from './parties.ts';

/** The one stack that the suites of `latchkey.test.ts` share, and what they need to know of it. */
export interface SharedStack extends LocalStack {
  canary: Canary;
  parties: Parties;
  /** The private keys, to make tokens with that Latchkey would not make. */
  keyset: Keyset;
}

let shared: SharedStack | undefined;
const fetchAsItWas = globalThis.fetch;

export function sharedStack(): SharedStack {
  if (shared === undefined) throw new Error('the stack was not started');
  return shared;
}

export async function startSharedStack(): Promise<void> {
  const stack = await startLocalStack();
  try {
    const canary = createCanary();
    const keyset = await readLocalKeyset(stack.secretsManagerEndpoint);
    keepDemoCredentials(stack, canary);
    for (const { current, next } of Object.values(keyset)) {
      keepPrivateMembers(current.privateJwk, canary);
      keepPrivateMembers(next.privateJwk, canary);
    }
    globalThis.fetch = watchingFetch(fetchAsItWas, canary);
    shared = { ...stack, canary, parties: createParties(stack.dynamodbEndpoint, canary), keyset };
  } catch (error) {
    stack.kill('SIGTERM');
    throw error;
  }
}

/** Ends it, unless a test has. */
export async function endSharedStack(): Promise<void> {
  globalThis.fetch = fetchAsItWas;
  shared?.parties.close();
  shared?.kill('SIGTERM');
  await shared?.ended;
}

async function readLocalKeyset(endpoint: string): Promise<Keyset> {
  const secretsManager = new SecretsManagerClient({ endpoint, ...LOCAL_CREDENTIALS });
  try {
    const keyset = keysetOf(await readSecret(secretsManager, 'latchkey/local/signing-keys'));
    if (keyset === undefined) throw new Error('the local stack has no signing keys');
    return keyset;
  } finally {
    secretsManager.destroy();
  }
}

function keepDemoCredentials({ demo }: LocalStack, canary: Canary): void {
  canary.keep('secret of the demo service', demo.service.client_secret);
  canary.keep('password of the demo user', demo.user.password);
}

function keepPrivateMembers({ d, p, q, dp, dq, qi }: JWK, canary: Canary): void {
  for (const member of [d, p, q, dp, dq, qi]) {
    if (member !== undefined) canary.keep('private key', member);
  }
}
