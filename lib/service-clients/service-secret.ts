import { endpointBase } from '../oauth/metadata.ts';

import { RefusedError } from '../runtime/refused-error.ts';

/** What Secrets Manager keeps for a client that its service reads: the names and the order are the service's. */
export interface ServiceSecret {
  flow: 'client_credentials';
  /** Where the endpoints are, without a trailing slash: the token endpoint is below it. */
  cognito_domain: string;
  client_id: string;
  client_secret: string;
  /** The name of the stack. */
  userpool_id: string;
  /** Separated by spaces. */
  scope: string;
  aws_region: string;
}

/** The same for a program that signs people in with their passwords. It has no secret. */
export type ProgrammaticSecret = Omit<ServiceSecret, 'flow' | 'client_secret' | 'scope'> & {
  flow: 'user_password';
};

/** Where a Latchkey is, as its clients know it. */
export interface Place {
  issuer: string;
  /** `latchkey-dev`. */
  stack: string;
  region: string;
}

/** The secret of the client `id` in Secrets Manager. */
export function serviceSecretName(stack: string, id: string): string {
  return `${stack}/${id}`;
}

export function serviceSecret(
  {
    clientId,
    clientSecret,
    scopes,
  }: Record<'clientId' | 'clientSecret', string> & {
    scopes: readonly string[];
  },
  { issuer, stack, region }: Place,
): ServiceSecret {
  return {
    flow: 'client_credentials',
    cognito_domain: endpointBase(issuer),
    client_id: clientId,
    client_secret: clientSecret,
    userpool_id: stack,
    scope: scopes.join(' '),
    aws_region: region,
  };
}

export function programmaticSecret(
  clientId: string,
  { issuer, stack, region }: Place,
): ProgrammaticSecret {
  return {
    flow: 'user_password',
    cognito_domain: endpointBase(issuer),
    client_id: clientId,
    userpool_id: stack,
    aws_region: region,
  };
}

/**
 * Reads the value of a service's secret, whoever has added what to it.
 *
 * @throws {RefusedError} which quotes none of it
 */
export function parseServiceSecret(text: string): ServiceSecret {
  const parsed = parseObject(text);
  const { flow, client_id, client_secret } = parsed;
  if (flow !== 'client_credentials' || !isText(client_id) || !isText(client_secret)) {
    throw new RefusedError('the secret is none of a service client');
  }
  return parsed as unknown as ServiceSecret;
}

/** Its parser's message would quote the text. */
function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
