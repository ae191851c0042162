import type { Client } from '../client.ts';
import type { Parameters } from '../parameters.ts';
import type { ResourceServer } from '../resource-server.ts';
import type { User } from '../user.ts';

export interface GrantRequest {
  /** Authenticated, and registered for the grant type. */
  client: Client;
  resourceServer: ResourceServer;
  parameters: Parameters;
  /** Where the request came from, for what slows down guessing. */
  source: string;
}

/** What a grant gives: whom the token speaks of and what it allows. The endpoint makes the token. */
export interface Authorization {
  /** The `sub` of the token: the user's, or the client's own id. */
  subject: string;
  scopes: readonly string[];
  /** The person that the token speaks of; absent where the client acts for itself. */
  user?: User;
}

/** One grant type. Throws `OAuthError` where nothing is granted. */
export type Grant = (request: GrantRequest) => Promise<Authorization>;
