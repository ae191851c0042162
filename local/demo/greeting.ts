import type { Stack } from '../stack.ts';

const ACCESS_TOKEN = `sed -E 's/.*"access_token":"([^"]+)".*/\\1/'`;

/** What `npm start` ends with: that it is ready, the demo credentials, and four commands to paste. */
export function demonstration({ issuer, demo }: Pick<Stack, 'issuer' | 'demo'>): string {
  const { service, app, user, audience } = demo;
  return `
Latchkey is ready at ${issuer}

  confidential client  ${service.client_id}  secret ${service.client_secret}
  public client        ${app.client_id}
  user                 ${user.username}  password ${user.password}
  audience             ${audience}

# A token for a machine (client_credentials)
TOKEN=$(curl -sS ${issuer}/oauth/token -u ${service.client_id}:${service.client_secret} -d grant_type=client_credentials | tee /dev/stderr | ${ACCESS_TOKEN})

# A protected API, through the authorizer
curl -sS ${issuer}/whoami -H "Authorization: Bearer $TOKEN"

# A person signs in (password): the refresh token stays on the server
LOGIN=$(curl -sS ${issuer}/oauth/token -d grant_type=password -d client_id=${app.client_id} -d username=${user.username} -d password=${user.password} | tee /dev/stderr | ${ACCESS_TOKEN})

# The next token for the one before
curl -sS ${issuer}/oauth/refresh -X POST -H "Authorization: Bearer $LOGIN"
`;
}
