import type { Endpoint } from '../http/http.ts';
import { withMethods } from '../http/methods.ts';
import { publicDocument } from '../http/public-document.ts';
import { serverMetadata } from '../oauth/metadata.ts';

/** Seconds. The document changes only with a deployment. */
const MAX_AGE = 3600;

/** GET the metadata, by RFC 8414's path and by OpenID Connect Discovery's. */
export function createMetadataEndpoint({ issuer }: { issuer: string }): Endpoint {
  const document = serverMetadata(issuer);
  return withMethods(['GET'], async (request) =>
    publicDocument(request, document, { maxAge: MAX_AGE }),
  );
}
