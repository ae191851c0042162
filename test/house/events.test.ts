import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'events');
const { functions } = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'));

/** What the functions are that serverless.yml itself defines, and the routes of each. */
const ROUTES: Record<string, string[]> = Object.fromEntries(
  functions
    .filter((entry: unknown) => typeof entry === 'object')
    .flatMap((entry: Record<string, { events?: { httpApi?: string }[] }>) =>
      Object.entries(entry).map(([name, { events = [] }]) => [
        name,
        events.flatMap(({ httpApi = [] }) => httpApi),
      ]),
    ),
);

/** The documents that the metadata function answers with have the names that the standards gave them. */
const PREFIXES: Record<string, string> = {
  'openid-configuration': 'metadata',
  'oauth-authorization-server': 'metadata',
};

const FILES = readdirSync(folder);
const HTTP_FILES = FILES.filter((file) => ROUTES[functionOf(file) ?? '']?.length);

describe('the events', () => {
  it('are all for a function that there is, by the beginning of their names', () => {
    expect(FILES.filter((file) => functionOf(file) === undefined)).toEqual([]);
  });

  it('leave no function out', () => {
    expect([...new Set(FILES.map(functionOf))].sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it.each(FILES)('%s is JSON', (file) => {
    expect(read(file)).toBeTypeOf('object');
  });

  it.each(HTTP_FILES)(
    '%s has the shape of payload format 2.0, for a route of its function',
    (file) => {
      const event = read(file);
      const { http } = event.requestContext;
      expect(event).toMatchObject({
        version: '2.0',
        rawQueryString: '',
        headers: { host: event.requestContext.domainName, 'user-agent': http.userAgent },
        requestContext: {
          routeKey: event.routeKey,
          stage: '$default',
          http: { path: event.rawPath },
        },
      });
      expect(ROUTES[functionOf(file) ?? '']).toContain(event.routeKey);
      expect(event.routeKey).toBe(`ANY ${event.rawPath}`);
      expect(Object.keys(event.headers).filter((name) => name !== name.toLowerCase())).toEqual([]);
    },
  );

  it.each(HTTP_FILES)(
    '%s has its form in base64, as an HTTP API sends any, and JSON as it is',
    (file) => {
      const { body = '', headers, isBase64Encoded } = read(file);
      const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
      expect(isBase64Encoded).toBe(isForm);
      const sent = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
      expect(Number(headers['content-length'])).toBe(sent.length);
    },
  );

  it.each(FILES)('%s has a placeholder in the place of every credential', (file) => {
    const { headers = {}, authorizationToken, body = '', isBase64Encoded } = read(file);
    const sent = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString();
    const credentials = [
      headers.authorization?.split(/ (.*)/)[1],
      headers.Authorization?.split(/ (.*)/)[1],
      authorizationToken?.split(/ (.*)/)[1],
      ...[...sent.matchAll(/(?:client_secret|password)"?[=:]"?([^&"]+)/g)].map(
        ([, value]) => value,
      ),
    ].filter((credential) => credential !== undefined);
    expect(credentials.filter((credential) => !/^<.+>$/.test(credential))).toEqual([]);
  });
});

function functionOf(file: string): string | undefined {
  const name = file.replace(/\.json$/, '');
  const prefix = Object.keys(PREFIXES).find((known) => name.startsWith(known));
  if (prefix !== undefined) return PREFIXES[prefix];
  return Object.keys(ROUTES).find((known) => `${name}-`.startsWith(`${kebabCase(known)}-`));
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function read(file: string) {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}
