import { beforeEach, describe, expect, it } from 'vitest';
import type { LabelMove, PutOptions } from '../../lib/aws/secret.ts';
import { holderOf } from '../../lib/aws/secret-description.ts';
import {
  guard,
  type RotatingSecret,
  type Rotation,
  RotationRefusedError,
  type RotationStep,
  runRotationStep,
} from '../../lib/rotation/steps.ts';

/** A secret in memory, with the labels that Secrets Manager keeps. */
class MemorySecret implements RotatingSecret {
  isRotationEnabled = true;
  values = new Map<string, string>([['v1', 'one']]);
  labels = new Map<string, string[]>([
    ['v1', ['AWSCURRENT']],
    ['v2', ['AWSPENDING']],
  ]);
  /** How many more calls are answered before the process ends. */
  callsLeft = Infinity;

  #call(): void {
    if (this.callsLeft === 0) throw new Error('killed');
    this.callsLeft -= 1;
  }

  async describe() {
    this.#call();
    const versions = Object.fromEntries(this.labels);
    return {
      name: 'secret',
      arn: 'arn',
      isRotationEnabled: this.isRotationEnabled,
      schedule: undefined,
      nextRotation: undefined,
      versions,
      tags: {},
      isDeleted: false,
    };
  }

  async read(label = 'AWSCURRENT', version?: string) {
    this.#call();
    const found = [...this.labels].find(
      ([id, labels]) => labels.includes(label) && (version === undefined || id === version),
    );
    return found && this.values.get(found[0]);
  }

  async put(value: string, { version = '', label = '' }: PutOptions = {}) {
    this.#call();
    if (this.values.has(version)) return 'taken';
    this.values.set(version, value);
    this.#add(version, label);
    return 'written';
  }

  async moveLabel(label: string, { from, to }: LabelMove) {
    this.#call();
    const holder = holderOf(label, { versions: Object.fromEntries(this.labels) });
    if (holder === to) return 'moved';
    if (holder !== from) return 'lost';
    this.#remove(label);
    if (label === 'AWSCURRENT') this.#remove('AWSPREVIOUS');
    if (label === 'AWSCURRENT' && from !== undefined) this.#add(from, 'AWSPREVIOUS');
    if (to !== undefined) this.#add(to, label);
    return 'moved';
  }

  #add(version: string, label: string): void {
    const labels = this.labels.get(version) ?? [];
    this.labels.set(version, [...new Set([...labels, label])]);
  }

  #remove(label: string): void {
    for (const [version, labels] of this.labels) {
      this.labels.set(
        version,
        labels.filter((other) => other !== label),
      );
    }
  }
}

let secret: MemorySecret;
/** What is valid at the thing that the secret is for. */
let valid: Set<string>;
let retired: Set<string>;
let rotation: Rotation;
beforeEach(() => {
  secret = new MemorySecret();
  valid = new Set(['one']);
  retired = new Set();
  rotation = {
    create: async (current) => `${current} and more`,
    set: async (pending) => void valid.add(pending),
    test: async (pending) => {
      if (!valid.has(pending)) throw new Error('the pending value does not work');
    },
    retire: async (previous) => void retired.add(previous),
  };
});

const run = (Step: RotationStep, version = 'v2') =>
  runRotationStep({ Step, SecretId: 'secret', ClientRequestToken: version }, secret, rotation);
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

