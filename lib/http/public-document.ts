import { createHash } from 'node:crypto';
import type { HttpRequest } from './request.ts';
import type { HttpResponse } from './response.ts';

/**
 * A JSON document that anybody may fetch and keep: with `ETag`, and 304 to who has it (RFC 9110
 * section 13.1.2).
 */
export function publicDocument(
  request: HttpRequest,
  document: unknown,
  { maxAge }: { maxAge: number },
): HttpResponse {
  const body = JSON.stringify(document);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  const headers = { ETag: etag, 'Cache-Control': `public, max-age=${maxAge}` };
  if (matches(request.headers['if-none-match'], etag)) return { status: 304, headers, body: '' };
  return { status: 200, headers: { 'Content-Type': 'application/json', ...headers }, body };
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}
