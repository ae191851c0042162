import { createAuthorizer } from '../lib/gateway/authorizer.ts';
import { createUserRecordStore } from '../lib/gateway/user-record-store.ts';
import { createFetchJson } from '../lib/jwt/fetch-json.ts';
import { createRemoteKeys } from '../lib/jwt/remote-keys.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog as log } from '../lib/runtime/log.ts';
import { readAuthorizerConfig } from './config.ts';

const config = readAuthorizerConfig(process.env);
const fetchJson = createFetchJson();

export const handler = createAuthorizer({
  ...config,
  keysOf: (issuer) => createRemoteKeys({ issuer, fetchJson, now: nowInSeconds, log }),
  findUser: createUserRecordStore(config.usersTable),
  now: nowInSeconds,
  log,
});
