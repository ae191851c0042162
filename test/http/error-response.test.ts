import { describe, expect, it } from 'vitest';
import { asOAuthError, errorResponse } from '../../lib/http/error-response.ts';
import { TimeOverError } from '../../lib/runtime/invocation-signal.ts';
import { StoreUnavailableError } from '../../lib/runtime/store-unavailable-error.ts';

const service = 'Secrets Manager';
const throttled = Object.assign(new Error('a canary'), { name: 'ThrottlingException' });

describe('what is no fault of the request', () => {
  it.each([
    {
      name: 'a store that is down',
      error: new StoreUnavailableError({ service, operation: 'GetSecretValue', cause: throttled }),
      detail: 'Secrets Manager GetSecretValue: ThrottlingException',
    },
    {
      name: 'a time that ran out',
      error: new TimeOverError(),
      detail: 'the time of the function ran out',
    },
  ])('$name: the client is asked to come again, and told no more', ({ error, detail }) => {
    expect(errorResponse(error)).toEqual({
      status: 503,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        Pragma: 'no-cache',
        'Retry-After': '2',
      },
      body: JSON.stringify({
        error: 'temporarily_unavailable',
        error_description: 'The service is temporarily unavailable',
      }),
    });
    expect(asOAuthError(error)).toMatchObject({ detail, cause: error });
  });
});
