import { describe, expect, it } from 'vitest';
import { createSealer, type Sealed } from '../../lib/sealing/sealed.ts';

const sealer = createSealer('a secret of sixty-four characters, as CloudFormation makes them.');

describe('what is sealed', () => {
  it('opens in its place', async () => {
    const sealed = await sealer.seal('the text', 'record 1');
    expect(sealed).not.toContain('the text');
    expect(await sealer.open(sealed, 'record 1')).toBe('the text');
  });

  it('opens in no other place', async () => {
    const sealed = await sealer.seal('the text', 'record 1');
    await expect(sealer.open(sealed, 'record 2')).rejects.toThrow();
  });

  it('opens with no other key', async () => {
    const sealed = await sealer.seal('the text', 'record 1');
    await expect(createSealer('another secret').open(sealed, 'record 1')).rejects.toThrow();
  });

  it('opens no more when a bit of it changed', async () => {
    const sealed = JSON.parse(await sealer.seal('the text', 'record 1'));
    const ciphertext = Buffer.from(sealed.ciphertext, 'base64url');
    ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
    const changed = JSON.stringify({ ...sealed, ciphertext: ciphertext.toString('base64url') });
    await expect(sealer.open(changed as Sealed, 'record 1')).rejects.toThrow();
  });

  it('looks different every time', async () => {
    expect(await sealer.seal('x', 'y')).not.toBe(await sealer.seal('x', 'y'));
  });
});
