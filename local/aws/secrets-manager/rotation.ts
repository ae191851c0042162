import { randomUUID } from 'node:crypto';
import { invalidRequest, SecretsManagerError } from './errors.ts';
import {
  type Operation,
  readBoolean,
  readClientRequestToken,
  readSecretId,
  readText,
} from './input.ts';
import { addPlaceholder, addTrialVersion, dropTrialVersions, schedule } from './rotation-state.ts';
import { readRotationRules } from './schedule.ts';
import { assertNotDeleted, type Secret, unfinishedRotation, versionWithId } from './secret.ts';
import type { SecretStore } from './store.ts';

export type RotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';

/** One call of a rotation function, with the event that Secrets Manager sends to a Lambda. */
export interface RotationCall {
  readonly functionArn: string;
  readonly event: {
    readonly Step: RotationStep;
    /** The full ARN of the secret. */
    readonly SecretId: string;
    /** The id of the version that this rotation makes. */
    readonly ClientRequestToken: string;
    readonly RotationToken?: string;
  };
}

export interface RotationFailure {
  readonly secretId: string;
  /** The step that threw. Absent where all four returned and the labels were not as they must be. */
  readonly step?: RotationStep;
  readonly error: unknown;
}

/** The ARNs of the secrets that `runDueRotations` tried, by how it went. */
export interface DueRotations {
  readonly rotated: readonly string[];
  readonly failed: readonly string[];
}

export interface Rotations {
  readonly operations: Record<string, Operation>;
  runDue(): Promise<DueRotations>;
  /** Resolves when no rotation is running. */
  settled(): Promise<void>;
  /** Lets the steps that are running return, and starts no other. */
  stop(): void;
}

interface Dependencies {
  readonly store: SecretStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly rotate: ((call: RotationCall) => Promise<void>) | undefined;
  readonly onRotationFailure: (failure: RotationFailure) => void;
}

const FULL_ROTATION: readonly RotationStep[] = [
  'createSecret',
  'setSecret',
  'testSecret',
  'finishSecret',
];
const TRIAL: readonly RotationStep[] = ['testSecret'];

