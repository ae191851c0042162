import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { JWK } from 'jose';
import { createTable, type Item } from '../aws/table.ts';
import { publicJwk, type SigningKey } from './keyset.ts';

/** The public half of a signing key. Times are seconds since the epoch. */
export interface PublicKey {
  kid: string;
  jwk: JWK;
  createdAt: number;
  /** When the key leaves the JWKS; undefined while it signs or is yet to sign. */
  publicUntil?: number;
  /** When the record goes: until then a session whose last token it signed can still be refreshed. */
  expiresAt?: number;
  /** Since when nothing that the key signed counts: somebody else may have it. */
  condemnedAt?: number;
}

export interface JwksStore {
  /** Publishes the public half. Doing so again changes nothing. */
  publish(key: PublicKey): Promise<void>;
  /**
   * Gives the key its end in the JWKS, and its record its own. A key that has one keeps it, so that doing so again
   * postpones nothing. Seconds since the epoch.
   */
  retire(kid: string, publicUntil: number, expiresAt: number): Promise<void>;
  /** Takes the key out of the JWKS at once: nothing that it signed counts any more. */
  condemn(kid: string, now: number): Promise<'condemned' | 'unknown'>;
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

    async retire(kid, publicUntil, expiresAt) {
      await table.update(kid, {
        expression: 'SET public_until = :public_until, expires_at = :expires_at',
        condition: 'attribute_exists(kid) AND attribute_not_exists(public_until)',
        values: { ':public_until': publicUntil, ':expires_at': expiresAt },
      });
    },

    async condemn(kid, now) {
      const { outcome } = await table.update(kid, {
        expression: 'SET public_until = :now, condemned_at = :now',
        condition: 'attribute_exists(kid)',
        values: { ':now': now },
      });
      return outcome === 'updated' ? 'condemned' : 'unknown';
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
    condemned_at?: number;
  };
  return {
    kid: stored.kid,
    jwk: stored.jwk,
    createdAt: stored.created_at,
    ...(stored.public_until !== undefined && { publicUntil: stored.public_until }),
    ...(stored.expires_at !== undefined && { expiresAt: stored.expires_at }),
    ...(stored.condemned_at !== undefined && { condemnedAt: stored.condemned_at }),
  };
}

/** Publishes the public half of a signing key. */
export function publishSigningKey(
  jwks: Pick<JwksStore, 'publish'>,
  key: SigningKey,
): Promise<void> {
  return jwks.publish({ kid: key.kid, jwk: publicJwk(key), createdAt: key.createdAt });
}

/** The keys that the JWKS shows. @param now seconds since the epoch */
export function publishedKeys(keys: readonly PublicKey[], now: number): JWK[] {
  return keys
    .filter(({ publicUntil }) => publicUntil === undefined || now < publicUntil)
    .map(({ jwk }) => jwk);
}
