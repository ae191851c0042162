import { createEndpoint, type Endpoint } from '../http/endpoint.ts';
import { anyOrigin } from '../http/origins.ts';
import { publicDocument } from '../http/public-document.ts';
import { OAuthError } from '../oauth/errors.ts';
import { serverMetadata } from '../oauth/metadata.ts';

/** Seconds. The document changes only with a deployment. */
const MAX_AGE = 3600;

/**
 * GET the metadata, by RFC 8414's path and by OpenID Connect Discovery's. Where the issuer is a realm, no other
 * realm exists: a client that discovers by one would be told of an issuer that it did not ask for.
 */
export function createMetadataEndpoint({ issuer }: { issuer: string }): Endpoint {
  const document = serverMetadata(issuer);
  const realm = realmOf(issuer);
  return createEndpoint({ methods: ['GET'], origins: anyOrigin }, async (request) => {
    const asked = realmOf(request.path);
    if (realm !== undefined && asked !== undefined && asked !== realm) {
      throw new OAuthError('invalid_request', 'There is no such realm', { status: 404 });
    }
    return publicDocument(request, document, { maxAge: MAX_AGE });
  });
}

function realmOf(address: string): string | undefined {
  return /\/realms\/([^/]+)/.exec(address)?.[1];
}
