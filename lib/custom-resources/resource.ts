import { createHash } from 'node:crypto';
import type { CustomResourceRequest, Properties } from './request.ts';

/** Which resource of which stack something belongs to. */
export interface Owner {
  stackId: string;
  logicalResourceId: string;
}

/** What is there after a Create or an Update. */
export interface Declared {
  /** What `Ref` gives in the template. */
  physicalResourceId: string;
  /** What `Fn::GetAtt` gives. Never a secret. */
  data: Readonly<Record<string, string>>;
}

/** One resource type. Each operation may be repeated, after success as after having been cut off anywhere. */
export interface CustomResource {
  /** The physical id that the properties stand for; undefined where they are too malformed to tell. */
  idOf(owner: Owner, properties: Properties): string | undefined;
  /**
   * Makes what the properties declare, or changes what the owner has there already.
   *
   * @throws {RefusedError} also for what belongs to somebody else
   */
  put(owner: Owner, properties: Properties): Promise<Declared>;
  /**
   * Removes what the owner has there; does nothing where that is nothing, or somebody else's.
   *
   * @throws {RefusedError} where it is still needed
   */
  remove(owner: Owner, physicalResourceId: string, properties: Properties): Promise<void>;
}

export function ownerOf({ stackId, logicalResourceId }: CustomResourceRequest): Owner {
  return { stackId, logicalResourceId };
}

/** How an item tells whose it is. */
export function formatOwner({ stackId, logicalResourceId }: Owner): string {
  return `${stackId}|${logicalResourceId}`;
}

/** An id that is the owner's alone and always the same: `WorkflowsClient-1c9f0c2f9a6e4d57`. */
export function derivedId(owner: Owner): string {
  const hash = createHash('sha256').update(formatOwner(owner)).digest('hex');
  return `${owner.logicalResourceId.slice(0, 64)}-${hash.slice(0, 16)}`;
}
