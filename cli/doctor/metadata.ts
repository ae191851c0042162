import { type Finding, fail, ok, verdict, warn } from './finding.ts';
import { type Answer, jsonObject, NoAnswerError, tryToAsk } from './http.ts';

/** OpenID Connect Discovery section 4 appends its path, RFC 8414 section 3.1 puts its own before the issuer's. */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

export interface Metadata {
  finding: Finding;
  answer?: Answer;
  document?: Record<string, unknown>;
}

export async function readMetadata(url: string, issuer: string): Promise<Metadata> {
  const check = url.includes('openid-') ? 'openid-configuration' : 'oauth-authorization-server';
  const answer = await tryToAsk(url);
  if (answer instanceof NoAnswerError) return { finding: fail(check, answer.message) };
  const document = answer.status === 200 ? jsonObject(answer) : undefined;
  const finding = verdict(
    check,
    [
      answer.status !== 200 && `${url} answered ${answer.status}`,
      document === undefined && `${url} is not a JSON object`,
      // RFC 8414 section 3.3: identical, or it must not be used.
      document?.issuer !== issuer &&
        `it says that the issuer is ${JSON.stringify(document?.issuer)}`,
    ],
    url,
  );
  return { finding, answer, ...(document && { document }) };
}

/** What IAM demands that an OIDC provider's metadata have, beside the issuer. */
const IAM_FIELDS = [
  'jwks_uri',
  'response_types_supported',
  'subject_types_supported',
  'id_token_signing_alg_values_supported',
];

export function checkFields(document: Record<string, unknown>): Finding {
  const missing = IAM_FIELDS.filter((field) => document[field] === undefined);
  if (missing.length > 0) return fail('metadata fields', `${missing.join(', ')} missing`);
  const types = [document.response_types_supported].flat();
  if (!types.includes('id_token')) {
    return warn('metadata fields', 'IAM documents response_types_supported with id_token in it');
  }
  return ok('metadata fields', 'all that IAM documents');
}
