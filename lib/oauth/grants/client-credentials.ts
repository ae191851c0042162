import { selectScopes } from '../scope.ts';
import type { Grant } from './grant.ts';

/** RFC 6749 section 4.4: the client acts for itself; the subject is the client (RFC 9068 section 2.2). */
export const clientCredentialsGrant: Grant = async ({ client, resourceServer, parameters }) => ({
  subject: client.clientId,
  scopes: selectScopes({
    requested: parameters.get('scope'),
    defined: Object.keys(resourceServer.scopes),
    granted: client.grants[resourceServer.identifier] ?? [],
  }),
});
