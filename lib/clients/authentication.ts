import type { Client } from '../oauth/client.ts';
import { authenticateClient, type ClientCredentials } from '../oauth/client-authentication.ts';

/** A client as it was found. */
export interface FoundClient {
  client: Client | undefined;
  /** Whether it was found in memory, where it may lack what was added a moment ago. */
  isFromMemory: boolean;
}

export interface AuthenticationDependencies {
  /** The client as its table has it now; the one in memory where that was read in this very second. */
  renewClient: (clientId: string) => Promise<Client | undefined>;
  verifySecret: (client: Client | undefined, secret: string) => boolean;
}

/**
 * The client that the credentials belong to. A secret that the client in memory does not know may be a new one:
 * the client is read again before the secret is refused.
 *
 * A client that is not in memory was read for this request, and so was one that does not exist: every refusal has
 * cost one read, unless another of the client's came in the same second.
 *
 * @throws {OAuthError} see `authenticateClient`
 */
export async function authenticateFoundClient(
  credentials: ClientCredentials,
  { client, isFromMemory }: FoundClient,
  { renewClient, verifySecret }: AuthenticationDependencies,
): Promise<Client> {
  const isWorthAnotherLook =
    isFromMemory &&
    credentials.method !== 'none' &&
    !verifySecret(client, credentials.clientSecret);
  const known = isWorthAnotherLook ? await renewClient(credentials.clientId) : client;
  return authenticateClient(credentials, known, { verifySecret });
}