/** Rotates secrets through a callback, as Secrets Manager does through a Lambda function. */
export function createRotations(dependencies: Dependencies): Rotations {
  const { store, now, rotate, onRotationFailure } = dependencies;
  const running = new Map<string, Promise<boolean>>();
  let isStopped = false;

  for (const { arn } of store.all()) {
    endTrial(arn);
  }

  function endTrial(arn: string): void {
    store.transact(() => {
      const secret = store.lookup(arn);
      if (secret !== undefined && dropTrialVersions(secret)) {
        store.save(secret);
      }
    });
  }

  function complete(arn: string): void {
    store.transact(() => {
      const secret = store.find(arn);
      if (unfinishedRotation(secret) !== undefined) {
        throw new Error(
          'The rotation function left AWSPENDING on a version that is not AWSCURRENT',
        );
      }
      if (secret.rotation !== undefined) {
        secret.rotation.lastRotated = now();
        schedule(secret.rotation, now());
      }
      store.save(secret);
    });
  }

  /** Whether the secret still wants this rotation: not deleted, cancelled or closed meanwhile. */
  function functionToCall(arn: string): string | undefined {
    const secret = isStopped ? undefined : store.lookup(arn);
    const isWanted = secret?.rotation?.enabled && secret.deletionDate === undefined;
    return isWanted ? secret.rotation?.functionArn : undefined;
  }

  async function drive(
    arn: string,
    versionId: string,
    steps: readonly RotationStep[],
  ): Promise<boolean> {
    const rotationToken = randomUUID();
    let step: RotationStep | undefined;
    try {
      for (step of steps) {
        // Also lets the answer to RotateSecret leave before the first step begins.
        await new Promise((resolve) => setImmediate(resolve));
        const functionArn = functionToCall(arn);
        if (rotate === undefined || functionArn === undefined) {
          return false;
        }
        await rotate({
          functionArn,
          event: {
            Step: step,
            SecretId: arn,
            ClientRequestToken: versionId,
            RotationToken: rotationToken,
          },
        });
      }
      step = undefined;
      if (steps !== TRIAL) {
        complete(arn);
      }
      return true;
    } catch (error) {
      onRotationFailure({ secretId: arn, error, ...(step !== undefined && { step }) });
      return false;
    }
  }

  function start(arn: string, versionId: string, steps: readonly RotationStep[]): Promise<boolean> {
    const already = running.get(arn);
    if (already !== undefined) {
      return already;
    }
    const rotation = drive(arn, versionId, steps)
      .finally(() => {
        running.delete(arn);
        endTrial(arn);
      })
      .catch((error: unknown) => {
        onRotationFailure({ secretId: arn, error });
        return false;
      });
    running.set(arn, rotation);
    return rotation;
  }

  function isDue(secret: Secret): boolean {
    const next = secret.rotation?.enabled ? secret.rotation.next : undefined;
    return next !== undefined && next <= now() && secret.deletionDate === undefined;
  }

  async function rotateDue(arn: string): Promise<boolean> {
    if (rotate === undefined) {
      return false;
    }
    const versionId = store.transact(() => {
      const secret = store.find(arn);
      const unfinished = unfinishedRotation(secret);
      if (unfinished !== undefined) {
        return unfinished.versionId;
      }
      const created = randomUUID();
      addPlaceholder(secret, created, now());
      store.save(secret);
      return created;
    });
    return start(arn, versionId, FULL_ROTATION);
  }

  const operations: Record<string, Operation> = {
    RotateSecret(members) {
      const secret = store.find(readSecretId(members));
      const versionId = readClientRequestToken(members);
      assertNotDeleted(secret);
      const rules = readRotationRules(members) ?? secret.rotation?.rules ?? {};
      const functionArn =
        readText(members, 'RotationLambdaARN', { max: 2048 }) || secret.rotation?.functionArn;
      const isImmediate = readBoolean(members, 'RotateImmediately') ?? true;
      if (functionArn === undefined) {
        throw invalidRequest('No Lambda rotation function ARN is associated with this secret.');
      }
      if (rotate === undefined) {
        throw new SecretsManagerError(
          'AccessDeniedException',
          'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
        );
      }
      const answer = { ARN: secret.arn, Name: secret.name, VersionId: versionId };
      const unfinished = unfinishedRotation(secret);
      if (unfinished !== undefined && !unfinished.trial && secret.rotation?.enabled) {
        void start(secret.arn, unfinished.versionId, FULL_ROTATION);
      }
      if (versionWithId(secret, versionId) !== undefined) {
        return answer;
      }
      if (unfinished !== undefined || running.has(secret.arn)) {
        throw invalidRequest(
          "A previous rotation isn't complete. That rotation will be reattempted.",
        );
      }
      const lastRotated = secret.rotation?.lastRotated;
      secret.rotation = {
        functionArn,
        rules,
        enabled: true,
        ...(lastRotated !== undefined && { lastRotated }),
      };
      schedule(secret.rotation, now());
      const addPending = isImmediate ? addPlaceholder : addTrialVersion;
      addPending(secret, versionId, now());
      secret.lastChanged = now();
      store.save(secret);
      void start(secret.arn, versionId, isImmediate ? FULL_ROTATION : TRIAL);
      return answer;
    },

    CancelRotateSecret(members) {
      const secret = store.find(readSecretId(members));
      assertNotDeleted(secret);
      if (secret.rotation === undefined) {
        throw invalidRequest(
          "You tried to cancel rotation on a secret that doesn't have a Lambda function ARN configured.",
        );
      }
      secret.rotation.enabled = false;
      delete secret.rotation.next;
      secret.lastChanged = now();
      store.save(secret);
      const unfinished = unfinishedRotation(secret);
      return { ARN: secret.arn, Name: secret.name, VersionId: unfinished?.versionId };
    },
  };

  return {
    operations,
    async runDue() {
      const rotated: string[] = [];
      const failed: string[] = [];
      for (const { arn } of store.all().filter(isDue)) {
        // One that is running may be what makes it no longer due.
        await running.get(arn);
        const secret = store.lookup(arn);
        if (secret !== undefined && isDue(secret)) {
          const isRotated = await rotateDue(arn);
          (isRotated ? rotated : failed).push(arn);
        }
      }
      return { rotated, failed };
    },
    async settled() {
      while (running.size > 0) {
        await Promise.all(running.values());
      }
    },
    stop() {
      isStopped = true;
    },
  };
}
