import { clientSecretId, isLive } from '../../lib/clients/client-secret.ts';
import type { ClientStore } from '../../lib/clients/client-store.ts';
import type { Client } from '../../lib/oauth/client.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { claimsText, dateTime, fields, joined, type Report } from '../report.ts';

/**
 * Read consistently: the operator may have changed it a moment ago.
 *
 * @throws {RefusedError} for an unknown one
 */
export async function findClient(clients: ClientStore, id: string): Promise<Client> {
  const client = await clients.find(id, { consistent: true });
  if (client !== undefined) return client;
  throw unknownClient(id);
}

export function unknownClient(id: string): RefusedError {
  return new RefusedError(`there is no client ${id}`);
}

export function stateOf({ disabled }: Client): string {
  return disabled ? 'disabled' : 'enabled';
}

/** The one moment at which the secret is seen. */
export function reportWithSecret(client: Client, clientSecret: string): Report {
  const { client_id, ...others } = documentOf(client);
  return {
    json: { client_id, client_secret: clientSecret, ...others },
    text: fields([
      ['Client id', client.clientId],
      ['Client secret', clientSecret],
      ...rowsOf(client).slice(1),
    ]),
    note: 'Keep the secret now: it is not stored and cannot be shown again.',
  };
}

export function reportOf(client: Client): Report {
  return { json: documentOf(client), text: fields(rowsOf(client)) };
}

export function rowsOf(client: Client): [string, string][] {
  return [
    ['Client id', client.clientId],
    ['Name', client.name],
    ['State', stateOf(client)],
    ['Grant types', joined(client.grantTypes)],
    ['Authentication', joined(client.authenticationMethods)],
    ...Object.entries(client.grants).map(([audience, scopes]): [string, string] => [
      'Granted',
      `${audience}: ${joined(scopes)}`,
    ]),
    ['Claims', claimsText(client.claims)],
    [
      'Token lifetime',
      client.accessTokenLifetime === undefined
        ? 'as the API says'
        : `${client.accessTokenLifetime} s`,
    ],
    ['Refresh idle lifetime', `${client.refreshIdleLifetime} s`],
    ['Refresh absolute lifetime', `${client.refreshAbsoluteLifetime} s`],
    ...(client.secretName === undefined
      ? []
      : [['In Secrets Manager', client.secretName] satisfies [string, string]]),
    ...secretRowsOf(client),
    ['Created', dateTime(client.createdAt)],
  ];
}

export function secretRowsOf(client: Client): [string, string][] {
  const now = nowInSeconds();
  return client.secrets.map((secret, index) => {
    const { createdAt, expiresAt } = secret;
    const lastUsedAt = client.secretUses?.[clientSecretId(secret)];
    const facts = [
      clientSecretId(secret),
      `created ${dateTime(createdAt)}`,
      lastUsedAt === undefined ? 'no use noted' : `last used ${dateTime(lastUsedAt)}`,
      ...(expiresAt === undefined
        ? []
        : [`${isLive(secret, now) ? 'expires' : 'expired'} ${dateTime(expiresAt)}`]),
    ];
    return [`Secret ${index + 1}`, facts.join(', ')];
  });
}

/** Not even the hashes of the secrets. */
export function documentOf(client: Client) {
  return {
    client_id: client.clientId,
    name: client.name,
    disabled: client.disabled,
    grant_types: client.grantTypes,
    authentication_methods: client.authenticationMethods,
    grants: client.grants,
    claims: client.claims,
    access_token_lifetime: client.accessTokenLifetime,
    refresh_idle_lifetime: client.refreshIdleLifetime,
    refresh_absolute_lifetime: client.refreshAbsoluteLifetime,
    secret_name: client.secretName,
    secrets: secretDocumentsOf(client),
    created_at: client.createdAt,
  };
}

export function secretDocumentsOf({ secrets, secretUses }: Client) {
  return secrets.map((secret, index) => ({
    number: index + 1,
    id: clientSecretId(secret),
    created_at: secret.createdAt,
    last_used_at: secretUses?.[clientSecretId(secret)],
    expires_at: secret.expiresAt,
  }));
}
