import type { Command } from 'commander';
import type { CustomClaims } from '../../lib/oauth/claims.ts';
import type { User } from '../../lib/oauth/user.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { normalizeUsername } from '../../lib/users/password-store.ts';
import { addUser, findUser, removeUser, setPassword } from '../../lib/users/registration.ts';
import { collect, collectClaim, notEmpty } from '../options.ts';
import { claimsText, dateTime, fields, joined, type Report, table } from '../report.ts';
import type { Shell } from '../shell.ts';

interface AddOptions {
  permission?: readonly string[];
  role?: readonly string[];
  claim?: CustomClaims;
}

/** Required, so that it is plain where the password comes from: arguments are seen by every process. */
const PASSWORD_STDIN = ['--password-stdin', 'read the password from standard input'] as const;

/** `latchkey user …` */
export function addUserCommands(program: Command, shell: Shell): void {
  const noun = program.command('user').description('the people who sign in with a password');
  addAdd(noun, shell);
  addList(noun, shell);
  addShow(noun, shell);
  addSetPassword(noun, shell);
  addRemove(noun, shell);
}

function addAdd(noun: Command, { perform, readPassword }: Shell): void {
  noun
    .command('add')
    .description('adds a user')
    .argument('<username>', 'what the user signs in as', notEmpty)
    .requiredOption(...PASSWORD_STDIN)
    .option('--permission <scope>', 'what the user may do; repeatable', collect)
    .option('--role <role>', 'what the user is; repeatable', collect)
    .option(
      '--claim <name=value>',
      "a claim of the user's tokens, JSON or text; repeatable",
      collectClaim,
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ pass show ada | npm run -s latchkey -- user add ada --password-stdin --role WidgetHost',
    )
    .action(async (username: string, options: AddOptions) => {
      const password = await readPassword();
      await perform(async (stores) =>
        reportOf(
          await addUser(
            stores,
            {
              username,
              password,
              permissions: options.permission ?? [],
              roles: options.role ?? [],
              claims: options.claim ?? {},
            },
            nowInSeconds(),
          ),
        ),
      );
    });
}

function addList(noun: Command, { perform }: Shell): void {
  noun
    .command('list')
    .description('lists the users')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- user list --local')
    .action(() =>
      perform(async ({ users }) => {
        const all = await users.list();
        return {
          json: all.map(documentOf),
          text: table(
            ['USERNAME', 'SUB', 'PERMISSIONS', 'ROLES', 'STATE'],
            all.map((user) => [
              user.username,
              user.sub,
              joined(user.permissions),
              joined(user.roles),
              stateOf(user),
            ]),
          ),
        };
      }),
    );
}

function addShow(noun: Command, { perform }: Shell): void {
  noun
    .command('show')
    .description('shows a user')
    .argument('<username>', 'the user', notEmpty)
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- user show ada')
    .action((username: string) =>
      perform(async (stores) => reportOf(await findUser(stores, username))),
    );
}

function addSetPassword(noun: Command, { perform, readPassword }: Shell): void {
  noun
    .command('set-password')
    .description('gives a user another password and ends what was signed in with the old one')
    .argument('<username>', 'the user', notEmpty)
    .requiredOption(...PASSWORD_STDIN)
    .addHelpText(
      'after',
      '\nExample:\n  $ pass show ada | npm run -s latchkey -- user set-password ada --password-stdin',
    )
    .action(async (username: string) => {
      const password = await readPassword();
      await perform(async (stores) => {
        await setPassword(stores, username, password);
        const name = normalizeUsername(username);
        return {
          json: { username: name, password_set: true },
          text: `set the password of ${name}`,
        };
      });
    });
}

function addRemove(noun: Command, { perform }: Shell): void {
  noun
    .command('remove')
    .description('removes a user, for good')
    .argument('<username>', 'the user', notEmpty)
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- user remove ada')
    .action((username: string) =>
      perform(async (stores) => {
        await removeUser(stores, username);
        const name = normalizeUsername(username);
        return { json: { username: name, removed: true }, text: `removed ${name}` };
      }),
    );
}

function stateOf({ disabled }: User): string {
  return disabled ? 'disabled' : 'enabled';
}

function reportOf(user: User): Report {
  return {
    json: documentOf(user),
    text: fields([
      ['Username', user.username],
      ['Sub', user.sub],
      ['State', stateOf(user)],
      ['Permissions', joined(user.permissions)],
      ['Roles', joined(user.roles)],
      ['Claims', claimsText(user.claims)],
      ['Created', dateTime(user.createdAt)],
    ]),
  };
}

function documentOf(user: User) {
  return {
    username: user.username,
    sub: user.sub,
    disabled: user.disabled,
    permissions: user.permissions,
    roles: user.roles,
    claims: user.claims,
    created_at: user.createdAt,
  };
}
