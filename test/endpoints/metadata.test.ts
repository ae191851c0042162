import { describe, expect, it } from 'vitest';
import { createMetadataEndpoint } from '../../lib/endpoints/metadata.ts';

async function metadata(issuer: string, path: string) {
  const endpoint = createMetadataEndpoint({ issuer });
  const request = { method: 'GET', path, headers: {}, query: '', body: '', sourceIp: '192.0.2.1' };
  return JSON.parse((await endpoint(request)).body);
}

describe('the metadata', () => {
  it.each([
    { issuer: 'https://auth.example.com', base: 'https://auth.example.com' },
    { issuer: 'https://auth.example.com/realms/dev', base: 'https://auth.example.com' },
    { issuer: 'https://auth.example.com/prefix', base: 'https://auth.example.com/prefix' },
    {
      issuer: 'https://auth.example.com/prefix/realms/dev',
      base: 'https://auth.example.com/prefix',
    },
    { issuer: 'http://localhost:3000', base: 'http://localhost:3000' },
  ])('of $issuer names it to the byte, and endpoints at $base', async ({ issuer, base }) => {
    expect(await metadata(issuer, '/.well-known/openid-configuration')).toEqual({
      issuer,
      token_endpoint: `${base}/oauth/token`,
      jwks_uri: `${base}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials', 'password'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      claims_supported: expect.arrayContaining(['iss', 'sub', 'aud', 'exp', 'azp']),
    });
  });

  it.each([
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/realms/dev',
    '/realms/dev/.well-known/openid-configuration',
  ])('of a realm is at %s', async (path) => {
    const issuer = 'https://auth.example.com/realms/dev';
    expect((await metadata(issuer, path)).issuer).toBe(issuer);
  });

  it('of another realm does not exist', async () => {
    await expect(
      metadata(
        'https://auth.example.com/realms/dev',
        '/realms/prod/.well-known/openid-configuration',
      ),
    ).rejects.toThrow(expect.objectContaining({ status: 404 }));
  });
});
