import { createAuthorizer } from '../lib/gateway/authorizer.ts';
import { readAuthorizerSettings } from '../lib/gateway/settings.ts';
import { createUserRecordStore } from '../lib/gateway/user-record-store.ts';
import { createFetchJson } from '../lib/jwt/fetch-json.ts';
import { createRemoteKeys } from '../lib/jwt/remote-keys.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog as log } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';

const settings = readAuthorizerSettings(settingsOf(process.env));
const fetchJson = createFetchJson();

// No deadline: it writes nothing, and its few calls end within 1.5 seconds each. No middy: each
// kilobyte of it is paid for in front of every API.
export const handler = createAuthorizer({
  ...settings,
  keysOf: (issuer) => createRemoteKeys({ issuer, fetchJson, now: nowInSeconds, log }),
  findUser: createUserRecordStore(settings.usersTable),
  now: nowInSeconds,
  log,
});
