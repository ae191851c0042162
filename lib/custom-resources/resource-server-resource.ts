import type { Client } from '../oauth/client.ts';
import { newResourceServer } from '../resource-servers/registration.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import type { DeclaredResourceServerStore } from './declared-resource-server-store.ts';
import { readProperties } from './properties.ts';
import type { Properties } from './request.ts';
import { type CustomResource, formatOwner } from './resource.ts';

export interface ResourceServerResourceDependencies {
  resourceServers: DeclaredResourceServerStore;
  clients: { list(): Promise<Pick<Client, 'clientId' | 'grants'>[]> };
  /** Seconds since the epoch. */
  now: () => number;
}

const KNOWN = [
  ...['Identifier', 'Scopes', 'TokenLifetime', 'SigningAlgorithm', 'TokenType'],
  ...['AudienceClaim', 'PermissionsClaim'],
];

/** `Custom::LatchkeyResourceServer` */
export function createResourceServerResource(
  dependencies: ResourceServerResourceDependencies,
): CustomResource {
  const { resourceServers, clients, now } = dependencies;

  async function assertNotGranted(identifier: string): Promise<void> {
    const granted = (await clients.list()).filter(({ grants }) =>
      Object.hasOwn(grants, identifier),
    );
    if (granted.length === 0) return;
    const named = granted.slice(0, 5).map(({ clientId }) => clientId);
    const more = granted.length > named.length ? ` and ${granted.length - named.length} more` : '';
    throw new RefusedError(
      `the resource server is still granted to clients: ${named.join(', ')}${more}`,
    );
  }

  return {
    idOf(_, { Identifier }) {
      const isValid = typeof Identifier === 'string' && /^[\x21-\x7e]{1,1024}$/.test(Identifier);
      return isValid ? Identifier : undefined;
    },

    async put(owner, properties) {
      const resourceServer = newResourceServer(readResourceServer(properties), now());
      const outcome = await resourceServers.put(resourceServer, formatOwner(owner));
      if (outcome === 'foreign') {
        throw new RefusedError(
          `there is a resource server ${resourceServer.identifier} already, which is not of this resource`,
        );
      }
      const { identifier } = resourceServer;
      return { physicalResourceId: identifier, data: { Identifier: identifier } };
    },

    async remove(owner, identifier) {
      const declaredBy = formatOwner(owner);
      if ((await resourceServers.ownerOf(identifier)) !== declaredBy) return;
      await assertNotGranted(identifier);
      await resourceServers.remove(identifier, declaredBy);
    },
  };
}

function readResourceServer(properties: Properties) {
  const { text, integer, boolean, map, required } = readProperties(properties, KNOWN);
  return {
    identifier: required('Identifier', text('Identifier')),
    scopes: descriptionsOf(required('Scopes', map('Scopes'))),
    accessTokenLifetime: integer('TokenLifetime'),
    signingAlgorithm: text('SigningAlgorithm'),
    tokenType: text('TokenType'),
    audienceClaim: boolean('AudienceClaim'),
    permissionsClaim: boolean('PermissionsClaim'),
  };
}

function descriptionsOf(scopes: Properties): Record<string, string> {
  const entries = Object.entries(scopes).map(([scope, description]) => {
    if (typeof description === 'string') return [scope, description] as const;
    throw new RefusedError(`Scopes is a map from scopes to descriptions: "${scope}" has none`);
  });
  return Object.fromEntries(entries);
}
