import type { PolicyDocument } from '../../lib/gateway/routes/policy.ts';

/**
 * What IAM makes of a policy: an explicit denial wins, then an allowance is needed; `*` is any text, `?` any one
 * character, slashes among them.
 */
export function isAllowedByPolicy({ Statement }: PolicyDocument, arn: string): boolean {
  const isHit = (effect: 'Allow' | 'Deny') =>
    Statement.some(
      ({ Effect, Resource }) =>
        Effect === effect && Resource.some((resource) => toRegExp(resource).test(arn)),
    );
  return isHit('Allow') && !isHit('Deny');
}

function toRegExp(resource: string): RegExp {
  const source = resource
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
