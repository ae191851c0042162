import { nowInSeconds } from '../lib/clock.ts';
import { readAuthorizerConfig } from '../lib/config.ts';
import { createAuthorizer } from '../lib/gateway/authorizer.ts';
import { createUserRecordStore } from '../lib/gateway/user-record-store.ts';
import { createFetchJson } from '../lib/keys/fetch-json.ts';
import { createRemoteKeys } from '../lib/keys/remote-keys.ts';
import { consoleLog as log } from '../lib/log.ts';

const config = readAuthorizerConfig(process.env);
const fetchJson = createFetchJson();

export const handler = createAuthorizer({
  ...config,
  keysOf: (issuer) => createRemoteKeys({ issuer, fetchJson, now: nowInSeconds, log }),
  findUser: createUserRecordStore(config.usersTable),
  now: nowInSeconds,
  log,
});
