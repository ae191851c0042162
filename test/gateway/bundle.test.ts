import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestKey, sign, startIssuer } from '../support/issuer.ts';

const KB = 1024;

const { outputFiles, metafile } = await build({
  entryPoints: [fileURLToPath(new URL('../../functions/authorizer.ts', import.meta.url))],
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  external: ['@aws-sdk/*'],
  outfile: 'authorizer.mjs',
  metafile: true,
  write: false,
});
const inputs = Object.keys(metafile.inputs);
const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);

describe('the bundle of the authorizer', () => {
  it('is below 25 KB when zipped: a zip is raw deflate and 150 bytes of names', () => {
    const zipped = outputFiles.reduce(
      (sum, { contents }) => sum + deflateRawSync(contents).length,
      0,
    );
    expect(zipped + 150).toBeLessThan(25 * KB);
  });

  it('has no code of the AWS SDK, and loads it only when asked to', () => {
    expect(inputs.filter((path) => /aws-sdk|smithy/.test(path))).toEqual([]);
    const sdk = imports.filter(({ path }) => path.startsWith('@aws-sdk/'));
    expect(sdk.length).toBeGreaterThan(0);
    expect(sdk.every(({ kind }) => kind === 'dynamic-import')).toBe(true);
  });

  it('imports nothing else but hashing', () => {
    const others = imports.filter(({ path }) => !path.startsWith('@aws-sdk/'));
    expect(others.map(({ path }) => path)).toEqual(['node:crypto']);
  });

  it('has nothing of jose that encrypts or signs', () => {
    expect(inputs.filter((path) => /jose/.test(path) && /jwe|sign\.js|encrypt/.test(path))).toEqual(
      [],
    );
  });
});

describe('the bundle, run', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'authorizer-'));
    writeFileSync(join(folder, 'authorizer.mjs'), outputFiles[0]?.contents ?? '');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a script in a process of its own, with the bundle's URL in `BUNDLE`. */
  function run(script: string, env: Record<string, string>) {
    const BUNDLE = pathToFileURL(join(folder, 'authorizer.mjs')).href;
    return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: { BUNDLE, ...env },
    });
  }

  it('verifies a token without loading undici, which takes 30 ms', async () => {
    const issuer = await startIssuer();
    const key = await createTestKey('RS256');
    issuer.keys = [key.publicJwk];
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer.issuer, sub: 'user-1', aud: 'api', exp: now + 60, iat: now };
    const { stdout } = await run(
      `const { handler } = await import(process.env.BUNDLE);
       const headers = { authorization: 'Bearer ' + process.env.TOKEN };
       const { isAuthorized } = await handler({ version: '2.0', type: 'REQUEST', headers });
       const loaded = process.moduleLoadList.filter((name) => name.includes('undici'));
       console.log(JSON.stringify({ isAuthorized, loaded }));`,
      {
        TRUSTED_ISSUERS: JSON.stringify([{ issuer: issuer.issuer, audience: 'api' }]),
        TOKEN: await sign(key, claims),
      },
    );
    await issuer.close();
    expect(JSON.parse(stdout)).toEqual({ isAuthorized: true, loaded: [] });
  });

  it('says which setting is wrong, and not what it is', async () => {
    const env = { TRUSTED_ISSUERS: '[{"issuer":"tops3cret"}]' };
    const { stderr } = await run('await import(process.env.BUNDLE)', env).catch((error) => error);
    expect(stderr).toContain('TRUSTED_ISSUERS entry 1 has no issuer that is an https URL');
    expect(stderr.replace(/^.*\.mjs:1\n.*$/m, '')).not.toContain('tops3cret');
  });
});
