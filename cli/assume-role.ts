import { RefusedError } from '../lib/runtime/refused-error.ts';

export interface RoleRequest {
  roleArn: string;
  /** What the role's actions are logged under. */
  sessionName: string;
  /** Seconds; the role's or STS's own limit where left out. */
  duration?: number;
  token: string;
  /** Where STS is, if not where the SDK looks for it. */
  endpoint?: string;
}

/** What a `credential_process` prints, to the letter. */
export interface ProcessCredentials {
  Version: 1;
  AccessKeyId: string;
  SecretAccessKey: string;
  SessionToken: string;
  Expiration: string;
}

/** Milliseconds. STS itself fetches the issuer's metadata and JWKS before it answers. */
const TIMEOUT = 15_000;

/**
 * Exchanges a token for temporary credentials. The call is not signed: the token is all that it takes.
 *
 * @throws {RefusedError} in words, and never with the token in them
 */
export async function assumeRole(request: RoleRequest): Promise<ProcessCredentials> {
  const { STSClient, AssumeRoleWithWebIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = new STSClient({
    ...(request.endpoint !== undefined && { endpoint: request.endpoint }),
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: TIMEOUT,
      throwOnRequestTimeout: true,
    },
  });
  try {
    const { Credentials } = await client.send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: request.roleArn,
        RoleSessionName: request.sessionName,
        DurationSeconds: request.duration,
        WebIdentityToken: request.token,
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
      throw new RefusedError('STS answered without credentials');
    }
    return {
      Version: 1,
      AccessKeyId,
      SecretAccessKey,
      SessionToken,
      Expiration: Expiration.toISOString(),
    };
  } catch (error) {
    throw inWords(error, request);
  } finally {
    client.destroy();
  }
}

/** What STS says -> what to look at, the more telling first. */
const REASONS: readonly (readonly [code: RegExp, message: RegExp, reason: string])[] = [
  [/^ExpiredToken/, /./, 'STS takes the token for expired: `latchkey doctor` compares the clocks'],
  [
    /^InvalidIdentityToken/,
    /verification key/i,
    "STS cannot read the issuer's metadata and keys: `latchkey doctor` says what IAM would miss",
  ],
  [
    /^InvalidIdentityToken/,
    /required claim/i,
    'the token lacks a claim that IAM demands; `aud` is missing where the API was made with --no-audience-claim',
  ],
  [
    /^InvalidIdentityToken/,
    /audience/i,
    "the token's client is not in the list of client ids of the IAM OIDC provider",
  ],
  [
    /^InvalidIdentityToken/,
    /provider found/i,
    "the role's account has no IAM OIDC provider for the issuer",
  ],
  [/^InvalidIdentityToken/, /./, 'STS does not accept the token'],
  [
    /^AccessDenied/,
    /./,
    'the role does not trust the token: there is no such role, or its trust policy demands another issuer, aud or sub',
  ],
  [/^IDPCommunicationError/, /./, 'STS could not reach the issuer in time: try again'],
  [/^IDPRejectedClaim/, /./, 'STS says that the issuer has rejected the token'],
  [/^RegionDisabled/, /./, 'STS is switched off in this region: name another with --region'],
  [/^ValidationError/, /DurationSeconds/, 'the role does not last that long'],
];

function inWords(error: unknown, { token }: RoleRequest): unknown {
  if (error instanceof RefusedError || !(error instanceof Error)) return error;
  if (error.message === 'Region is missing') return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined || error.name === 'TimeoutError') {
    return new RefusedError(`STS does not answer (${code ?? error.name})`, { cause: error });
  }
  const message = error.message.replaceAll(token, '[token]').replace(/\s+/g, ' ');
  const [, , reason = 'STS refused it'] =
    REASONS.find(([name, text]) => name.test(error.name) && text.test(message)) ?? [];
  return new RefusedError(`${reason} (${error.name}: ${message})`);
}
