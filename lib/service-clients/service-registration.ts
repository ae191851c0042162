import { clientSecretId, isLive, verifyClientSecret } from '../clients/client-secret.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { type ClientRegistration, newClient } from '../clients/registration.ts';
import type { Client } from '../oauth/client.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import {
  type Place,
  parseServiceSecret,
  programmaticSecret,
  type ServiceSecret,
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
  secrets: Pick<ServiceSecretStore, 'read' | 'establish' | 'propose' | 'choose' | 'tidyUp'>;
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
 * Registers a service client: first a secret is proposed to Secrets Manager, from which alone the service learns it,
 * then the client is added that has the secret's hash, then that secret is made the current one. What was there
 * before is never taken over: it may have been removed because it was stolen. Cut off anywhere, or run twice at
 * once, it can be repeated.
 *
 * @throws {RefusedError} also where there is such a client that is not the same
 */
export async function addServiceClient(
  registration: ServiceRegistration,
  parts: RegistrationParts,
): Promise<RegisteredService> {
  const { clients, secrets, place } = parts;
  const { client, clientSecret = '' } = describe(registration, ['client_credentials'], parts);
  const find = () => clients.find(client.clientId, { consistent: true });
  const found = await find();
  assertSame(found, client);

  const secretName = serviceSecretName(place.stack, registration.id);
  if (found === undefined) {
    const present = await secrets.read(secretName);
    if (present !== undefined) parseOwn(present, client, secretName);
    const scopes = client.grants[registration.audience.identifier] ?? [];
    const made = serviceSecret({ clientId: client.clientId, clientSecret, scopes }, place);
    const [key = ''] = keysOf(client);
    await secrets.propose(secretName, key, JSON.stringify(made));
    await clients.add(client);
  }
  const registered = found ?? (await find());
  assertSame(registered, client);
  if (registered === undefined) {
    throw new RefusedError(`the client ${client.clientId} went away: repeat this`);
  }
  return completed(registered, secretName, parts);
}

/** With the secret that the client knows as the current one. */
async function completed(
  client: Client,
  secretName: string,
  { secrets, now }: RegistrationParts,
): Promise<RegisteredService> {
  const isKnown = async () => {
    const value = await secrets.read(secretName);
    if (value === undefined) return false;
    return verifyClientSecret(client, parseOwn(value, client, secretName).client_secret, now);
  };
  const live = { secrets: client.secrets.filter((secret) => isLive(secret, now)) };
  if (!(await isKnown())) await secrets.choose(secretName, keysOf(live));
  if (!(await isKnown())) {
    throw new RefusedError(
      `the client ${client.clientId} does not know the secret ${secretName}: remove the client and repeat this`,
    );
  }
  const { arn: secretArn } = await secrets.tidyUp(secretName);
  return { client, secretName, secretArn };
}

/** By what a proposed secret is found again, each. */
function keysOf({ secrets }: Pick<Client, 'secrets'>): string[] {
  return secrets.map(clientSecretId);
}

/** @throws {RefusedError} where the value is another client's, or none of a service client */
function parseOwn(value: string, { clientId }: Client, secretName: string): ServiceSecret {
  const secret = parseServiceSecret(value);
  if (secret.client_id === clientId) return secret;
  throw new RefusedError(`the secret ${secretName} is of another client, ${secret.client_id}`);
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
