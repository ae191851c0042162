import { type Client, isPublicClient } from '../oauth/client.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import {
  type Place,
  parseServiceSecret,
  type ServiceSecret,
  serviceSecret,
  serviceSecretName,
} from '../service-clients/service-secret.ts';
import type { ServiceSecretStore } from '../service-clients/service-secret-store.ts';
import type {
  DeclaredSecretStore,
  SecretDescription,
  SecretOwner,
} from './declared-secret-store.ts';
import type { Owner } from './resource.ts';

export interface ClientSecretsDependencies {
  secrets: DeclaredSecretStore;
  place: Place;
  rotateEvery: ServiceSecretStore['rotateEvery'];
  /** The ARN of the function that rotates client secrets; undefined where there is none. */
  rotationFunction: string | undefined;
}

/** Days between two rotations. */
const ROTATION_DAYS = 30;

/** What Secrets Manager takes as a name. */
const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** The secrets of declared clients in Secrets Manager: each is made once, and read from then on. */
export function createClientSecrets(dependencies: ClientSecretsDependencies) {
  const { secrets, place, rotateEvery, rotationFunction } = dependencies;
  const prefix = serviceSecretName(place.stack, '');
  const defaultName = (clientId: string) => serviceSecretName(place.stack, clientId);

  async function findOwn(name: string, owner: SecretOwner, proposed: string): Promise<void> {
    const found = await secrets.describe(name);
    if (found === undefined) throw new RefusedError(`the secret ${name} went away: try again`);
    if (found.isReleased && found.owner?.clientId === owner.clientId) {
      await secrets.adopt(name, found, owner, proposed);
    } else {
      assertOwn(name, found, owner);
    }
  }

  return {
    /**
     * Where the secret of the client is; undefined for a public one.
     *
     * @throws {RefusedError} for a name that cannot be
     */
    nameOf(client: Client, wanted: string | undefined): string | undefined {
      if (isPublicClient(client)) {
        if (wanted === undefined) return undefined;
        throw new RefusedError('SecretName: a public client has no secret');
      }
      const name = wanted ?? defaultName(client.clientId);
      if (name.startsWith(prefix) && name !== prefix && NAME.test(name)) return name;
      throw new RefusedError(
        `SecretName begins with ${prefix}, and goes on with letters, digits or /_+=.@-`,
      );
    },

    /**
     * The secret under the name, made with the proposed one where there is none. It is there before its client:
     * a Create that is cut off in between finds it when it is repeated.
     *
     * @throws {RefusedError} for a secret that is somebody else's, or was deleted by hand
     */
    async ensure(name: string, owner: Owner, client: Client, proposed: string) {
      const { clientId } = client;
      const whose = { ...owner, clientId };
      const value = JSON.stringify(
        serviceSecret({ clientId, clientSecret: proposed, scopes: scopesOf(client) }, place),
      );
      if ((await secrets.create(name, whose, value)) === 'created') {
        return { secret: proposed, isNew: true };
      }
      await findOwn(name, whose, value);
      const { client_secret: secret } = parseServiceSecret((await secrets.read(name)).value);
      return { secret, isNew: false };
    },

    /** Brings all but the credentials up to date, and has the secret rotated. The ARN of the secret. */
    async settle(name: string, client: Client): Promise<string> {
      const version = await secrets.read(name);
      const present = parseServiceSecret(version.value);
      const { client_id: clientId, client_secret: clientSecret } = present;
      const wanted = serviceSecret({ clientId, clientSecret, scopes: scopesOf(client) }, place);
      const isStale = Object.entries(wanted).some(
        ([field, value]) => present[field as keyof ServiceSecret] !== value,
      );
      if (isStale) await secrets.replace(name, version, JSON.stringify({ ...present, ...wanted }));
      const found = await secrets.describe(name);
      if (found === undefined) throw new RefusedError(`the secret ${name} went away: try again`);
      if (rotationFunction !== undefined && canBeRotated(client)) {
        await rotateEvery(name, ROTATION_DAYS, rotationFunction);
      }
      return found.arn;
    },

    /** Gives up the client's secret, if it is the owner's; under the usual name where none is known. */
    async release(owner: Owner, clientId: string, known: string | undefined): Promise<void> {
      const name = known ?? defaultName(clientId);
      if (!name.startsWith(prefix) || !NAME.test(name)) return;
      const whose = { ...owner, clientId };
      const found = await secrets.describe(name);
      if (found === undefined || found.isDeleted || !isSame(found.owner, whose)) return;
      await secrets.release(name, whose);
    },
  };
}

export type ClientSecrets = ReturnType<typeof createClientSecrets>;

function assertOwn(name: string, found: SecretDescription, owner: SecretOwner): void {
  if (!isSame(found.owner, owner)) {
    throw new RefusedError(`there is a secret ${name} already, which is not of this client`);
  }
  if (found.isDeleted) {
    throw new RefusedError(
      `the secret ${name} is scheduled for deletion: restore it, or delete it without recovery`,
    );
  }
}

function isSame(found: SecretOwner | undefined, owner: SecretOwner): boolean {
  return (
    found?.stackId === owner.stackId &&
    found.logicalResourceId === owner.logicalResourceId &&
    found.clientId === owner.clientId
  );
}

/** A rotation gets a token with the new secret as a service does: with Basic, and without naming an audience. */
function canBeRotated({ grantTypes, authenticationMethods, grants }: Client): boolean {
  return (
    grantTypes.includes('client_credentials') &&
    authenticationMethods.includes('client_secret_basic') &&
    Object.keys(grants).length === 1
  );
}

function scopesOf({ grants }: Client): string[] {
  return [...new Set(Object.values(grants).flat())];
}
