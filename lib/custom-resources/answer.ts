import type { Envelope } from './request.ts';

/** What became of a request. */
export type Outcome =
  | { status: 'SUCCESS'; physicalResourceId: string; data: Readonly<Record<string, string>> }
  | { status: 'FAILED'; physicalResourceId: string; reason: string };

/** Bytes: the most that CloudFormation reads. */
const LARGEST_ANSWER = 4096;
const LONGEST_REASON = 1000;

/** The body of the answer, with a reason as long as it may be. */
export function answerOf(envelope: Envelope, outcome: Outcome): string {
  const body = (reason: string) =>
    JSON.stringify({
      Status: outcome.status,
      ...(outcome.status === 'FAILED' && { Reason: reason }),
      PhysicalResourceId: outcome.physicalResourceId,
      StackId: envelope.stackId,
      RequestId: envelope.requestId,
      LogicalResourceId: envelope.logicalResourceId,
      ...(outcome.status === 'SUCCESS' && { Data: outcome.data }),
    });
  if (outcome.status === 'SUCCESS') return body('');
  let characters = Array.from(outcome.reason).slice(0, LONGEST_REASON);
  while (characters.length > 1 && Buffer.byteLength(body(characters.join(''))) > LARGEST_ANSWER) {
    characters = characters.slice(0, Math.floor(characters.length / 2));
  }
  return body(characters.join(''));
}
