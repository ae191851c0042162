import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { demonstration } from '../../local/demo/greeting.ts';
import { keepTokens } from './canary.ts';
import { decode } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

const run = promisify(execFile);

/** A newcomer's machine may lack one of them; then there is nothing to paste into. */
async function hasCommands(): Promise<boolean> {
  try {
    await run('bash', ['-c', 'command -v curl && command -v sed && command -v tee']);
    return true;
  } catch {
    return false;
  }
}

describe('what npm start prints', () => {
  it('is that it is ready, the credentials and four commands, all at the end', () => {
    const { demo, issuer, stdout } = sharedStack();
    const printed = demonstration({ issuer, demo });
    expect(stdout()).toContain(`${printed}\n`);
    expect(printed).toContain(`Latchkey is ready at ${issuer}\n`);
    expect(printed.match(/curl/g)).toHaveLength(4);
  });

  it('can be pasted: a token, the API, a login, a refresh', async ({ skip }) => {
    if (!(await hasCommands())) skip('bash, curl, sed or tee is not on the PATH');
    const { demo, issuer, canary } = sharedStack();
    const commands = demonstration({ issuer, demo })
      .split('\n')
      .filter((line) => /^(TOKEN|LOGIN|curl)/.test(line))
      .join('\necho\n');
    // Through a pipe, since `tee /dev/stderr` cannot open the socket that Node gives a child as stderr.
    const { stdout } = await run('bash', ['-c', `{ ${commands}\n} 2>&1 | cat`]);
    keepTokens(stdout, canary);
    const [machine, whoami, login, refreshed] = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    expect(machine).toMatchObject({ token_type: 'Bearer', scope: 'read:whoami' });
    expect(whoami).toMatchObject({ sub: 'demo-service', scope: 'read:whoami' });
    expect(login).toMatchObject({ token_type: 'Bearer', scope: 'read:whoami' });
    expect(refreshed).toMatchObject({ token_type: 'Bearer' });
    const { sub, jti } = decode(login.access_token).claims;
    expect(decode(refreshed.access_token).claims).toMatchObject({ sub, client_id: 'demo-app' });
    expect(decode(refreshed.access_token).claims.jti).not.toBe(jti);
  });
});
