import { isLoopback } from '../../lib/runtime/secure-url.ts';
import { type Finding, fail, ok, verdict, warn } from './finding.ts';
import { type Answer, jsonObject, NoAnswerError, tryToAsk } from './http.ts';
import { checkKeys, type PublishedKey } from './keys.ts';
import { checkFields, metadataUrls, readMetadata } from './metadata.ts';

/** Seconds. Tokens are refused as not yet valid, or as expired, by clocks that are further apart. */
const LARGEST_SKEW = 30;

export interface Examination {
  findings: Finding[];
  /** The JWKS; empty where there is none. */
  keys: PublishedKey[];
}

/** Looks at an issuer from outside, as verifiers and IAM do. */
export async function examineIssuer(issuer: string): Promise<Examination> {
  const findings = checkUrl(issuer);
  if (!URL.canParse(issuer)) return { findings, keys: [] };

  const documents = await Promise.all(metadataUrls(issuer).map((url) => readMetadata(url, issuer)));
  findings.push(...documents.map(({ finding }) => finding));
  const found = documents.find(({ document }) => document !== undefined);
  if (found?.document === undefined) return { findings, keys: [] };
  findings.push(checkFields(found.document));

  const { jwks_uri, token_endpoint } = found.document;
  const jwks = await readJwks(jwks_uri);
  findings.push(...jwks.findings);
  for (const { answer } of [found, jwks]) findings.push(...(answer ? [checkCaching(answer)] : []));
  findings.push(checkClock(found.answer), ...(await checkTokenEndpoint(token_endpoint)));
  return { findings, keys: jwks.keys };
}

function checkUrl(issuer: string): Finding[] {
  const shown = JSON.stringify(issuer);
  if (!URL.canParse(issuer)) return [fail('https', `the issuer ${shown} is not a URL`)];
  const url = new URL(issuer);
  const isPlainLoopback = url.protocol === 'http:' && isLoopback(url);
  const hasPort = /^[^/]*\/\/[^/]*:\d+(\/|$)/.test(issuer);
  return [
    isPlainLoopback
      ? warn('https', `${issuer} is http on this machine: nobody else, nor IAM, can use it`)
      : verdict('https', [url.protocol !== 'https:' && `${shown} is not https`], issuer),
    isPlainLoopback && hasPort
      ? warn('port', 'the issuer has a port, which IAM does not take')
      : verdict(
          'port',
          [
            hasPort && `${shown} has a port, which IAM does not take`,
            (url.search || url.hash) && `${shown} has a query or a fragment`,
          ],
          'no port, query or fragment',
        ),
  ];
}

async function readJwks(uri: unknown): Promise<Examination & { answer?: Answer }> {
  const refused = (reason: string) => ({ findings: [fail('jwks', reason)], keys: [] });
  if (typeof uri !== 'string' || !URL.canParse(uri)) return refused('there is no jwks_uri');
  const url = new URL(uri);
  if (url.protocol !== 'https:' && !isLoopback(url)) return refused(`${uri} is not https`);
  const answer = await tryToAsk(uri);
  if (answer instanceof NoAnswerError) return refused(answer.message);
  if (answer.status !== 200) return refused(`${uri} answered ${answer.status}`);
  const keys = jsonObject(answer)?.keys;
  if (!Array.isArray(keys)) return refused(`${uri} is not a JWKS`);
  const objects = keys.map((key): PublishedKey => Object(key));
  return { findings: [ok('jwks', uri), ...checkKeys(objects)], keys: objects, answer };
}

function checkCaching({ url, headers }: Answer): Finding {
  const path = new URL(url).pathname;
  const control = headers.get('cache-control') ?? '';
  const maxAge = /max-age=\d+/.exec(control)?.[0];
  return verdict(
    `caching of ${path}`,
    [
      maxAge === undefined &&
        'no Cache-Control with max-age: verifiers ask more often than need be',
      headers.get('etag') === null && 'no ETag: whoever asks again is sent all of it',
    ],
    `${maxAge}, with ETag`,
  );
}

function checkClock(answer: Answer | undefined): Finding {
  const ahead = answer?.clockAhead;
  if (ahead === undefined) return warn('clock', 'the answers have no Date');
  const seconds = `${Math.round(Math.abs(ahead))} s ${ahead < 0 ? 'behind' : 'ahead of'} this machine`;
  return verdict('clock', [Math.abs(ahead) >= LARGEST_SKEW && `the issuer is ${seconds}`], seconds);
}

async function checkTokenEndpoint(endpoint: unknown): Promise<Finding[]> {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) {
    return [fail('token endpoint', 'the metadata has no token_endpoint')];
  }
  const [get, post] = await Promise.all([tryToAsk(endpoint), tryToAsk(endpoint, 'POST')]);
  if (get instanceof NoAnswerError) return [fail('token endpoint', get.message)];
  if (post instanceof NoAnswerError) return [fail('token endpoint', post.message)];
  return [
    verdict(
      'token endpoint, GET',
      [get.status !== 405 && `answered ${get.status}, not 405`],
      '405',
    ),
    verdict(
      'token endpoint, empty POST',
      [
        ![400, 401].includes(post.status) && `answered ${post.status}, not 400 or 401`,
        typeof jsonObject(post)?.error !== 'string' && 'the answer has no error in JSON',
        !/no-store/.test(post.headers.get('cache-control') ?? '') && 'the answer may be stored',
      ],
      `${post.status}, not to be stored`,
    ),
  ];
}
