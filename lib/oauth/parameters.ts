import { OAuthError } from './errors.ts';

/** The parameters of a request: each present at most once, `resource` apart, and never empty. */
export interface Parameters {
  /** The value, or undefined where the parameter is absent. Throws `invalid_request` if it is not a string. */
  get(name: string): string | undefined;
  /** The value. Throws `invalid_request` where the parameter is absent. */
  require(name: string): string;
  /** All values of a repeatable parameter. */
  all(name: string): readonly string[];
  has(name: string): boolean;
}

/** RFC 8707 section 2: `resource` may be repeated; RFC 6749 section 3.2: nothing else may. */
const REPEATABLE = new Set(['resource']);

/** No genuine request comes near; what does is an attempt to make the parser work. */
const MOST_PARAMETERS = 100;

const NO_VALUES: readonly unknown[] = [];

/**
 * Reads the body of a POST to an OAuth endpoint: `application/x-www-form-urlencoded`, or, for clients that were
 * written for servers that take it, `application/json`. An empty body without content type has no parameters.
 *
 * @throws {OAuthError} `invalid_request` for any other content type, a malformed body or a repeated parameter
 */
export function parseParameters(contentType: string | undefined, body: string): Parameters {
  if (body === '' && contentType === undefined) return parameters(new Map());
  const [mediaType = '', ...attributes] = (contentType ?? '').toLowerCase().split(';');
  assertUtf8(attributes);
  switch (mediaType.trim()) {
    case 'application/x-www-form-urlencoded':
      return parameters(parseForm(body));
    case 'application/json':
      return parameters(parseJson(body));
    default:
      throw new OAuthError(
        'invalid_request',
        'The content type must be application/x-www-form-urlencoded or application/json',
      );
  }
}

function assertUtf8(attributes: string[]): void {
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split('=');
    if (name.trim() === 'charset' && !/^"?utf-?8"?$/.test(value.trim())) {
      throw new OAuthError('invalid_request', 'The body must be encoded as UTF-8');
    }
  }
}

/** The parameters of a form, or of a query string (without its `?`). */
export function parseForm(body: string): Map<string, unknown[]> {
  const values = new Map<string, unknown[]>();
  for (const pair of body.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = formDecode(equals < 0 ? pair : pair.slice(0, equals));
    add(values, name, equals < 0 ? '' : formDecode(pair.slice(equals + 1)));
  }
  return values;
}

/** RFC 6749 appendix B: percent-encoded UTF-8, a space as `+`. Strict, where URLSearchParams repairs. */
export function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new OAuthError('invalid_request', 'The body is not valid form encoding', { cause });
  }
}

function parseJson(body: string): Map<string, unknown[]> {
  const values = new Map<string, unknown[]>();
  for (const [name, value] of members(body)) {
    for (const item of Array.isArray(value) && REPEATABLE.has(name) ? value : [value]) {
      add(values, name, item ?? '');
    }
  }
  return values;
}

function members(body: string): [string, unknown][] {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (cause) {
    throw new OAuthError('invalid_request', 'The body is not valid JSON', { cause });
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new OAuthError('invalid_request', 'The body must be a JSON object');
  }
  const names = topLevelNames(body);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw repeatedParameter();
  return Object.entries(document);
}

/** The member names of a valid JSON object as they were sent: `JSON.parse` keeps the last of equal names silently. */
function topLevelNames(json: string): string[] {
  const names: string[] = [];
  let depth = 0;
  let previous = '';
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (token === ':' && depth === 1) names.push(JSON.parse(previous));
    previous = token;
    if (names.length > MOST_PARAMETERS) throw tooManyParameters();
  }
  return names;
}

/** RFC 6749 section 3.2: a parameter sent without a value is treated as if it were omitted. */
function add(values: Map<string, unknown[]>, name: string, value: unknown): void {
  if (value === '') return;
  const present = values.get(name);
  if (present === undefined) {
    if (values.size === MOST_PARAMETERS) throw tooManyParameters();
    values.set(name, [value]);
  } else if (REPEATABLE.has(name) && present.length < MOST_PARAMETERS) present.push(value);
  else throw repeatedParameter();
}

function repeatedParameter(): OAuthError {
  return new OAuthError('invalid_request', 'A parameter is repeated');
}

function tooManyParameters(): OAuthError {
  return new OAuthError('invalid_request', 'The request has too many parameters');
}

function parameters(values: ReadonlyMap<string, readonly unknown[]>): Parameters {
  const all = (name: string) => (values.get(name) ?? NO_VALUES).map((value) => text(name, value));
  const get = (name: string) => all(name)[0];
  return {
    all,
    get,
    has: (name) => values.has(name),
    require(name) {
      const value = get(name);
      if (value !== undefined) return value;
      throw new OAuthError('invalid_request', `The parameter ${name} is missing`);
    },
  };
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new OAuthError('invalid_request', `The parameter ${name} must be a string`);
}
