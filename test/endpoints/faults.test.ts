import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';
import { type Fault, type FaultProxy, startProxy } from '../support/proxy.ts';

const PASSWORD = 'correct horse battery';

let latchkey: TestLatchkey;
let dynamodb: FaultProxy;
let secretsManager: FaultProxy;
let secret: string;

beforeAll(async () => {
  latchkey = await startLatchkey();
  dynamodb = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_DYNAMODB);
  secretsManager = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER);
  process.env.AWS_ENDPOINT_URL_DYNAMODB = dynamodb.endpoint;
  process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = secretsManager.endpoint;
  await latchkey.createKeys();
  const api = await latchkey.addResourceServer({ identifier: 'api', scopes: { read: 'Read' } });
  const other = await latchkey.addResourceServer({ identifier: 'other', scopes: { read: 'Read' } });
  const machine = await latchkey.addClient({
    name: 'Machine',
    clientId: 'machine',
    grantTypes: ['client_credentials'],
    audiences: [api, other],
  });
  secret = machine.clientSecret;
  await latchkey.addClient({
    name: 'App',
    clientId: 'app',
    isPublic: true,
    grantTypes: ['password'],
    audiences: [api],
  });
  await latchkey.addUser({ username: 'ada', password: PASSWORD, permissions: ['read'] });
  // Its use is noted, which is good for an hour.
  await machineToken();
});
/** Every test meets a function that has just started. */
beforeEach(() => {
  vi.resetModules();
  for (const proxy of [dynamodb, secretsManager]) {
    proxy.calls.length = 0;
    proxy.attempts.clear();
    proxy.fault = () => undefined;
  }
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await dynamodb.close();
  await secretsManager.close();
  await latchkey.close();
});

const machineToken = (audience = 'api') =>
  latchkey.token({
    grant_type: 'client_credentials',
    client_id: 'machine',
    client_secret: secret,
    audience,
  });
const login = () =>
  latchkey.token({ grant_type: 'password', client_id: 'app', username: 'ada', password: PASSWORD });

function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

describe('the calls to AWS', () => {
  it('are one GetSecretValue and two GetItem on a cold start, all at once, and none when warm', async () => {
    let inFlight = 0;
    let most = 0;
    for (const proxy of [dynamodb, secretsManager]) {
      proxy.fault = async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => setTimeout(resolve, 200));
        inFlight -= 1;
        return undefined;
      };
    }
    expect((await machineToken()).status).toBe(200);
    expect(dynamodb.calls).toEqual(['GetItem', 'GetItem']);
    expect(secretsManager.calls).toEqual(['GetSecretValue']);
    expect(most).toBe(3);
    expect((await machineToken()).status).toBe(200);
    expect([...dynamodb.calls, ...secretsManager.calls]).toHaveLength(3);
  });

  it('are one GetItem when the age of the cache is over', async () => {
    await machineToken();
    dynamodb.calls.length = 0;
    secretsManager.calls.length = 0;
    pass(61);
    expect((await machineToken()).status).toBe(200);
    expect(dynamodb.calls).toEqual(['GetItem']);
    expect(secretsManager.calls).toEqual([]);
  });

  it('are shared by requests that come at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => machineToken()));
    expect(dynamodb.calls).toHaveLength(2);
    expect(secretsManager.calls).toHaveLength(1);
  });
});

