import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';

/** A key that signs, and what a JWKS says of it. */
export interface TestKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

export async function createTestKey(alg: string): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, privateKey, publicJwk: { ...jwk, kid, alg, use: 'sig' } };
}

/** Signs any claims; the header may be overruled. */
export function sign(
  key: TestKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({
      alg: key.alg,
      kid: key.kid,
      typ: 'at+jwt',
      ...header,
    } as JWTHeaderParameters)
    .sign(key.privateKey);
}

/** What the issuer does with a request. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestIssuer {
  issuer: string;
  /** The paths that were asked for, in order. */
  readonly requests: string[];
  /** What the JWKS has; changed by a rotation. */
  keys: unknown[];
  /** Members of the metadata that differ from what an issuer should say. */
  metadata: Record<string, unknown>;
  /** Answers instead of the issuer, by path or for every path. */
  behaviour: Record<string, Behaviour | undefined>;
  close(): Promise<void>;
}

export interface TestIssuerOptions {
  /** The path of the issuer. */
  path?: string;
  /** Where the metadata is. */
  metadataPath?: string;
}

/** An issuer on the loopback address, on a port of its own. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { path = '' } = options;
  const base = path.replace(/\/$/, '');
  const { metadataPath = `${base}/.well-known/openid-configuration` } = options;
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    issuer.requests.push(url);
    const behaviour = issuer.behaviour[url] ?? issuer.behaviour.every;
    if (behaviour) return behaviour(request, response);
    const documents: Record<string, unknown> = {
      [metadataPath]: {
        issuer: issuer.issuer,
        jwks_uri: `${origin}${base}/jwks`,
        ...issuer.metadata,
      },
      [`${base}/jwks`]: { keys: issuer.keys },
    };
    const document = documents[url];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? { error: 'not found' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TestIssuer = {
    issuer: `${origin}${path}`,
    requests: [],
    keys: [],
    metadata: {},
    behaviour: {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

/** Never answers. */
export const hang: Behaviour = () => {};

/** Answers 200 and the beginning of a body, and no more. */
export const stall: Behaviour = (_, response) => {
  response.writeHead(200);
  response.write('{"keys": [');
};

export const answer =
  (status: number, body: string, headers: Record<string, string> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
