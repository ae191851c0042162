import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { AccessTokenHash, RefreshToken, Rotation } from './refresh-token.ts';

export interface RefreshTokenStore {
  /** Keeps a new refresh token. Writing the same one again changes nothing, even after it was used. */
  add(refreshToken: RefreshToken): Promise<void>;
  find(accessTokenHash: AccessTokenHash): Promise<RefreshToken | undefined>;
  /**
   * Marks the token as used, by one conditional write: of all that try at once one wins. Whoever lost gets what
   * stands there now. Recognises its own earlier success when the write is repeated.
   */
  claim(
    accessTokenHash: AccessTokenHash,
    rotation: Rotation,
  ): Promise<{ outcome: 'claimed' } | { outcome: 'lost'; found: RefreshToken | undefined }>;
  /** Removes a successor that nobody was told of. */
  discard(accessTokenHash: AccessTokenHash): Promise<void>;
}

/** Refresh tokens by the hash of the access token that they stand behind. */
export function createRefreshTokenStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): RefreshTokenStore {
  const table = createTable(dynamodb, tableName, 'access_token_hash');
  return {
    async add(refreshToken) {
      await table.add(itemOf(refreshToken));
    },

    async find(accessTokenHash) {
      const item = await table.get(accessTokenHash);
      return item && refreshTokenOf(item);
    },

    async claim(accessTokenHash, { successor, at, graceUntil, answer }) {
      const result = await table.update(accessTokenHash, {
        expression:
          'SET successor = :successor, rotated_at = :at, grace_until = :grace_until, answer = :answer',
        condition:
          'usable_until > :at AND (attribute_not_exists(successor) OR successor = :successor)',
        values: {
          ':successor': successor,
          ':at': at,
          ':grace_until': graceUntil,
          ':answer': answer,
        },
      });
      if (result.outcome === 'updated') return { outcome: 'claimed' };
      return { outcome: 'lost', found: result.item && refreshTokenOf(result.item) };
    },

    async discard(accessTokenHash) {
      await table.remove(accessTokenHash);
    },
  };
}

function itemOf(refreshToken: RefreshToken): Item {
  return {
    access_token_hash: refreshToken.accessTokenHash,
    family_id: refreshToken.familyId,
    client_id: refreshToken.clientId,
    sub: refreshToken.sub,
    password_generation: refreshToken.passwordGeneration,
    audience: refreshToken.audience,
    scopes: refreshToken.scopes,
    started_at: refreshToken.startedAt,
    usable_until: refreshToken.usableUntil,
    // What DynamoDB deletes by. A used token is kept as long as its family, to recognise a reuse.
    expires_at: refreshToken.familyEndsAt,
  };
}

function refreshTokenOf(item: Item): RefreshToken {
  const stored = item as {
    access_token_hash: AccessTokenHash;
    family_id: string;
    client_id: string;
    sub: string;
    password_generation: number;
    audience: string;
    scopes: string[];
    started_at: number;
    usable_until: number;
    expires_at: number;
    successor?: AccessTokenHash;
    rotated_at: number;
    grace_until: number;
    answer: Rotation['answer'];
  };
  return {
    accessTokenHash: stored.access_token_hash,
    familyId: stored.family_id,
    clientId: stored.client_id,
    sub: stored.sub,
    passwordGeneration: stored.password_generation,
    audience: stored.audience,
    scopes: stored.scopes,
    startedAt: stored.started_at,
    usableUntil: stored.usable_until,
    familyEndsAt: stored.expires_at,
    ...(stored.successor !== undefined && {
      rotation: {
        successor: stored.successor,
        at: stored.rotated_at,
        graceUntil: stored.grace_until,
        answer: stored.answer,
      },
    }),
  };
}