describe('a store that is unavailable', () => {
  it.each<{ name: string; fault: Fault; service: 'DynamoDB' | 'Secrets Manager' }>([
    { name: 'DynamoDB throttles', fault: 'throttle', service: 'DynamoDB' },
    { name: 'DynamoDB breaks', fault: 'break', service: 'DynamoDB' },
    { name: 'DynamoDB hangs', fault: 'hang', service: 'DynamoDB' },
    { name: 'DynamoDB cuts the connection', fault: 'reset', service: 'DynamoDB' },
    { name: 'Secrets Manager throttles', fault: 'throttle', service: 'Secrets Manager' },
    { name: 'Secrets Manager hangs', fault: 'hang', service: 'Secrets Manager' },
    { name: 'Secrets Manager cuts the connection', fault: 'reset', service: 'Secrets Manager' },
  ])(
    'is answered with 503 and Retry-After, in time, and logged: $name',
    async ({ fault, service }) => {
      const proxy = service === 'DynamoDB' ? dynamodb : secretsManager;
      proxy.fault = () => fault;
      const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const { status, json, headers } = await machineToken();
      expect(status).toBe(503);
      expect(json.error).toBe('temporarily_unavailable');
      expect(Number(headers['Retry-After'])).toBeGreaterThan(0);
      expect(headers['Cache-Control']).toBe('no-store');
      expect(error).toHaveBeenCalledWith(
        expect.objectContaining({ detail: expect.stringContaining(service) }),
      );
      // Of at most 1.5 seconds each: well within the time-out of the functions.
      expect(Math.max(...proxy.attempts.values())).toBe(3);
    },
  );

  it.each<Fault>(['throttle', 'break', 'reset', 'lose-answer'])(
    'for a moment goes unnoticed (%s)',
    async (fault) => {
      dynamodb.fault = ({ count }) => (count === 1 ? fault : undefined);
      expect((await machineToken()).status).toBe(200);
    },
  );

  it('leaves the signing keys that are known in use', async () => {
    await machineToken();
    pass(3600);
    secretsManager.fault = () => 'throttle';
    expect((await machineToken()).status).toBe(200);
    pass(24 * 3600);
    expect((await machineToken()).status).toBe(503);
  });

  it('never leaves a client in use longer than the age of the cache', async () => {
    await machineToken();
    pass(61);
    dynamodb.fault = () => 'throttle';
    expect((await machineToken()).status).toBe(503);
  });
});

describe('a write', () => {
  it.each<{ fault: Fault; operation: string }>([
    { fault: 'lose-answer', operation: 'PutItem' },
    { fault: 'duplicate', operation: 'PutItem' },
    { fault: 'lose-answer', operation: 'UpdateItem' },
    { fault: 'duplicate', operation: 'UpdateItem' },
  ])(
    'of a refresh that is repeated ($fault of $operation) recognises itself',
    async ({ fault, operation }) => {
      const { json } = await login();
      let spoiled = false;
      dynamodb.fault = (call) => {
        if (spoiled || call.operation !== operation) return undefined;
        spoiled = true;
        return fault;
      };
      const first = await latchkey.refresh(json.access_token);
      expect(spoiled).toBe(true);
      expect(first.status).toBe(200);
      expect((await latchkey.refresh(json.access_token)).text).toBe(first.text);
      expect((await latchkey.refresh(first.json.access_token)).status).toBe(200);
    },
  );
});

describe('an invocation whose time ran out', () => {
  it('is answered with 503, and writes nothing more', async () => {
    const { json } = await login();
    dynamodb.fault = ({ operation }) => (operation === 'UpdateItem' ? 'hang' : undefined);
    const { status } = await latchkey.refresh(json.access_token, {
      context: { getRemainingTimeInMillis: () => 1_000 },
    });
    expect(status).toBe(503);
    dynamodb.fault = () => undefined;
    const writes = dynamodb.calls.filter((operation) => operation === 'UpdateItem').length;
    // Longer than the SDK waits for an answer before it tries again.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(dynamodb.calls.filter((operation) => operation === 'UpdateItem')).toHaveLength(writes);
    expect((await latchkey.refresh(json.access_token)).status).toBe(200);
  });
});

describe('before there are signing keys', () => {
  it('the answer is 503, and the log says what to do', async () => {
    vi.stubEnv('SIGNING_KEYS_SECRET', 'latchkey/test/none');
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await machineToken()).status).toBe(503);
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ detail: expect.stringContaining('latchkey keys create') }),
    );
    vi.unstubAllEnvs();
  });
});
