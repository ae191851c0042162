import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { JWK } from 'jose';
import { createTable, type Item } from '../aws/table.ts';

/** The public half of a signing key. Times are seconds since the epoch. */
export interface PublicKey {
  kid: string;
  jwk: JWK;
  createdAt: number;
  /** When the key leaves the JWKS; undefined while it signs or is yet to sign. */
  publicUntil?: number;
  /** When the record goes: until then a session whose last token it signed can still be refreshed. */
  expiresAt?: number;
}

export interface JwksStore {
  /** Publishes the public half. Doing so again changes nothing. */
  publish(key: PublicKey): Promise<void>;
  find(kid: string): Promise<PublicKey | undefined>;
  list(): Promise<PublicKey[]>;
}

/** The public halves of the signing keys, which is all that the JWKS is made from. */
export function createJwksStore(dynamodb: DynamoDBClient, tableName: string): JwksStore {
  const table = createTable(dynamodb, tableName, 'kid');
  return {
    async publish({ kid, jwk, createdAt }) {
      await table.add({ kid, jwk, created_at: createdAt });
    },

    async find(kid) {
      const item = await table.get(kid);
      return item && publicKeyOf(item);
    },

    async list() {
      const keys = (await table.scan()).map(publicKeyOf);
      return keys.sort((a, b) => b.createdAt - a.createdAt || a.kid.localeCompare(b.kid));
    },
  };
}

function publicKeyOf(item: Item): PublicKey {
  const stored = item as {
    kid: string;
    jwk: JWK;
    created_at: number;
    public_until?: number;
    expires_at?: number;
  };
  return {
    kid: stored.kid,
    jwk: stored.jwk,
    createdAt: stored.created_at,
    ...(stored.public_until !== undefined && { publicUntil: stored.public_until }),
    ...(stored.expires_at !== undefined && { expiresAt: stored.expires_at }),
  };
}

/** The keys that the JWKS shows. @param now seconds since the epoch */
export function publishedKeys(keys: readonly PublicKey[], now: number): JWK[] {
  return keys
    .filter(({ publicUntil }) => publicUntil === undefined || now < publicUntil)
    .map(({ jwk }) => jwk);
}