function expectRotated(): void {
  expect(Object.fromEntries(secret.labels)).toEqual({ v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT'] });
  expect(valid).toContain(secret.values.get('v2'));
  expect(retired).toEqual(new Set(['one']));
}

describe('the guard', () => {
  it.each([
    { name: 'rotation is off', enabled: false, labels: ['AWSPENDING'], outcome: /not enabled/ },
    { name: 'the version is unknown', enabled: true, labels: undefined, outcome: /no version/ },
    { name: 'the version has no label', enabled: true, labels: [], outcome: /not pending/ },
    {
      name: 'the version was replaced',
      enabled: true,
      labels: ['AWSPREVIOUS'],
      outcome: /not pending/,
    },
  ])('stops every step where $name', async ({ enabled, labels, outcome }) => {
    const versions = labels === undefined ? {} : { v2: labels };
    expect(() => guard('v2', { isRotationEnabled: enabled, versions })).toThrow(outcome);
  });

  it.each([
    { labels: ['AWSPENDING'], outcome: 'pending' },
    { labels: ['AWSCURRENT'], outcome: 'current' },
    { labels: ['AWSCURRENT', 'AWSPENDING'], outcome: 'current' },
  ])('finds a version with $labels $outcome', ({ labels, outcome }) => {
    expect(guard('v2', { isRotationEnabled: true, versions: { v2: labels } })).toBe(outcome);
  });
});

describe('a rotation', () => {
  it('goes through in four steps', async () => {
    for (const step of STEPS) await run(step);
    expectRotated();
  });

  it.each(STEPS)('does nothing more in %s when it is through', async (step) => {
    for (const each of STEPS) await run(each);
    await run(step);
    expectRotated();
  });

  it('has one value however often createSecret runs', async () => {
    await Promise.all([run('createSecret'), run('createSecret')]);
    const value = secret.values.get('v2');
    await run('createSecret');
    expect(secret.values.get('v2')).toBe(value);
  });

  it.each(['setSecret', 'testSecret', 'finishSecret'] as const)(
    'is not begun by %s',
    async (step) => {
      await expect(run(step)).rejects.toThrow('createSecret has not run yet');
      expect(secret.labels.get('v1')).toEqual(['AWSCURRENT']);
    },
  );

  it('is not finished with a value that was never set', async () => {
    await run('createSecret');
    await expect(run('finishSecret')).rejects.toThrow('does not work');
    expect(secret.labels.get('v1')).toEqual(['AWSCURRENT']);
    expect(retired).toEqual(new Set());
  });

  it('ends well with every step twice at once', async () => {
    for (const step of STEPS) await Promise.all([run(step), run(step)]);
    expectRotated();
  });

  it.each(STEPS)(
    'ends well where %s is killed at each of its calls and repeated',
    async (killed) => {
      for (let callsLeft = 0; callsLeft < 12; callsLeft += 1) {
        secret = new MemorySecret();
        valid = new Set(['one']);
        retired = new Set();
        for (const step of STEPS) {
          if (step === killed) {
            secret.callsLeft = callsLeft;
            await run(step).catch(() => undefined);
            secret.callsLeft = Infinity;
          }
          await run(step);
        }
        expectRotated();
      }
    },
  );

  it('makes up in the next one for what it could not finish', async () => {
    for (const step of STEPS.slice(0, 3)) await run(step);
    // describe, the test's read, describe's holder: killed right after the promotion.
    secret.callsLeft = 3;
    await run('finishSecret').catch(() => undefined);
    secret.callsLeft = Infinity;
    expect(secret.labels.get('v2')).toContain('AWSCURRENT');
    expect(retired).toEqual(new Set());
    await secret.moveLabel('AWSPENDING', { from: 'v2' });
    secret.labels.set('v3', ['AWSPENDING']);
    await run('createSecret', 'v3');
    await run('setSecret', 'v3');
    expect(retired).toEqual(new Set(['one']));
  });

  it('promotes nothing where another version became the current one meanwhile', async () => {
    for (const step of STEPS.slice(0, 3)) await run(step);
    rotation.test = async () => {
      secret.labels.set('v1', ['AWSPREVIOUS']);
      secret.labels.set('v3', ['AWSCURRENT']);
    };
    await expect(run('finishSecret')).rejects.toThrow(RotationRefusedError);
    expect(secret.labels.get('v2')).toEqual(['AWSPENDING']);
    expect(retired).toEqual(new Set());
  });
});
