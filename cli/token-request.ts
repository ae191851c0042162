import { endpointBase } from '../lib/oauth/metadata.ts';
import { RefusedError } from '../lib/runtime/refused-error.ts';
import { assertSecure, basicAuthorization } from '../lib/service-clients/request-token.ts';
import type { ServiceSecretStore } from '../lib/service-clients/service-secret-store.ts';

/** With what a client asks for a token, and where. */
export interface TokenClient {
  /** The endpoints are below it. */
  base: string;
  clientId: string;
  /** Absent for a public client. */
  clientSecret?: string;
  /** Separated by spaces. */
  scope?: string;
}

/** How clients get their tokens, as the secret calls it, and what makes such a client. */
const FLOWS = {
  client_credentials: 'client add-service',
  user_password: 'client add-programmatic',
};

/** Milliseconds. */
const TIMEOUT = 10_000;

/**
 * Reads what Secrets Manager keeps for a client.
 *
 * @throws {RefusedError} where there is no such secret, or it is of another flow
 */
export async function readTokenClient(
  secrets: Pick<ServiceSecretStore, 'read'>,
  name: string,
  flow: keyof typeof FLOWS,
): Promise<TokenClient> {
  const value = await secrets.read(name);
  if (value === undefined) {
    throw new RefusedError(`there is no secret ${name}: \`${FLOWS[flow]}\` makes one`);
  }
  const document = parse(value);
  const { cognito_domain: base, client_id: clientId, client_secret: clientSecret } = document;
  if (document.flow !== flow || !isText(base) || !isText(clientId)) {
    throw new RefusedError(`the secret ${name} is not one that \`${FLOWS[flow]}\` made`);
  }
  return {
    base,
    clientId,
    ...(isText(clientSecret) && { clientSecret }),
    ...(isText(document.scope) && { scope: document.scope }),
  };
}

/** Nothing of a secret that is no JSON is told: the parser's message would quote it. */
function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/**
 * Gets an access token.
 *
 * @param parameters of the request, beside what tells who the client is
 * @throws {RefusedError} also where nothing answers, or the credentials would be sent in the clear
 */
export async function requestToken(
  { base, clientId, clientSecret }: TokenClient,
  parameters: Record<string, string>,
): Promise<string> {
  const url = `${endpointBase(base)}/oauth2/token`;
  if (!URL.canParse(url)) throw new RefusedError(`${base} is no URL`);
  assertSecure(new URL(url));
  const isPublic = clientSecret === undefined;
  const body = new URLSearchParams({ ...parameters, ...(isPublic && { client_id: clientId }) });
  const response = await send(url, {
    method: 'POST',
    headers: isPublic ? {} : { authorization: basicAuthorization(clientId, clientSecret) },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const { access_token, error, error_description } = parse(await response.text());
  if (response.ok && isText(access_token)) return access_token;
  const told = [error, error_description].filter(isText).join(': ');
  throw new RefusedError(`${url} gave no token: ${told || `it answered ${response.status}`}`);
}

async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    const { code = 'no answer' } = Object(error instanceof Error ? error.cause : undefined);
    throw new RefusedError(`${url} does not answer (${code})`, { cause: error });
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
