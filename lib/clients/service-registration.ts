import { RefusedError } from '../refused-error.ts';
import type { Client } from './client.ts';
import { hashClientSecret, isLive } from './client-secret.ts';
import type { ClientStore } from './client-store.ts';
import { type ClientRegistration, newClient } from './registration.ts';
import {
  type Place,
  parseServiceSecret,
  programmaticSecret,
  serviceSecret,
  serviceSecretName,
} from './service-secret.ts';
import type { ServiceSecretStore } from './service-secret-store.ts';

/** A client that finds its credentials in Secrets Manager, under the name of the stack and this id. */
export type ServiceRegistration = Omit<
  ClientRegistration,
  'name' | 'grantTypes' | 'isPublic' | 'authenticationMethod' | 'audiences'
> & { id: string; audience: ClientRegistration['audiences'][number] };

export interface RegistrationParts {
  clients: Pick<ClientStore, 'find' | 'add'>;
  secrets: Pick<ServiceSecretStore, 'establish'>;
  place: Place;
  /** Seconds since the epoch. */
  now: number;
}

export interface RegisteredService {
  client: Client;
  secretName: string;
  secretArn: string;
}

/**
 * Registers a service client: first its secret in Secrets Manager, from which alone the service learns it, then
 * the client that has the secret's hash. Cut off anywhere, or run twice at once, it can be repeated.
 *
 * @throws {RefusedError} also where there is such a client that is not the same
 */
export async function addServiceClient(
  registration: ServiceRegistration,
  parts: RegistrationParts,
): Promise<RegisteredService> {
  const { clients, secrets, place, now } = parts;
  const { client, clientSecret = '' } = describe(registration, ['client_credentials'], parts);
  assertSame(await clients.find(client.clientId, { consistent: true }), client);

  const secretName = serviceSecretName(place.stack, registration.id);
  const scopes = client.grants[registration.audience.identifier] ?? [];
  const made = serviceSecret({ clientId: client.clientId, clientSecret, scopes }, place);
  const { arn: secretArn, value } = await secrets.establish(secretName, JSON.stringify(made));
  const kept = parseServiceSecret(value);
  if (kept.client_id !== client.clientId) {
    throw new RefusedError(`the secret ${secretName} is of another client, ${kept.client_id}`);
  }
  const hash = hashClientSecret(kept.client_secret);
  const registered = { ...client, secrets: [{ hash, createdAt: now }] };
  if ((await clients.add(registered)) === 'added') {
    return { client: registered, secretName, secretArn };
  }
  const found = await clients.find(client.clientId, { consistent: true });
  assertSame(found, client);
  if (!found?.secrets.some((secret) => secret.hash === hash && isLive(secret, now))) {
    throw new RefusedError(
      `the client ${client.clientId} does not know the secret ${secretName}: remove the client and repeat this`,
    );
  }
  return { client: found, secretName, secretArn };
}

/**
 * Registers a public client for programs that sign people in, and tells in Secrets Manager where and as which
 * client. It can be repeated.
 *
 * @throws {RefusedError} also where there is such a client that is not the same
 */
export async function addProgrammaticClient(
  registration: ServiceRegistration,
  parts: RegistrationParts,
): Promise<RegisteredService> {
  const { clients, secrets, place } = parts;
  const { client } = describe(registration, ['password'], parts);
  assertSame(await clients.find(client.clientId, { consistent: true }), client);

  const secretName = serviceSecretName(place.stack, registration.id);
  const made = JSON.stringify(programmaticSecret(client.clientId, place));
  const { arn: secretArn, value } = await secrets.establish(secretName, made);
  if (value !== made) {
    throw new RefusedError(`the secret ${secretName} says something else: delete it first`);
  }
  if ((await clients.add(client)) === 'taken') {
    assertSame(await clients.find(client.clientId, { consistent: true }), client);
  }
  return { client, secretName, secretArn };
}

function describe(
  { id, clientId = id, audience, ...registration }: ServiceRegistration,
  grantTypes: readonly ['client_credentials'] | readonly ['password'],
  { place, now }: RegistrationParts,
) {
  // What a secret of Secrets Manager can be called.
  if (!/^[\w/+=.@-]{1,256}$/.test(id)) {
    throw new RefusedError('the id of such a client has letters, digits and /_+=.@- alone');
  }
  const isPublic = grantTypes[0] === 'password';
  const { client, clientSecret } = newClient(
    { ...registration, name: id, clientId, grantTypes, isPublic, audiences: [audience] },
    now,
  );
  return { client: { ...client, secretName: serviceSecretName(place.stack, id) }, clientSecret };
}

/** @throws {RefusedError} where there is another client of the id, or the same with other grants */
function assertSame(found: Client | undefined, { clientId, ...wanted }: Client): void {
  if (found === undefined) return;
  const isSame =
    found.secretName === wanted.secretName &&
    String(found.grantTypes) === String(wanted.grantTypes) &&
    grantsText(found) === grantsText(wanted);
  if (isSame) return;
  throw new RefusedError(`there is a client ${clientId} already, which is not the same`);
}

function grantsText({ grants }: Pick<Client, 'grants'>): string {
  const entries = Object.entries(grants).map(([audience, scopes]) => [audience, scopes.toSorted()]);
  return JSON.stringify(entries.sort());
}
